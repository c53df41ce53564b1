"""What all tests of vendors share: a request, vendors at a scripted server."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from schemas.base import Contract
from shared.llm.calls import Request
from shared.llm.rendering import render_item, render_items, reply_schema
from shared.llm.vendors.base import HttpVendor
from shared.llm.vendors.making import make_vendor
from shared.settings import Settings
from tests.unit.llm.wire import KEY

Maker = Callable[..., HttpVendor]


class Reply(Contract):
    colour: Literal["red", "blue"] = Field(description="the colour")
    note: str = Field(default="", max_length=9)


def request(*names: str, timeout: float = 30.0, rejected: tuple[str, str] | None = None, **other: Any) -> Request:
    """A question about things of these names."""
    given = names or ("Some Secret Indicator Name",)
    ids = [f"m{number}" for number in range(1, len(given) + 1)]
    items = render_items([render_item(id_, {"name": name}) for id_, name in zip(ids, given, strict=True)])
    return Request(
        question=other.get("question", "colour"),
        instructions="Say the colour of each thing.",
        items=items,
        schema=reply_schema(Reply, ids),
        max_output_tokens=123,
        timeout_seconds=timeout,
        rejected=rejected,
    )


def vendor_at(url: str, provider: str, **variables: str) -> HttpVendor:
    """A vendor as settings make it, at a server of ours."""
    addresses = {
        "openai": {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1"},
        "anthropic": {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url},
        "google": {"GOOGLE_API_KEY": KEY, "GOOGLE_BASE_URL": f"{url}/v1beta/openai"},
        "local": {"SLUICE_LOCAL_API_KEY": KEY, "LM_STUDIO_URL": f"{url}/v1"},
    }
    vendor = make_vendor(provider, Settings.load(addresses[provider] | variables).llm)
    assert isinstance(vendor, HttpVendor)
    return vendor
