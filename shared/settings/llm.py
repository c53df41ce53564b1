"""Which model answers which stage, and what it may take. Keys are secrets: no text form of these settings shows one."""

from math import inf
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from shared.errors import UsageError
from shared.settings.concern import Concern, variable
from shared.settings.values import Count, Lower, Name, Names, Share, WebAddress, split_list

EMBEDDED_PROVIDER = "embedded"
VENDORS = ("openai", "anthropic", "google", "local")
"""Providers that are asked over the network."""
CASCADE_PREFIX = "cascade:"
"""`cascade:openai`: the embedded model answers what it is sure of, the vendor the rest."""
LOCAL_URL = "http://127.0.0.1:1234/v1"
LOCAL_MODEL = "mistral-7b-instruct-v0.3"
MAX_BATCH_ITEMS = 50
QUESTIONS = ("time", "scale", "currency", "family", "type", "boolean-review", "final-review", "correct")
"""What can have a budget of its own; a budget of anything else would guard nothing, and nobody would know."""
_FACETS = frozenset({"time", "scale", "currency"})
"""Stages whose rules need no language model: one is asked only if the stage's own variable names it."""
_KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "google": "GOOGLE_API_KEY"}

Amount = Annotated[float, Field(ge=0)]
Rate = Annotated[int, Field(ge=0)]
Review = Literal["rules", "flagged", "all"]


def _parse_budget(text: str) -> tuple[str, float]:
    task, equals, amount = text.partition("=")
    try:
        value = float(amount)
    except ValueError:
        value = -1.0
    if not (task.strip() and equals and 0 <= value < inf):
        raise ValueError("must be written like family=1.5,type=2")
    name = task.strip().lower().replace("_", "-")
    if name not in QUESTIONS:
        raise ValueError(f"there is no question {name!r}; choose among {', '.join(QUESTIONS)}")
    return name, value


def _check_budgets(parts: tuple[str, ...]) -> tuple[str, ...]:
    for part in parts:
        _parse_budget(part)
    return parts


TaskBudgets = Annotated[tuple[str, ...], BeforeValidator(split_list), AfterValidator(_check_budgets)]


class LlmSettings(Concern):
    """Providers, their keys and limits, and how they are asked. `embedded` needs no network and no key."""

    provider: Name = variable(
        "LLM_PROVIDER",
        "SLUICE_LLM_PROVIDER",
        default=EMBEDDED_PROVIDER,
        meaning="provider of every stage: embedded, openai, anthropic, google, local; or cascade: and one of these",
    )
    provider_time: Name | None = variable(
        "LLM_PROVIDER_TIME_INFERENCE", "LLM_PROVIDER_TIME", default=None, meaning="provider of the time stage"
    )
    provider_scale: Name | None = variable(
        "LLM_PROVIDER_SCALE_INFERENCE", "LLM_PROVIDER_SCALE", default=None, meaning="provider of the scale stage"
    )
    provider_currency: Name | None = variable(
        "LLM_PROVIDER_CURRENCY_CHECK", "LLM_PROVIDER_CURRENCY", default=None, meaning="provider of the currency stage"
    )
    provider_family: Name | None = variable(
        "LLM_PROVIDER_FAMILY_ASSIGNMENT", "LLM_PROVIDER_FAMILY", default=None, meaning="provider of the family stage"
    )
    provider_type: Name | None = variable(
        "LLM_PROVIDER_TYPE_CLASSIFICATION", "LLM_PROVIDER_TYPE", default=None, meaning="provider of the type stage"
    )
    provider_boolean_review: Name | None = variable(
        "LLM_PROVIDER_BOOLEAN_REVIEW", default=None, meaning="provider of the boolean review"
    )
    provider_final_review: Name | None = variable(
        "LLM_PROVIDER_FINAL_REVIEW", default=None, meaning="provider of the final review"
    )
    provider_correct: Name | None = variable(
        "LLM_PROVIDER_CORRECT", default=None, meaning="provider of the correction of transcripts"
    )

    openai_api_key: SecretStr | None = variable("OPENAI_API_KEY", default=None, meaning="key of OpenAI")
    openai_model: str = variable("OPENAI_MODEL", default="gpt-4o-mini", meaning="model of OpenAI")
    openai_base_url: WebAddress | None = variable(
        "OPENAI_BASE_URL", default=None, meaning="address of OpenAI's API; unset: OpenAI's own"
    )
    openai_rpm: Rate = variable("SLUICE_OPENAI_RPM", default=3_000, meaning="calls a minute to OpenAI; 0: no limit")
    openai_tpm: Rate = variable("SLUICE_OPENAI_TPM", default=4_000_000, meaning="tokens a minute at OpenAI")
    anthropic_api_key: SecretStr | None = variable("ANTHROPIC_API_KEY", default=None, meaning="key of Anthropic")
    anthropic_model: str = variable("ANTHROPIC_MODEL", default="claude-haiku-4-5", meaning="model of Anthropic")
    anthropic_base_url: WebAddress | None = variable(
        "ANTHROPIC_BASE_URL", default=None, meaning="address of Anthropic's API; unset: Anthropic's own"
    )
    anthropic_rpm: Rate = variable(
        "SLUICE_ANTHROPIC_RPM", default=1_000, meaning="calls a minute to Anthropic; 0: no limit"
    )
    anthropic_tpm: Rate = variable("SLUICE_ANTHROPIC_TPM", default=400_000, meaning="tokens a minute at Anthropic")
    google_api_key: SecretStr | None = variable(
        "GOOGLE_API_KEY", "GEMINI_API_KEY", default=None, meaning="key of Google's Gemini API"
    )
    google_model: str = variable("GOOGLE_MODEL", default="gemini-2.5-flash", meaning="model of Google")
    google_base_url: WebAddress | None = variable(
        "GOOGLE_BASE_URL", default=None, meaning="address of Google's OpenAI-compatible API; unset: Google's own"
    )
    google_rpm: Rate = variable("SLUICE_GOOGLE_RPM", default=300, meaning="calls a minute to Google; 0: no limit")
    google_tpm: Rate = variable("SLUICE_GOOGLE_TPM", default=1_000_000, meaning="tokens a minute at Google")
    local_url: WebAddress | None = variable(
        "LM_STUDIO_URL",
        "SLUICE_LOCAL_URL",
        default=None,
        meaning=f"address of a local OpenAI-compatible server; unset: {LOCAL_URL}",
    )
    local_model: str | None = variable(
        "LM_STUDIO_MODEL", "SLUICE_LOCAL_MODEL", default=None, meaning=f"model of that server; unset: {LOCAL_MODEL}"
    )
    local_api_key: SecretStr | None = variable(
        "SLUICE_LOCAL_API_KEY", default=None, meaning="key of that server, if it wants one"
    )
    local_rpm: Rate = variable("SLUICE_LOCAL_RPM", default=0, meaning="calls a minute to it; 0: no limit")
    local_tpm: Rate = variable("SLUICE_LOCAL_TPM", default=0, meaning="tokens a minute at it; 0: no limit")

    fallback: Names = variable(
        "SLUICE_LLM_FALLBACK",
        default=(),
        meaning="providers asked in turn where the chosen one is away, comma between, such as anthropic,embedded",
    )
    batch_items: Annotated[int, Field(ge=1, le=MAX_BATCH_ITEMS)] = variable(
        "SLUICE_LLM_BATCH_ITEMS", default=15, meaning="most items in one call"
    )
    batch_tokens: Count = variable(
        "SLUICE_LLM_BATCH_TOKENS", default=6_000, meaning="most tokens of items in one call, estimated"
    )
    linger_ms: Rate = variable("SLUICE_LLM_LINGER_MS", default=50, meaning="longest wait for more items of a call")
    concurrency: Count = variable(
        "SLUICE_LLM_CONCURRENCY", default=128, meaning="calls in flight for each process and model"
    )
    timeout_seconds: Annotated[float, Field(gt=0)] = variable(
        "SLUICE_LLM_TIMEOUT_SECONDS", default=60.0, meaning="longest wait for the answer to one call"
    )
    attempts: Count = variable("SLUICE_LLM_ATTEMPTS", default=6, meaning="calls tried before a batch is given up")
    temperature: Annotated[float, Field(ge=0, le=2)] = variable(
        "SLUICE_LLM_TEMPERATURE", default=0.2, meaning="how freely a model answers; 0: least"
    )
    cache: bool = variable("SLUICE_LLM_CACHE", default=True, meaning="whether answers are kept and used again")
    cache_entries: Rate = variable(
        "SLUICE_LLM_CACHE_ENTRIES", default=50_000, meaning="answers each process keeps in memory"
    )
    coalesce: bool = variable(
        "SLUICE_LLM_COALESCE", default=True, meaning="whether equal questions in flight share one call"
    )
    budget_day_usd: Amount = variable(
        "SLUICE_LLM_BUDGET_DAY_USD", default=0.0, meaning="US dollars all calls of a day may cost; 0: no limit"
    )
    budget_total_usd: Amount = variable(
        "SLUICE_LLM_BUDGET_TOTAL_USD", default=0.0, meaning="US dollars all calls may ever cost; 0: no limit"
    )
    budget_tasks: TaskBudgets = variable(
        "SLUICE_LLM_BUDGET_TASKS",
        default=(),
        meaning="US dollars a day by question, such as family=1.5,type=2",
    )
    prices: Path | None = variable(
        "SLUICE_LLM_PRICES", default=None, meaning="file of prices (TOML or JSON) that win over the built-in ones"
    )
    cascade: bool = variable(
        "SLUICE_LLM_CASCADE", default=False, meaning="whether the embedded model answers first what it is sure of"
    )
    cascade_confidence: Share = variable(
        "SLUICE_LLM_CASCADE_CONFIDENCE", default=0.9, meaning="confidence at which it counts as sure"
    )
    review: Annotated[Review, Lower] = variable(
        "SLUICE_REVIEW", default="flagged", meaning="what a model reviews: nothing (rules), what is flagged, or all"
    )

    def own_provider(self, stage: str) -> str | None:
        """What the stage's own variable names. Stages go by their short name, such as `family`, `boolean-review`."""
        own: str | None = getattr(self, f"provider_{stage.replace('-', '_')}", None)
        return own

    def provider_for(self, stage: str) -> str:
        """Provider of a stage whose request names none: its own, else the general one (but no facet's)."""
        return self.own_provider(stage) or (EMBEDDED_PROVIDER if stage in _FACETS else self.provider)

    def named(self) -> tuple[str, ...]:
        """Every provider that some variable names, without `cascade:`; each once."""
        own = [getattr(self, name) for name in type(self).model_fields if name.startswith("provider_")]
        names = [self.provider, *filter(None, own), *self.fallback]
        return tuple(dict.fromkeys(name.removeprefix(CASCADE_PREFIX) for name in names))

    def configured(self) -> tuple[str, ...]:
        """The providers that can be asked with these settings."""
        return (EMBEDDED_PROVIDER, *(vendor for vendor in VENDORS if self._is_set_up(vendor)))

    def check(self, provider: str) -> None:
        """Raises UsageError, with what to set, if `provider` (or `cascade:` and it) cannot be asked."""
        name = provider.removeprefix(CASCADE_PREFIX)
        if name in self.configured():
            return
        if name in _KEY_VARIABLES:
            raise UsageError(f"provider {name!r} has no key", remedy=f"Set {_KEY_VARIABLES[name]}.")
        if name in VENDORS:
            raise UsageError(f"provider {name!r} has no address", remedy="Set LM_STUDIO_URL.")
        raise UsageError(
            f"provider {name!r} is not known", remedy=f"Choose one of: {', '.join((EMBEDDED_PROVIDER, *VENDORS))}."
        )

    def key_of(self, provider: str) -> SecretStr | None:
        """The key of a vendor; None if there is none."""
        key: SecretStr | None = getattr(self, f"{_vendor(provider)}_api_key")
        return key

    def model_of(self, provider: str) -> str:
        """The model asked of a vendor."""
        model: str | None = getattr(self, f"{_vendor(provider)}_model")
        return model or LOCAL_MODEL

    def base_url_of(self, provider: str) -> str | None:
        """Where a vendor's API is; None for the vendor's own address. It may hold credentials."""
        if _vendor(provider) == "local":
            return self.local_url.get_secret_value() if self.local_url else LOCAL_URL
        url: SecretStr | None = getattr(self, f"{provider}_base_url")
        return url.get_secret_value() if url else None

    def place_of(self, provider: str) -> str:
        """Host and path where a vendor is asked; empty for its own address, and for a local server's usual one."""
        url = self.base_url_of(provider)
        if url in (None, LOCAL_URL):
            return ""
        parts = urlsplit(url)
        return f"{parts.hostname}:{parts.port or ''}{parts.path.rstrip('/')}"

    def limits_for(self, provider: str) -> tuple[int, int]:
        """Calls and tokens a minute; 0: no limit."""
        vendor = _vendor(provider)
        return getattr(self, f"{vendor}_rpm"), getattr(self, f"{vendor}_tpm")

    def task_budgets(self) -> dict[str, float]:
        """US dollars a day by question."""
        return dict(map(_parse_budget, self.budget_tasks))

    def _is_set_up(self, vendor: str) -> bool:
        if vendor == "local":
            return bool(self.local_url or self.local_model or vendor in self.named())
        return self.key_of(vendor) is not None


def _vendor(provider: str) -> str:
    if provider not in VENDORS:
        raise LookupError(f"{provider!r} is not asked over the network")
    return provider
