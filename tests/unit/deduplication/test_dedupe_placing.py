"""New records between two runs: each to its group, seeing those before it; the next run keeps what was said."""

from collections.abc import Mapping

import pyarrow as pa
import pytest

from services.deduplication.increments.placing import READ, Outcome, Placement, Placing, read_records
from services.deduplication.runs.preparing import Source
from tests.companies import account_id
from tests.unit.deduplication.runs import BALANCED, named, run

NAMES = ("Zentrix Silver Foods Inc", "Zentrix Silver Foods", "Lorvane Realty LLC", "Kamoto Steel", "test")


@pytest.fixture(scope="module")
def made() -> Mapping[str, pa.Table]:
    return run(named(*NAMES), keep=READ)


def _read(*accounts: tuple[str, str]) -> Source:
    return Source.read("new.csv", "\n".join(["Account ID,Account Name", *map(",".join, accounts)]).encode())


def _placed(made: Mapping[str, pa.Table], *accounts: tuple[str, str]) -> list[Placement]:
    return Placing(made, BALANCED).place_all(read_records(_read(*accounts), {}, BALANCED))


def _new(*names: str) -> list[tuple[str, str]]:
    return [(account_id(50 + place), name) for place, name in enumerate(names)]


def test_a_record_falls_to_its_group_and_the_way_to_the_primary_is_told(made: Mapping[str, pa.Table]) -> None:
    (placed,) = _placed(made, *_new("Zentrxi Silver Food Inc"))
    survivor = next(row for row in made["review_ready"].to_pylist() if row["is_primary"])
    assert (placed.outcome, placed.group_id, placed.is_new) == (Outcome.ADDED, survivor["group_id"], False)
    assert placed.primary == survivor["account_id"]
    assert placed.path[0] == ["zentrxi silver food", placed.score]
    assert placed.path[-1] == ["zentrix silver foods"]
    assert placed.edge is not None
    assert (placed.edge["score"], placed.reason) == (placed.score, "edge>=high")


def test_records_see_those_that_came_before_them(made: Mapping[str, pa.Table]) -> None:
    placed = _placed(
        made, *_new("Quaxoria Metals", "Metal Quaxoria", "Quaxorja Metals Inc", "Quaxoria Metals LLC", "Quaxoriametals")
    )
    assert [one.is_new for one in placed] == [True, False, False, True, False]
    assert len({one.group_id for one in placed}) == 2
    assert placed[2].path == [["quaxorja metals", placed[2].score], ["quaxoria metals"]]
    assert {one.primary for one in placed if not one.is_new} == {placed[0].account_id}


def test_the_way_of_a_name_of_the_run_begins_with_that_name(made: Mapping[str, pa.Table]) -> None:
    """Also when another spelling of it was added before."""
    equal, like = _placed(made, *_new("Zentrix Silver Food", "Zentrxi Silver Foods"))
    assert [name for name, *_ in equal.path] == ["zentrix silver food", *["zentrix silver foods"] * 2]
    assert [name for name, *_ in like.path] == ["zentrxi silver foods", *["zentrix silver foods"] * 2]


def test_the_same_record_again_changes_nothing_and_bad_ones_are_told(made: Mapping[str, pa.Table]) -> None:
    accounts = [*_new("Bristane Media"), *_new("Bristane Media"), *_new("Other Media"), ("no id", "Foo")]
    accounts += [(account_id(60), "test"), (account_id(61), ""), (account_id(3), "Kamoto Steel"), ("", "Bar")]
    placed = _placed(made, *accounts)
    added, known, rejected = Outcome.ADDED, Outcome.KNOWN, Outcome.REJECTED
    assert [one.outcome for one in placed] == [added, known, *[rejected] * 4, known, rejected]
    assert placed[0].group_id == placed[1].group_id
    assert "is there as 'Bristane Media'" in placed[2].reason
    reasons = ["invalid_account_id", "noise_string", "empty_name_core"]
    assert [one.reason for one in placed[3:6]] == reasons
    assert placed[7].reason == "missing_account_id"


def test_the_next_run_keeps_the_groups_of_added_records() -> None:
    rows = named(*NAMES, "Zentrix Silver Food", "Quaxoria Metals", "Quaxoria Metal")
    made = run(rows[:5], keep=READ)
    accounts = [(str(row["Account ID"]), str(row["Account Name"])) for row in rows[5:]]
    placed = _placed(made, *accounts)
    before = dict(zip(*(made["survivors"][name].to_pylist() for name in ("account_id", "group_id")), strict=True))
    before |= {one.account_id: str(one.group_id) for one in placed}
    after = run(rows, previous=before, keep=["survivors", "changes"])
    now = dict(zip(*(after["survivors"][name].to_pylist() for name in ("account_id", "group_id")), strict=True))
    assert now == before
    assert after["changes"].num_rows == 0
