"""`--dedupe`: of nearly identical indicators one is classified, the others take over what depends on the concept."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.indicator import Indicator
from services.cli.inputs import Accepted
from services.cli.results import ResultRow, RowStatus

PIPELINE = "classification"


class Division(NamedTuple):
    """Rows to classify first, and the others, each with the id of the one that it is nearly identical with."""

    first: Sequence[Accepted]
    others: Sequence[tuple[Accepted, str]]


def divided(rows: Sequence[Accepted]) -> Division:
    """The rows, divided. Raises UsageError if what this needs is not installed."""
    places = list(enumerate(stand_ins([row.indicator for row in rows])))
    return Division(
        [rows[own] for own, place in places if own == place],
        [(rows[own], rows[place].indicator.indicator_id) for own, place in places if own != place],
    )


def stand_ins(indicators: Sequence[Indicator]) -> list[int]:
    """For each indicator the place of the one that is asked about. Raises UsageError."""
    from shared import concepts

    describe, group = concepts.describer(PIPELINE), concepts.grouper()
    return concepts.stand_ins([describe(indicator) for indicator in indicators], group)


def with_what_is_known(row: Accepted, known: ResultRow | None) -> str:
    """An indicator as it is submitted, with the decision about the other one if that is settled."""
    submitted = row.raw.decode()
    if known is None or known.status != RowStatus.COMPLETED:
        return submitted
    return json.dumps({**json.loads(submitted), "same_as": _decision(known)})


def _decision(known: ResultRow) -> Mapping[str, object]:
    taken = ("indicator_id", "family", "indicator_type", "temporal_aggregation", "heat_map_orientation")
    return {**{name: getattr(known, name) for name in taken}, "confidence": known.overall_confidence}
