"""What calls cost. Prices come from genai-prices, which ships them; a file of your own wins over it.

The file (SLUICE_LLM_PRICES) is TOML or JSON: by model, US dollars for a million tokens. `input` and `output` are
demanded; tokens read from or written to the vendor's prompt cache cost `input` unless said otherwise.

    ["gpt-4o-mini"]
    input = 0.15
    cached_input = 0.075
    output = 0.60

    ["my-finetune"]
    input = 3.0
    cache_write = 3.75
    output = 12.0
"""

import json
import tomllib
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.errors import UsageError
from shared.llm.calls import Tokens

MILLION = 1_000_000
MOST = 1_000_000.0
"""A dollar for a token; more is a mistake."""
FREE = frozenset({"embedded", "local"})
"""Providers that cost nothing unless the file lists their model."""
_TOKENS_PER_BYTE = Fraction(11, 40)
"""A token is about four bytes, and a tenth is added: vocabularies would have to be downloaded, one a vendor.

Not four characters: of scripts other than Latin a character takes about a token, and two to four bytes.
"""


class Price(BaseModel):
    """US dollars for a million tokens of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input: float = Field(ge=0, le=MOST)
    output: float = Field(ge=0, le=MOST)
    cached_input: float | None = Field(default=None, ge=0, le=MOST)
    cache_write: float | None = Field(default=None, ge=0, le=MOST)

    def cost(self, tokens: Tokens) -> float:
        """US dollars of `tokens`."""
        cached = self.input if self.cached_input is None else self.cached_input
        written = self.input if self.cache_write is None else self.cache_write
        fresh = max(0, tokens.input - tokens.cached - tokens.cache_written)
        parts = (
            (fresh, self.input),
            (tokens.cached, cached),
            (tokens.cache_written, written),
            (tokens.output, self.output),
        )
        return sum(count * price for count, price in parts) / MILLION


_FILE = TypeAdapter(dict[str, Price])


class Prices:
    """Costs by provider and model."""

    def __init__(self, own: Mapping[str, Price] | None = None) -> None:
        self._own = dict(own or {})

    @classmethod
    def load(cls, path: Path | None = None) -> "Prices":
        """The built-in prices, below those of the file at `path`. Raises UsageError if it cannot be used."""
        return cls(_read(path) if path else None)

    def cost(self, provider: str, model: str, tokens: Tokens) -> float:
        """US dollars of one call. Raises LookupError for a model without a price; `check` tells before."""
        own = self._own.get(model)
        if own:
            return own.cost(tokens)
        return 0.0 if provider in FREE else _listed(provider, model, tokens)

    def check(self, provider: str, model: str) -> None:
        """Raises UsageError if nobody knows what the model costs. Makes the first call to `cost` as quick as others."""
        try:
            self.cost(provider, model, Tokens(input=1, output=1))
        except LookupError:
            raise UsageError(
                f"the price of {provider} model {model!r} is not known",
                remedy="Check the name of the model, or list its price in a file and name that in SLUICE_LLM_PRICES.",
            ) from None


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` takes; rather more than fewer."""
    return ceil(len(text.encode()) * _TOKENS_PER_BYTE)


def _read(path: Path) -> dict[str, Price]:
    try:
        text = path.read_text(encoding="utf-8")
        return _FILE.validate_python(json.loads(text) if path.suffix == ".json" else tomllib.loads(text))
    except OSError as error:
        raise _unusable(path, error.strerror or "not readable") from None
    except ValidationError as error:
        problem = error.errors()[0]
        raise _unusable(path, f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None
    except ValueError as error:
        raise _unusable(path, str(error)) from None
    except RecursionError:
        raise _unusable(path, "nested too deeply") from None


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError(
        f"file of prices {path}: {why}",
        remedy='Write by model, in US dollars for a million tokens: ["gpt-4o-mini"], input = 0.15, output = 0.60.',
    )


def _listed(provider: str, model: str, tokens: Tokens) -> float:
    library = _library()
    usage = library.Usage(
        input_tokens=max(tokens.input, tokens.cached + tokens.cache_written),
        cache_read_tokens=tokens.cached,
        cache_write_tokens=tokens.cache_written,
        output_tokens=tokens.output,
    )
    return float(library.calc_price(usage, model, provider_id=provider).total_price)


@cache
def _library() -> Any:
    # A fifth of a second and 20 MB, which only a process that asks a paid model has to spend.
    import genai_prices  # noqa: PLC0415 -- see above

    return genai_prices
