"""What the page at /docs says beyond the routes themselves: the body of a submission, and examples to start from."""

from typing import Any

from fastapi import FastAPI

from schemas.base import Contract

TITLE = "Sluice"
DESCRIPTION = """
Classifies economic indicators: family, type, aggregation, frequency, scale, currency, orientation.

1. `POST /classify/batch` with your indicators; the answer has a `batch_id`.
2. Follow `GET /batches/{batch_id}/events` until `completed`.
3. Read `GET /batches/{batch_id}/results`.

Send an `Idempotency-Key` with every submission: then it can be repeated after a timeout, a 429 or a 503 without
counting twice. Every refusal says what is wrong in `message` and what to do in `remedy`.
"""

_SMALLEST = {"indicators": [{"indicator_id": "usa-gdp", "name": "GDP", "units": "USD Billion"}]}
_FULL = {
    "indicators": [
        {
            "indicator_id": "arm-exports",
            "name": "Exports",
            "units": "USD Million",
            "description": "Goods, free on board, cumulative since January",
            "source_name": "Statistical Committee",
            "category_group": "Trade",
            "periodicity": "Monthly",
            "country": "Armenia",
            "sample_values": [
                {"date": "2024-01", "value": 1034.2},
                {"date": "2024-02", "value": 2240.9},
                {"date": "2024-03", "value": None},
            ],
            "series_code": "any other field is kept and shown to the models",
        },
        {
            "indicator_id": "usa-unemployment",
            "name": "Unemployment Rate",
            "units": "%",
            "sample_values": [3.9, 4.0, 4.1],
        },
    ],
    "llm_provider": "embedded",
}

_FOREIGN = ("HTTPValidationError", "ValidationError")
_REF = "#/components/schemas/{model}"


def submission(model: type[Contract], limit: int) -> dict[str, Any]:
    """The body of a submission of items of `model`, for `openapi_extra`."""
    schema = {
        "type": "object",
        "required": ["indicators"],
        "properties": {
            "indicators": {
                "type": "array",
                "minItems": 1,
                "maxItems": limit,
                "items": {"$ref": _REF.format(model=model.__name__)},
            },
            "llm_provider": {"type": "string", "description": "left out: as the service is configured"},
        },
    }
    examples = {
        "smallest": {"summary": "An id and a name are enough; units help most", "value": _SMALLEST},
        "full": {"summary": "All that helps. A missing value is null, never NaN or a word", "value": _FULL},
    }
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}
    }


def describe(app: FastAPI, model: type[Contract]) -> None:
    """Add `model` to the description of `app`, which cannot see it: the body is read by ourselves."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        described = generate()
        schema = model.model_json_schema(ref_template=_REF)
        parts = schema.pop("$defs", {})
        described["components"]["schemas"] |= {model.__name__: schema, **parts}
        _forget_foreign_refusals(described)
        return described

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents


def _forget_foreign_refusals(described: dict[str, Any]) -> None:
    """FastAPI says of every route with parameters that it answers 422 in a form of its own; ours answer 400."""
    schemas = described["components"]["schemas"]
    for name in _FOREIGN:
        schemas.pop(name, None)
    for operations in described["paths"].values():
        for operation in operations.values():
            refusal = operation["responses"].get("422", {})
            if _REF.format(model=_FOREIGN[0]) in str(refusal):
                del operation["responses"]["422"]
