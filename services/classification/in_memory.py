"""The stages of the pipeline called one after the other in this process: for evaluation, never for work.

The same functions as the services run, without Kafka and Postgres; only the join is done by hand.
"""

from collections.abc import Callable, Sequence
from typing import Any

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
from shared.llm.gateway import Ask
from shared.runtime.outcome import Emit, Outcome


async def classify_in_memory(indicators: Sequence[Indicator], ask: Callable[[int], Ask]) -> list[ReviewedIndicator]:
    """Final rows in the order of `indicators`; `ask(n)` is the gateway for n items."""
    joined = await _joined([normalized(indicator) for indicator in indicators])
    with_family = _messages(await assign_family(joined, ask(len(joined))))
    with_type = _messages(await classify_type(with_family, ask(len(with_family))))
    reviewed = _messages(await review(with_type))
    contested = [item for item in reviewed if isinstance(item, ContestedIndicator)]
    settled = iter(_messages(await settle(contested)))
    return [next(settled) if isinstance(item, ContestedIndicator) else item for item in reviewed]


async def _joined(items: Sequence[NormalizedIndicator]) -> list[JoinedIndicator]:
    facets = {
        "time": await infer_time_basis(items),
        "scale": await infer_scale(items),
        "currency": await check_currencies(items),
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
