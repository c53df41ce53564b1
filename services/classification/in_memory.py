"""The stages of the pipeline called one after the other in this process: for evaluation, never for work.

The same functions as the services run, without Kafka and Postgres; only the join is done by hand.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from schemas.base import Contract
from schemas.classification import (
    ContestedIndicator,
    IndicatorWithType,
    JoinedIndicator,
    NormalizedIndicator,
    ReviewedIndicator,
)
from schemas.indicator import Indicator
from services.classification.boolean_review import review
from services.classification.cumulative import detect_cumulative
from services.classification.currency import check_currencies
from services.classification.family import assign_family
from services.classification.final_review import settle
from services.classification.indicator_type import classify_type
from services.classification.normalize import normalized
from services.classification.scale import infer_scale
from services.classification.time_basis import infer_time_basis
from shared.llm.gateway import Ask, EmbeddedProvider
from shared.runtime.outcome import Emit, Outcome, Usage
from shared.settings import EMBEDDED_PROVIDER, LlmSettings

GatewayFor = Callable[[str, int], Ask]
"""(stage, number of items) -> the gateway as the stage sees it for a batch of that many."""

DEFAULTS: Final = LlmSettings()


def by_embedded_model(_: str, count: int) -> Ask:
    """The gateway where nothing but the embedded model is asked."""
    return Ask({EMBEDDED_PROVIDER: EmbeddedProvider()}, [""] * count)


Spent = list[Usage]
"""What the deciding stages took for one item, in their order."""
Rejected = dict[int, str]
"""Place of an item -> why a stage rejected it."""


async def classify_in_memory(
    indicators: Sequence[Indicator], ask: GatewayFor = by_embedded_model, settings: LlmSettings = DEFAULTS
) -> list[ReviewedIndicator]:
    """Final rows in the order of `indicators`. Raises RuntimeError if a stage rejects an item."""
    return [item for item, _ in await classify_with_usage(indicators, ask, settings)]


async def classify_with_usage(
    indicators: Sequence[Indicator], ask: GatewayFor = by_embedded_model, settings: LlmSettings = DEFAULTS
) -> list[tuple[ReviewedIndicator, Spent]]:
    """Final rows in the order of `indicators`, with what they took. Raises RuntimeError if a stage rejects an item."""
    rejected: Rejected = {}
    typed = await typed_in_memory(indicators, ask, rejected)
    if rejected:
        raise RuntimeError(f"a stage rejected an item: {next(iter(rejected.values()))}")
    return await reviewed_in_memory(typed, ask, settings)


async def typed_in_memory(
    indicators: Sequence[Indicator], ask: GatewayFor, rejected: Rejected
) -> list[tuple[IndicatorWithType, Spent]]:
    """Items with family and type, without those that a stage rejects, whose places and reasons come to `rejected`."""
    rejected.clear()
    joined = await joined_in_memory(indicators, ask)
    families = await assign_family(joined, ask("family", len(joined)))
    places = _accepted(families, range(len(joined)), rejected)
    with_family = [outcome for outcome in families if isinstance(outcome, Emit)]
    types = await classify_type(_messages(with_family), ask("type", len(places)))
    _accepted(types, places, rejected)
    return [
        (second.messages[0], [first.usage, second.usage])  # type: ignore[misc]  # the type stage's message
        for first, second in zip(with_family, types, strict=True)
        if isinstance(second, Emit)
    ]


async def reviewed_in_memory(
    typed: Sequence[tuple[IndicatorWithType, Spent]], ask: GatewayFor, settings: LlmSettings
) -> list[tuple[ReviewedIndicator, Spent]]:
    """The items after both reviews."""
    reviews = await review([item for item, _ in typed], ask("boolean-review", len(typed)), settings)
    messages = _messages(reviews)
    spent = [[*before, outcome.usage] for (_, before), outcome in zip(typed, reviews, strict=True)]
    contested = [place for place, item in enumerate(messages) if isinstance(item, ContestedIndicator)]
    settled = await settle([messages[place] for place in contested], ask("final-review", len(contested)), settings)
    for place, outcome, message in zip(contested, settled, _messages(settled), strict=True):
        messages[place] = message
        spent[place].append(outcome.usage)
    return list(zip(messages, spent, strict=True))


async def joined_in_memory(
    indicators: Sequence[Indicator], ask: GatewayFor = by_embedded_model
) -> list[JoinedIndicator]:
    """The items with all facts that rules can find."""
    return await _joined([normalized(indicator) for indicator in indicators], ask)


def _accepted(outcomes: Sequence[Outcome], places: Sequence[int], rejected: Rejected) -> list[int]:
    kept = []
    for place, outcome in zip(places, outcomes, strict=True):
        if isinstance(outcome, Emit):
            kept.append(place)
        else:
            rejected[place] = outcome.detail
    return kept


async def _joined(items: Sequence[NormalizedIndicator], ask: GatewayFor) -> list[JoinedIndicator]:
    count = len(items)
    facets: dict[str, Sequence[Outcome]] = {
        "time": await infer_time_basis(items, ask("time", count)),
        "scale": await infer_scale(items, ask("scale", count)),
        "currency": await check_currencies(items, ask("currency", count)),
        "cumulative": await detect_cumulative(items),
    }
    found = {kind: [getattr(facet, kind) for facet in _messages(outcomes)] for kind, outcomes in facets.items()}
    return [
        JoinedIndicator(
            subject=item.subject,
            unit=item.unit,
            statistics=item.statistics,
            **{kind: values[place] for kind, values in found.items()},
        )
        for place, item in enumerate(items)
    ]


def _messages(outcomes: Sequence[Outcome]) -> list[Any]:
    """The one message of each outcome. Raises RuntimeError for an item that a stage has rejected."""
    messages: list[Contract] = []
    for outcome in outcomes:
        if not isinstance(outcome, Emit):
            raise RuntimeError(f"a stage rejected an item: {outcome.detail}")
        messages.append(outcome.messages[0])
    return messages
