"""Ids of groups over runs: kept by the group that has most of the records, and every change told."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from services.deduplication.increments.identity import Change, Event, group_id
from services.deduplication.increments.lineage import Entry, of_group
from tests.companies import account_id
from tests.unit.deduplication.runs import BALANCED, Cells, named, run

NAMES = ("Zentrix Foods", "Zentrix Foods Inc", "Lorvane Realty", "Kamoto Steel", "Kamoto Steel", "Bristane Media")
LONG = {place: row["account_id"] for place, row in enumerate(run(named(*NAMES))["review_ready"].to_pylist())}
"""The ids of these accounts in 18 characters."""


def _groups(made: Mapping[str, pa.Table]) -> list[str]:
    return [str(row["group_id"]) for row in made["review_ready"].to_pylist()]


def _events(made: Mapping[str, pa.Table]) -> list[Event]:
    return sorted(Event(Change(row["change"]), row["group_id"], row["other"]) for row in made["changes"].to_pylist())


@pytest.mark.parametrize("shards", [1, 3])
def test_groups_keep_their_ids_while_most_of_their_records_stay_together(shards: int) -> None:
    before = {LONG[0]: "A", LONG[1]: "B", LONG[2]: "C", LONG[3]: "C", LONG[4]: "C", account_id(99): "Z"}
    made = run(named(*NAMES), shards=shards, previous=before, keep=["changes"])
    alone, new = (group_id([LONG[place]], BALANCED.digest()) for place in (2, 5))
    assert _groups(made) == ["A", "A", alone, "C", "C", new]
    assert _events(made) == [
        Event(Change.GONE, "Z"),
        Event(Change.MERGED, "B", "A"),
        Event(Change.NEW, new),
        Event(Change.SPLIT, alone, "C"),
    ]


@pytest.mark.parametrize("known", [{}, dict.fromkeys(range(6))])
def test_a_run_behind_the_same_one_changes_nothing(known: Mapping[int, Any]) -> None:
    rows = named(*NAMES)
    first = _groups(run(rows))
    made = run(rows, previous={LONG[place]: first[place] for place in known}, keep=["changes"])
    assert (_groups(made), _events(made)) == (first, [])


def test_a_new_group_never_takes_the_id_of_one_that_goes_on() -> None:
    """The group that bears the id a lone record would get is now another one's."""
    rows: list[Cells] = list(named("Zentrix Foods", "Lorvane Realty"))
    (natural, _) = _groups(run(rows))
    made = run(rows, previous={LONG[1]: natural}, keep=["changes"])
    ours, theirs = _groups(made)
    assert theirs == natural
    assert ours == group_id([LONG[0]], BALANCED.digest(), {natural}) != natural


def test_the_history_of_a_group_leads_to_where_its_records_are() -> None:
    entries = [
        Entry("1", "r1", Change.NEW, "C", account_id="x"),
        Entry("2", "r2", Change.MERGED, "A", "B"),
        Entry("2", "r2", Change.SPLIT, "D", "A"),
        Entry("3", "r3", Change.MERGED, "B", "C"),
    ]
    assert of_group(entries, "A") == (entries[1:3], "C")
    assert of_group(entries, "C") == ([entries[0], entries[3]], "C")
    assert of_group([*entries, Entry("4", "r4", Change.GONE, "C")], "B") == ([entries[1], entries[3]], None)
    assert of_group([*entries, Entry("4", "r4", Change.SPLIT, "A", "C")], "A")[1] == "A"
