"""The declared flow is that of the plan, and what a shard reads follows from it."""

from services.deduplication.pipeline import COMPLETED, DEDUPE, FLOW
from services.deduplication.plan import GIVEN as GIVEN_ARTIFACTS
from services.deduplication.plan import PLAN
from services.deduplication.runs.flow import GIVEN, INPUT, StagePlan, digest_of, files_for
from services.deduplication.runs.preparing import planned, slice_rows, usual_shards
from services.deduplication.runs.shards import File, Output
from services.deduplication.runs.store import following

STAGES = planned(PLAN, [name for name in GIVEN_ARTIFACTS if name != INPUT], inputs=3, shards=2)


def file(name: str) -> File:
    return File(name, name.encode().hex().ljust(64, "0"), 1, 1)


def test_stages_are_declared_as_the_plan_has_them() -> None:
    assert [stage.name for stage in FLOW] == [step.name for step in PLAN]
    assert [stage.stage for stage in STAGES] == [INPUT, GIVEN, *(step.name for step in PLAN)]


def test_a_stage_may_start_every_stage_that_can_be_the_next() -> None:
    """Those that need it, but not by way of another one."""
    needs: dict[str, set[str]] = {}
    for stage in STAGES:
        needs[stage.stage] = set(stage.needs).union(*(needs[name] for name in stage.needs))
    for declared in FLOW:
        after = {name for name, needed in needs.items() if declared.name in needed}
        assert set(declared.starts) == {name for name in after if not needs[name] & after}
    ends = [stage.name for stage in DEDUPE.stages if COMPLETED in stage.writes]
    assert ends == ["statistics", "export"]


def test_a_shard_reads_its_own_part_all_parts_or_what_is_routed_to_it() -> None:
    made = {
        "first": [
            [Output("same", None, file(f"same-{number}")), Output("all", None, file(f"all-{number}"))]
            + [Output("routed", part, file(f"routed-{number}-{part}")) for part in range(2)]
            for number in range(2)
        ]
    }
    reads = {name: ("first", name) for name in ("same", "all", "routed")}
    found = files_for(StagePlan("second", 2, reads), 1, made)
    assert {name: [one.path for one in files] for name, files in found.items()} == {
        "same": ["same-1"],
        "all": ["all-0", "all-1"],
        "routed": ["routed-0-1", "routed-1-1"],
    }


def test_what_is_read_is_known_by_content_and_rules() -> None:
    one, other = {"names": [file("a")]}, {"names": [file("b")]}
    assert digest_of(one, "00000000") == digest_of({"names": [file("a")._replace(path="elsewhere")]}, "00000000")
    assert len({digest_of(one, "00000000"), digest_of(other, "00000000"), digest_of(one, "00000001")}) == 3


def test_all_that_follows_from_a_shard_is_done_again_and_nothing_else() -> None:
    every = {(stage.stage, shard) for stage in STAGES for shard in range(stage.shards)}
    assert following(STAGES, every) == []
    todo = following(STAGES, every - {("score", 1)})
    assert todo[:2] == [("score", 1), ("group", 0)]
    assert {stage for stage, _ in todo} == {
        *("score", "group", "membership", "survivorship", "alias", "disposition", "statistics", "export")
    }
    assert ("score", 0) not in todo


def test_big_inputs_get_more_shards_and_small_ones_enough_for_two_cores() -> None:
    assert [slice_rows(rows) for rows in (1, 30_000, 94_152, 10**9)] == [10_000, 15_000, 47_076, 100_000]
    assert [usual_shards(rows) for rows in (1, 94_152, 300_000, 1_000_000, 10**9)] == [2, 2, 4, 8, 64]
