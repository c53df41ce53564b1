"""One group: its records and how each came to it, how alike they are, other groups that its aliases name."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from schemas.deduplication import RunId
from services.deduplication.console.groups import Threshold
from services.deduplication.console.tables import Opened
from services.deduplication.explain import scored_among
from services.deduplication.rules import Rules
from services.deduplication.steps.clusters import SMALLEST, Clusters, clusters
from shared.errors import UsageError

MOST_RECORDS = 500
MOST_NAMES = 300
"""That are compared, each with each."""
SCORES = ((100, 100), (95, 99), (92, 94), (90, 91), (84, 89), (0, 83))
LINKS_SHOWN = 50

Record = dict[str, Any]
GroupId = Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")]


class Chosen(BaseModel):
    """Which group somebody wants to see, and how: as edges have made it, or its clusters at a threshold."""

    model_config = ConfigDict(frozen=True)

    run: RunId
    group: GroupId
    threshold: Threshold = 100
    view: Literal["edges", "complete", "single"] = "edges"

    def but(self, **changes: Any) -> dict[str, Any]:
        """The fields of an address for the same group, but for some changes."""
        return self.model_copy(update=changes).model_dump(exclude_defaults=True)


class Part(NamedTuple):
    """Records that are shown together."""

    title: str
    records: Sequence[Record]


class Compared(NamedTuple):
    """The names of a group, each compared with each."""

    owners: dict[int, list[Record]]
    """Name → the records that have it."""
    edges: list[tuple[int, int, int]]


def group_of(opened: Opened, chosen: Chosen) -> dict[str, Any]:
    """Everything about a group. Raises UsageError if the run has none of this id."""
    records = records_of(opened, chosen.group)
    compared = _compared(opened, records)
    return {
        "primary": records[0],
        "size": len(records),
        "forms": sorted({record["suffix_class"] for record in records}),
        "tables": [part._replace(records=part.records[:MOST_RECORDS]) for part in _parts(records, compared, chosen)],
        "most": MOST_RECORDS,
        "scores": _distribution(compared),
        "left_out": max(0, len({record["name"] for record in records}) - MOST_NAMES),
        "names_others": [link for record in records for link in _links(record)][:LINKS_SHOWN],
        "named_by": _named_by(opened.members, chosen.group),
    }


def records_of(opened: Opened, group_id: str) -> list[Record]:
    """The records of a group, the primary first. Raises UsageError if there is none."""
    found = opened.members.filter(pc.equal(opened.members["group_id"], group_id)).to_pylist()
    if not found:
        raise UsageError(f"run {opened.run.run_id} has no group {group_id}", remedy="Look among its groups.")
    return [record | {"path": _path(record["join_path"])} for record in found]


def _path(steps: str | None) -> str:
    """The names from a record's to the primary's, with the scores between them."""
    parts = [f"{step[0]} —{step[1]}→" if len(step) > 1 else str(step[0]) for step in json.loads(steps or "[]")]
    return " ".join(parts)


def _compared(opened: Opened, records: Sequence[Record]) -> Compared:
    owners: dict[int, list[Record]] = {}
    for record in records:
        owners.setdefault(record["name"], []).append(record)
    names = sorted(owners)[:MOST_NAMES]
    if len(names) < SMALLEST:
        return Compared(owners, [])
    rules = Rules.model_validate_json(opened.run.rules)
    few = opened.names.take(pa.array(names))
    scored = scored_among(few, {"names": opened.names, "tokens": opened.tokens}, rules)
    ends = np.array(names)[np.stack([scored["a"], scored["b"]])].tolist()
    return Compared(owners, list(zip(*ends, scored["score"].to_pylist(), strict=True)))


def _distribution(compared: Compared) -> list[dict[str, Any]]:
    """How many pairs of records have which scores; those of one name have 100."""
    pairs = Counter({100: sum(len(list(combinations(same, 2))) for same in compared.owners.values())})
    for one, other, score in compared.edges:
        pairs[score] += len(compared.owners[one]) * len(compared.owners[other])
    counted = [sum(pairs[score] for score in range(low, high + 1)) for low, high in SCORES]
    most = max(1, *counted)
    return [
        {"low": low, "high": high, "pairs": count, "most": most}
        for (low, high), count in zip(SCORES, counted, strict=True)
    ]


def _parts(records: Sequence[Record], compared: Compared, chosen: Chosen) -> list[Part]:
    if chosen.view == "edges":
        return [Part("Records", records[:MOST_RECORDS])]
    ids = {name: min(record["account_id"] for record in same) for name, same in compared.owners.items()}
    edges = [(ids[one], ids[other], float(score)) for one, other, score in compared.edges]
    found = clusters(ids.values(), edges, chosen.threshold, chosen.view)
    return _titled(found, {ids[name]: same for name, same in compared.owners.items()})


def _titled(found: Clusters, owners: dict[str, list[Record]]) -> list[Part]:
    """Clusters of names as those of the records that have them: records of one name are a cluster, too."""
    of_names = [*found.clusters, *([one] for one in found.outliers)]
    parts = [[record for name in names for record in owners[name]] for names in of_names]
    together = sorted((part for part in parts if len(part) >= SMALLEST), key=len, reverse=True)
    alone = [record for part in parts if len(part) < SMALLEST for record in part]
    titled = [Part(f"Cluster {number}", part[:MOST_RECORDS]) for number, part in enumerate(together, 1)]
    return [*titled, Part("In no cluster", alone[:MOST_RECORDS])] if alone else titled


def _links(record: Record) -> list[Record]:
    found = json.loads(record["alias_cross_refs"] or "[]")
    return [{"account_id": record["account_id"], "name": record["name_raw"], **one} for one in found]


def _named_by(members: pa.Table, group_id: str) -> list[Record]:
    """Records of other groups whose aliases name this one."""
    named = pc.fill_null(pc.match_substring(members["alias_cross_refs"], f'"group_id":"{group_id}"'), False)
    found: list[Record] = members.filter(named).slice(0, LINKS_SHOWN).to_pylist()
    return found
