"""Runs of the whole plan over a few rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from hypothesis import settings

from services.deduplication.inputs.columns import map_columns
from services.deduplication.inputs.given import BLACKLIST, OVERRIDES, PREVIOUS, Given
from services.deduplication.inputs.reading import FLAW, ROW, slices
from services.deduplication.rules import Rules
from services.deduplication.runs.in_process import deduplicate
from tests.companies import HEADERS, account_id

REPEATABLY = settings(deadline=None, derandomize=True)
"""For properties: the same cases every time, however slow the machine."""

BALANCED, STRICT = Rules.of("balanced"), Rules.of("strict")

Cells = Mapping[str, str | None]


def named(*names: str, **others: Sequence[str]) -> list[dict[str, str | None]]:
    """Rows of accounts with these names, in order of their ids; other columns by the name of their canonical one."""
    blank: dict[str, str | None] = dict.fromkeys(HEADERS, "")
    headers = {"created_date": "Created Date", "relationship": "Relationship"}
    return [
        blank
        | {"Account ID": account_id(place), "Account Name": name, "Created Date": "2024-01-01"}
        | {headers[column]: values[place] for column, values in others.items()}
        for place, name in enumerate(names)
    ]


def table(rows: Sequence[Cells]) -> pa.Table:
    """Rows as the reader of files would give them."""
    headers = list(rows[0])
    columns = {header: pa.array([row[header] or None for row in rows], pa.string()) for header in headers}
    flaws = pa.nulls(len(rows), pa.string())
    return pa.table({ROW: pa.array(range(len(rows)), pa.int64()), FLAW: flaws, **columns})


def run(
    rows: Sequence[Cells],
    rules: Rules = BALANCED,
    *,
    shards: int = 1,
    slice_rows: int = 100_000,
    overrides: Sequence[Mapping[str, str]] = (),
    blacklist: Sequence[str] = (),
    previous: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
) -> Mapping[str, pa.Table]:
    """What a run makes of rows."""
    whole = table(rows)
    given = Given(
        slices(whole, slice_rows),
        map_columns(whole.drop_columns([ROW, FLAW])),
        pa.Table.from_pylist(list(overrides), OVERRIDES),
        pa.table({"term": list(blacklist)}, schema=BLACKLIST),
        pa.table([pa.array(column, pa.string()) for column in zip(*before, strict=True)], schema=PREVIOUS)
        if (before := list((previous or {}).items()))
        else PREVIOUS.empty_table(),
    )
    return deduplicate(given, rules, shards=shards, keep=keep)


def review(rows: Sequence[Cells], rules: Rules = BALANCED, **given: Any) -> list[dict[str, Any]]:
    """The review table of a run, in order of the rows."""
    found: list[dict[str, Any]] = run(rows, rules, **given)["review_ready"].to_pylist()
    return found


def groups(*names: str, rules: Rules = BALANCED) -> list[set[str]]:
    """Which names a run puts together."""
    found: dict[str, set[str]] = {}
    for row in review(named(*names), rules):
        found.setdefault(row["group_id"], set()).add(row["Account Name"])
    return sorted(found.values(), key=sorted)


def together(*names: str, rules: Rules = BALANCED) -> bool:
    """Whether a run puts all of them into one group."""
    return len(groups(*names, rules=rules)) == 1
