"""What people type: the fields of a form, and texts in an address. The database holds no U+0000, so none is taken."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Query, Request

from services.api.problems import Problem

LIMIT_BYTES = 65_536
MOST_FIELDS = 1_000
KIND = "application/x-www-form-urlencoded"

Form = list[tuple[str, str]]
SearchText = Annotated[str, Query(max_length=1_024, pattern=r"^[^\x00]*$")]


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
        form = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise Problem(400, "the form cannot be read") from None
    if any("\0" in text for _, text in form):
        raise Problem(400, "the form holds U+0000, which cannot be stored")
    return form


def value(form: Form, name: str) -> str:
    """The last value of a field without the blanks around it; empty if it is not there."""
    return dict(form).get(name, "").strip()
