"""POST /classify/batch."""

import re
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Header, Request, Response

from services.api.accepting import Acceptance, Asked
from services.api.access import Access, Client
from services.api.body import read_json_body
from services.api.contract import BatchAccepted, ProblemBody
from services.api.indicators import IndicatorReader
from services.api.problems import JSON, Problem
from shared.errors import UsageError
from shared.feeding import Receipt
from shared.settings import LlmSettings, Settings
from shared.telemetry.trace_context import continuing

log = structlog.get_logger()

_KEY = re.compile(r"[\x21-\x7e]{1,200}")

IdempotencyKey = Annotated[
    str | None, Header(description="a name of your own for this request; a repeated one is answered, not done again")
]

RESPONSES = {
    400: "wrong body, wrong indicators, unknown provider",
    401: "no valid key",
    408: "the body did not come in time",
    413: "the body is too long",
    415: "the body is not JSON",
    422: "the Idempotency-Key was used for another body",
    429: "too many requests or indicators, or the pipeline is behind; Retry-After says when to come back",
    503: "broker or database is away; Retry-After says when to come back",
}


def submission_routes(
    settings: Settings, reader: IndicatorReader, acceptance: Acceptance, access: Access, body: dict[str, Any]
) -> APIRouter:
    """The route that takes indicators in; `body` describes what it reads."""
    router = APIRouter(tags=["Classify"])
    default_provider = settings.llm.provider

    @router.post(
        "/classify/batch",
        status_code=202,
        summary="Submit indicators",
        responses={
            202: {"model": BatchAccepted, "description": "registered and on its way"},
            **{status: {"model": ProblemBody, "description": meaning} for status, meaning in RESPONSES.items()},
        },
        openapi_extra=body,
    )
    async def classify_batch(
        request: Request, client: Annotated[Client, Depends(access)], idempotency_key: IdempotencyKey = None
    ) -> Response:
        """Register a batch of indicators and send it on its way. The answer comes before the classification: follow
        `/batches/{batch_id}/events`, then read `/batches/{batch_id}/results`.

        Either all indicators are accepted or none. Fields that are not listed are kept and shown to the models.
        """
        indicators = reader.read(await read_json_body(request, settings.api.body_limit_bytes))
        provider = indicators.provider or default_provider
        _check_provider(settings.llm, provider)
        own_key = _own(client, _checked_key(idempotency_key))
        await access.limits.take_indicators(client.counted_as, len(indicators.items))
        with continuing(request.headers.get("traceparent", "").encode()):
            receipt = await acceptance.accept(Asked(indicators, own_key))
        if receipt.new:
            log.info("accepted", client=client.name, batch_id=receipt.batch.batch_id, count=receipt.batch.total)
        return await _accepted(receipt, acceptance, provider)

    return router


def _check_provider(settings: LlmSettings, provider: str) -> None:
    try:
        settings.check(provider)
    except UsageError as error:
        raise Problem(400, str(error.args[0]), error.remedy) from None


def _checked_key(key: str | None) -> str | None:
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(400, "Idempotency-Key must be 1 to 200 visible ASCII characters", "Use a UUID, for example.")
    return key


def _own(client: Client, key: str | None) -> str | None:
    """The key as it is kept: the client's own. A blank, which neither name nor key can have, keeps them apart."""
    return f"{client.name} {key}" if key and client.name else key


async def _accepted(receipt: Receipt, acceptance: Acceptance, provider: str) -> Response:
    batch = receipt.batch
    body = BatchAccepted(
        message=f"{batch.total} indicators accepted" if receipt.new else "accepted before, under the same key",
        batch_id=batch.batch_id,
        trace_id=batch.trace_id,
        count=batch.total,
        llm_provider=provider,
        estimated_completion=await acceptance.estimated_completion(receipt),
    )
    headers = {"Location": f"/batches/{batch.batch_id}"} | ({} if receipt.new else {"Idempotency-Replayed": "true"})
    return Response(body.model_dump_json(), 202, headers, JSON)
