"""The stages of the pipeline called one after the other in this process: for evaluation, never for work.

The same functions as the services run, without Kafka and Postgres; only the join is done by hand.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from schemas.base import Contract
from schemas.classification import ContestedIndicator, JoinedIndicator, NormalizedIndicator, ReviewedIndicator
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
from shared.runtime.outcome import NO_USAGE, Emit, Outcome, Usage
from shared.settings import EMBEDDED_PROVIDER, LlmSettings

GatewayFor = Callable[[str, int], Ask]
"""(stage, number of items) -> the gateway as the stage sees it for a batch of that many."""

DEFAULTS: Final = LlmSettings()


def by_embedded_model(_: str, count: int) -> Ask:
    """The gateway where nothing but the embedded model is asked."""
    return Ask({EMBEDDED_PROVIDER: EmbeddedProvider()}, [""] * count)


async def classify_in_memory(
    indicators: Sequence[Indicator], ask: GatewayFor = by_embedded_model, settings: LlmSettings = DEFAULTS
) -> list[ReviewedIndicator]:
    """Final rows in the order of `indicators`. Raises RuntimeError if a stage rejects an item."""
    return [item for item, _ in await classify_with_usage(indicators, ask, settings)]


async def classify_with_usage(
    indicators: Sequence[Indicator], ask: GatewayFor = by_embedded_model, settings: LlmSettings = DEFAULTS
) -> list[tuple[ReviewedIndicator, list[Usage]]]:
    """Final rows in the order of `indicators`, each with what its deciding stages took."""
    count = len(indicators)
    joined = await _joined([normalized(indicator) for indicator in indicators], ask)
    families = await assign_family(joined, ask("family", count))
    types = await classify_type(_messages(families), ask("type", count))
    reviews = await review(_messages(types), ask("boolean-review", count), settings)
    reviewed = _messages(reviews)
    contested = [place for place, item in enumerate(reviewed) if isinstance(item, ContestedIndicator)]
    settlements = await settle([reviewed[place] for place in contested], ask("final-review", len(contested)), settings)
    spent = [[_usage(outcome) for outcome in outcomes] for outcomes in zip(families, types, reviews, strict=True)]
    for place, outcome, message in zip(contested, settlements, _messages(settlements), strict=True):
        reviewed[place] = message
        spent[place].append(_usage(outcome))
    return list(zip(reviewed, spent, strict=True))


def _usage(outcome: Outcome) -> Usage:
    return outcome.usage if isinstance(outcome, Emit) else NO_USAGE


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
