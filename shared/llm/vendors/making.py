"""The vendor that settings describe."""

import logging
from collections.abc import Callable
from importlib import import_module

from pydantic import SecretStr

from shared.errors import UsageError
from shared.llm.calls import Vendor
from shared.llm.vendors.endpoint import Endpoint
from shared.settings import LlmSettings

_MAKERS = {
    "openai": ("chat", "OpenAIVendor"),
    "google": ("chat", "GoogleVendor"),
    "local": ("chat", "LocalVendor"),
    "anthropic": ("anthropic", "AnthropicVendor"),
}
"""By module: its SDK takes a second to load, which a process that does not ask this vendor must not spend."""
_ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "google": "https://generativelanguage.googleapis.com/v1beta/openai/",
    "anthropic": "https://api.anthropic.com",
}
"""Named here, or the SDKs would look for them in the environment."""
_NO_KEY = SecretStr("no-key-is-needed")
_CHATTY = ("httpx2", "httpcore2", "openai", "anthropic")


def make_vendor(provider: str, settings: LlmSettings) -> Vendor:
    """The vendor called `provider`. Raises UsageError if it lacks a key or an address."""
    settings.check(provider)
    endpoint = Endpoint(
        provider=provider,
        model=settings.model_of(provider),
        base_url=settings.base_url_of(provider) or _ADDRESSES[provider],
        key=_clean(settings.key_of(provider), provider),
        temperature=settings.temperature,
        concurrency=settings.concurrency,
    )
    for name in _CHATTY:  # at DEBUG they tell addresses and what is asked
        logging.getLogger(name).setLevel(logging.WARNING)
    module, name = _MAKERS[provider]
    maker: Callable[[Endpoint], Vendor] = getattr(import_module(f"shared.llm.vendors.{module}"), name)
    return maker(endpoint)


def _clean(key: SecretStr | None, provider: str) -> SecretStr:
    """The key as a header can carry it. A local server mostly wants none, and must not get another vendor's."""
    text = (key or _NO_KEY).get_secret_value().strip()
    if not text.isascii() or not text.isprintable():
        raise UsageError(f"the key of provider {provider!r} has characters that no key has", remedy="Copy it again.")
    return SecretStr(text)
