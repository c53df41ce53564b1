"""What a form sends."""

from urllib.parse import parse_qsl

from fastapi import Request

from services.api.problems import Problem

LIMIT_BYTES = 65_536
MOST_FIELDS = 1_000
KIND = "application/x-www-form-urlencoded"

Form = list[tuple[str, str]]


async def read_form(request: Request) -> Form:
    """The fields in their order. Raises Problem for what no form of ours sends."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != KIND:
        raise Problem(415, "a form is expected")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT_BYTES:
            raise Problem(413, f"a form may have {LIMIT_BYTES:,} bytes", headers={"Connection": "close"})
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise Problem(400, "the form cannot be read") from None


def value(form: Form, name: str) -> str:
    """The last value of a field without the blanks around it; empty if it is not there."""
    return dict(form).get(name, "").strip()
