"""Which provider a command line asks for, refused at once if it cannot be had."""

from collections.abc import Sequence

from shared.errors import UsageError
from shared.llm.choice import Choice, parse_choice
from shared.llm.pricing import Prices
from shared.settings import EMBEDDED_PROVIDER, LlmSettings


def asks_vendors(settings: LlmSettings, wish: str, stages: Sequence[str]) -> bool:
    """Whether any of the stages asks a model over the network about indicators that travel with `wish`."""
    own = [settings.own_provider(stage) for stage in stages]
    chosen = [wish or settings.provider, *filter(None, own)]
    return any(parse_choice(name).provider != EMBEDDED_PROVIDER for name in chosen)


def wished_provider(settings: LlmSettings, provider: str | None, *, cascade: bool) -> str:
    """What travels with every indicator; empty: each stage asks its own.

    Raises UsageError if the provider lacks something, with what to set, or if nobody knows what its model costs.
    """
    if provider is None and not cascade:
        return ""
    choice = parse_choice(provider or settings.provider)
    settings.check(str(choice))
    if choice.provider == EMBEDDED_PROVIDER:
        if cascade or choice.cascade:
            raise UsageError("a cascade needs a second provider", remedy="add --provider, such as --provider openai")
        return EMBEDDED_PROVIDER
    Prices.load(settings.prices).check(choice.provider, settings.model_of(choice.provider))
    return str(Choice(choice.provider, cascade=cascade or choice.cascade))
