"""Decisions of people: what they change, once and exactly, and that later runs respect them. Real server."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.enums import Family, IndicatorType, ReviewField, ReviewStatus
from services.classification.deciding import Made, Wish, decide
from services.classification.human_reviews import Decision
from services.classification.model.dataset import read_labelled
from services.classification.review_files import import_decisions, labels
from services.classification.review_queue import Wanted, known, waiting
from shared.database import Database
from shared.database.ledger import batch, items
from shared.errors import UsageError
from tests.integration.reviewed import finish, reviewed, run, submit

LENDING = {
    ReviewField.FAMILY: "price-value",
    ReviewField.INDICATOR_TYPE: "rate",
    ReviewField.TEMPORAL_AGGREGATION: "period-average",
}
"""What a bank lending rate is, where the run said ratio."""

IMPOSSIBLE = [
    ({ReviewField.FAMILY: "price"}, 'family cannot be "price"'),
    ({ReviewField.DETECTED_CURRENCY: "usd"}, "a currency code such as USD, or null"),
    ({ReviewField.IS_CURRENCY_DENOMINATED: "maybe"}, "true or false"),
    ({ReviewField.INDICATOR_TYPE: "stock"}, "numeric-measurement has no type stock"),
    ({ReviewField.TEMPORAL_AGGREGATION: "period-total"}, "rules object"),
]
BAD_LINES = {
    "{": "not JSON",
    "[1]": "not a JSON object",
    '{"fields": {"family": "price-value"}}': "no indicator_id",
    '{"indicator_id": "a", "fields": {"colour": "red"}}': "'colour' is no field",
    '{"indicator_id": "a", "fields": ["family"]}': "must be an object",
    '{"indicator_id": "a", "decision": "maybe"}': "cannot be 'maybe'",
    '{"indicator_id": "a", "decision": ["accept"]}': "cannot be ['accept']",
    '{"indicator_id": "a", "decision": "correct"}': "a correction needs fields",
    '{"indicator_id": "a", "fields": "{broken"}': "must be an object",
    '{"indicator_id": "a\\u0000"}': "cannot be stored",
    '{"indicator_id": "a", "reason": "\\ud800"}': "cannot be stored",
    '{"indicator_id": ' + "[" * 3_000: "nested too deeply",
    '{"indicator_id": "a", "decision": "accept", "scale": "millions"}': "accepting needs none",
}


async def correct(database: Database, indicator_id: str = "a", **more: Any) -> Made:
    return await decide(database, Wish(indicator_id, LENDING, "Anna", "cost of capital", **more))


async def accept(database: Database, indicator_id: str = "a", **more: Any) -> Made:
    return await decide(database, Wish(indicator_id, {}, "Ben", "checked", **more))


async def counters(database: Database, batch_id: str) -> tuple[int, int, int]:
    found = await batch(database, batch_id)
    assert found
    return found.completed, found.needs_human, found.dead_lettered


async def row(database: Database, indicator_id: str = "a") -> dict[str, Any]:
    found = await database.fetchrow("SELECT * FROM classifications WHERE indicator_id = $1", indicator_id)
    assert found
    return dict(found)


async def status(database: Database, batch_id: str, indicator_id: str = "a") -> tuple[str, str | None]:
    (found,) = [item for item in await items(database, batch_id) if item.item_id == indicator_id]
    return found.status, found.error


class TestOneDecision:
    async def test_a_correction_changes_row_item_and_batch(self, database: Database) -> None:
        await run(database, "b", [reviewed("a"), reviewed("other")])
        before = await batch(database, "b")
        assert before
        assert (before.completed, before.needs_human) == (0, 2)

        made = await correct(database)

        assert (made.decision, made.changed, made.batches, made.repeated) == (Decision.CORRECT, LENDING, ["b"], False)
        assert await counters(database, "b") == (1, 1, 0)
        assert await status(database, "b") == ("completed", None)
        assert (await status(database, "b", "other"))[0] == "needs_human"
        found = await row(database)
        assert (found["family"], found["indicator_type"]) == ("price-value", "rate")
        assert found["temporal_aggregation"] == "period-average"
        assert (found["review_status"], found["final_review_status"]) == ("corrected", "corrected")
        assert found["final_review_reason"] == "corrected by Anna: cost of capital"
        assert json.loads(found["final_review_corrections"]) == LENDING
        assert (found["family_confidence"], found["type_confidence"], found["time_confidence"]) == (
            1.0,
            1.0,
            pytest.approx(0.9),
        )
        assert found["overall_confidence"] == pytest.approx((1 + 0.9 * 3 + 2 + 0.95) / 7, abs=1e-3)
        after = await batch(database, "b")
        assert after
        assert (after.ended_at, after.avg_confidence) == (before.ended_at, before.avg_confidence)

    async def test_accepting_leaves_the_values_and_says_who(self, database: Database) -> None:
        await run(database, "b", [reviewed("a", "Share of renters", "%")])
        before = await row(database)
        await accept(database)
        found = await row(database)
        assert (found["family"], found["indicator_type"]) == ("numeric-measurement", "ratio")
        assert (found["review_status"], found["final_review_status"]) == ("passed", "accepted")
        assert found["final_review_reason"] == "accepted by Ben: checked"
        assert found["overall_confidence"] == before["overall_confidence"]
        assert await counters(database, "b") == (1, 0, 0)

    async def test_repeating_it_changes_nothing(self, database: Database) -> None:
        await run(database, "b", [reviewed("a")])
        await correct(database)
        first = await row(database)
        again = [await correct(database), await accept(database)]
        assert [(made.repeated, made.decision, made.batches) for made in again] == [(True, Decision.CORRECT, [])] * 2
        assert await row(database) == first
        assert await counters(database, "b") == (1, 0, 0)
        assert await database.fetchval("SELECT count(*) FROM human_reviews") == 1

    async def test_two_people_at_once_leave_one_decision_and_count_once(self, database: Database) -> None:
        await run(database, "b", [reviewed("a")])
        made = await asyncio.gather(*(correct(database) for _ in range(4)))
        assert sorted(one.repeated for one in made) == [False, True, True, True]
        assert sum(len(one.batches) for one in made) == 1
        assert await counters(database, "b") == (1, 0, 0)

    async def test_a_change_of_mind_supersedes_what_stood(self, database: Database) -> None:
        await run(database, "b", [reviewed("a")])
        await accept(database)
        await correct(database)
        history = await database.fetch(
            "SELECT decision, superseded_at IS NULL AS stands FROM human_reviews ORDER BY id"
        )
        assert [tuple(one) for one in history] == [("accept", False), ("correct", True)]
        assert (await row(database))["review_status"] == "corrected"
        assert await counters(database, "b") == (1, 0, 0)

    async def test_it_ends_the_wait_in_every_batch(self, database: Database) -> None:
        for batch_id in ("first", "second"):
            await run(database, batch_id, [reviewed("a")])
        assert (await correct(database)).batches == ["first", "second"]
        assert [await counters(database, name) for name in ("first", "second")] == [(1, 0, 0), (1, 0, 0)]

    async def test_a_row_that_passed_can_be_corrected_as_well(self, database: Database) -> None:
        await run(database, "b", [reviewed("a", waits=False)])
        made = await correct(database)
        assert made.batches == []
        assert await counters(database, "b") == (1, 0, 0)
        assert (await row(database))["review_status"] == "corrected"


class TestRefusals:
    async def test_values_that_cannot_stand_leave_everything_as_it_was(self, database: Database) -> None:
        await run(database, "b", [reviewed("a")])
        before = await row(database)
        for fields, said in IMPOSSIBLE:
            with pytest.raises(UsageError, match=said):
                await decide(database, Wish("a", fields))
        assert await row(database) == before
        assert await counters(database, "b") == (0, 1, 0)
        assert await database.fetchval("SELECT count(*) FROM human_reviews") == 0

    async def test_force_passes_over_rules_and_names_them(self, database: Database) -> None:
        await run(database, "b", [reviewed("a")])
        fields = {ReviewField.TEMPORAL_AGGREGATION: "period-total"}
        made = await decide(database, Wish("a", fields, force=True))
        assert made.objections
        assert (await row(database))["temporal_aggregation"] == "period-total"

    async def test_a_pair_outside_the_taxonomy_is_not_even_forced(self, database: Database) -> None:
        await run(database, "b", [reviewed("a")])
        with pytest.raises(UsageError, match="has no type"):
            await decide(database, Wish("a", {ReviewField.INDICATOR_TYPE: "stock"}, force=True))

    async def test_what_was_never_classified(self, database: Database) -> None:
        with pytest.raises(UsageError, match="'x' has no classification"):
            await accept(database, "x")


class TestLaterRuns:
    async def test_they_keep_the_values_of_the_person(self, database: Database) -> None:
        await run(database, "first", [reviewed("a"), reviewed("b")])
        await correct(database)
        await submit(database, "second", [reviewed("a"), reviewed("b")])
        event, other = await finish(database, "second", [reviewed("a"), reviewed("b")])

        assert (event.family, event.indicator_type) == (Family.PRICE_VALUE, IndicatorType.RATE)
        assert (event.review_status, event.corrections_applied) == (ReviewStatus.CORRECTED, LENDING)
        assert other.review_status is ReviewStatus.NEEDS_HUMAN
        found = await row(database)
        assert (found["batch_id"], found["family"], found["review_status"]) == ("second", "price-value", "corrected")
        assert found["final_review_reason"] == "corrected by Anna: cost of capital"
        assert found["family_reasoning"] == "corrected by Anna: cost of capital"
        assert await counters(database, "second") == (1, 1, 0)
        trail = await database.fetch("SELECT indicator_id, provider FROM processing_log WHERE batch_id = 'second'")
        assert {one["indicator_id"]: one["provider"] for one in trail} == {"a": "human", "b": None}

    async def test_an_accepted_row_passes_whatever_the_run_says(self, database: Database) -> None:
        await run(database, "first", [reviewed("a")])
        await accept(database)
        now = reviewed("a", family="price-value", indicator_type="rate")
        await submit(database, "second", [now])
        (event,) = await finish(database, "second", [now])
        assert (event.family, event.review_status) == (Family.NUMERIC_MEASUREMENT, ReviewStatus.PASSED)
        assert (await row(database))["final_review_status"] == "accepted"
        assert await counters(database, "second") == (1, 0, 0)

    async def test_values_on_which_the_run_agrees_keep_its_reasons(self, database: Database) -> None:
        await run(database, "first", [reviewed("a")])
        await accept(database)
        await run(database, "second", [reviewed("a")])
        assert (await row(database))["family_reasoning"] == "a rule"

    async def test_other_units_need_a_person_again(self, database: Database) -> None:
        await run(database, "first", [reviewed("a")])
        await correct(database)
        now = reviewed("a", units="basis points", waits=False)
        await submit(database, "second", [now])
        (event,) = await finish(database, "second", [now])
        assert (event.family, event.review_status) == (Family.NUMERIC_MEASUREMENT, ReviewStatus.NEEDS_HUMAN)
        assert await counters(database, "second") == (0, 1, 0)
        _, error = await status(database, "second")
        assert error
        assert error.startswith("was corrected by Anna as 'Bank Lending Rate' in '%'; now: ")

        await accept(database)
        assert await counters(database, "second") == (1, 0, 0)
        assert (await row(database))["original_units"] == "basis points"

    async def test_the_old_units_bring_the_old_decision_back(self, database: Database) -> None:
        await run(database, "first", [reviewed("a")])
        await correct(database)
        await run(database, "second", [reviewed("a", units="basis points")])
        await run(database, "third", [reviewed("a")])
        assert (await row(database))["family"] == "price-value"
        assert await counters(database, "third") == (1, 0, 0)

    async def test_a_decision_made_while_a_run_is_under_way_is_not_overwritten(self, database: Database) -> None:
        """The run has read the decisions before this one was made, and stores its row after."""
        await run(database, "first", [reviewed("a")])
        await submit(database, "second", [reviewed("a")])
        async with database.transaction() as other:
            await other.fetch("SELECT 1 FROM batches WHERE batch_id = 'second' FOR UPDATE")
            storing = asyncio.create_task(finish(database, "second", [reviewed("a")]))
            while not await database.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ):
                assert not storing.done()
            await correct(database)
        await storing
        found = await row(database)
        assert (found["family"], found["batch_id"]) == ("price-value", "first")
        assert [await counters(database, name) for name in ("first", "second")] == [(1, 0, 0), (1, 0, 0)]

    async def test_a_decision_of_values_that_no_release_knows_any_more(self, database: Database) -> None:
        await run(database, "first", [reviewed("a")])
        await correct(database)
        await database.execute("""UPDATE human_reviews SET fields = '{"family": "gone"}'""")
        await run(database, "second", [reviewed("a")])
        assert (await status(database, "second"))[0] == "needs_human"


class TestLooking:
    async def test_the_queue_holds_what_waits(self, database: Database) -> None:
        await run(database, "b", [reviewed("a"), reviewed("fine", waits=False)])
        await run(database, "c", [reviewed("later")])
        assert [one["indicator_id"] for one in await waiting(database, Wanted(10))] == ["a", "later"]
        assert [one["indicator_id"] for one in await waiting(database, Wanted(10, batch_id="c"))] == ["later"]
        assert [one["indicator_id"] for one in await waiting(database, Wanted(10, below=0.99))] == [
            "a",
            "fine",
            "later",
        ]
        assert await waiting(database, Wanted(10, field="scale")) == []
        assert len(await waiting(database, Wanted(10, field="family", reason="SETTLES"))) == 2
        await accept(database)
        assert [one["indicator_id"] for one in await waiting(database, Wanted(10, below=0.99))] == ["fine", "later"]
        (first,) = await waiting(database, Wanted(1))
        assert (first["contested"], first["why"]) == (["family"], "no rule settles family")

    async def test_one_in_full(self, database: Database) -> None:
        await run(database, "b", [reviewed("a")], description="lending to firms")
        await correct(database)
        found = (await known(database, "a")).as_json()
        assert found["record"]["description"] == "lending to firms"
        assert found["values"]["family"] == "price-value"
        (decision,) = found["decisions"]
        assert (decision["reviewer"], decision["before"]["family"]) == ("Anna", "numeric-measurement")

    async def test_rules_that_object_are_named(self, database: Database) -> None:
        await run(database, "b", [reviewed("a")])
        (rule, *_) = (await known(database, "a")).rules
        assert (rule["rule"], rule["expected"]["family"]) == (4, "price-value")


class TestFiles:
    async def test_a_csv_is_read_line_by_line(self, database: Database, tmp_path: Path) -> None:
        await run(database, "b", [reviewed("a"), reviewed("c", "Share of renters"), reviewed("d")])
        file = tmp_path / "decisions.csv"
        file.write_text(
            "indicator_id,family,indicator_type,temporal_aggregation,detected_currency,reviewer,reason\n"
            "a,price-value,rate,period-average,null,Anna,known\n"
            "missing,,,,,,\n"
            "c,,,,,,\n"
            "d,price,,,,,\n"
        )
        done = await import_decisions(database, file, "Ben", force=False)
        assert [(made.indicator_id, made.decision) for made in done.made] == [
            ("a", Decision.CORRECT),
            ("c", Decision.ACCEPT),
        ]
        assert set(done.refused) == {3, 5}
        assert "has no classification" in done.refused[3]
        assert 'family cannot be "price"' in done.refused[5]
        assert await counters(database, "b") == (2, 1, 0)
        reviewers = await database.fetch("SELECT reviewer FROM human_reviews ORDER BY id")
        assert [one["reviewer"] for one in reviewers] == ["Anna", "Ben"]

    async def test_bad_lines_keep_no_other_from_being_read(self, database: Database, tmp_path: Path) -> None:
        await run(database, "b", [reviewed("a")])
        fields = {field.value: value for field, value in LENDING.items()}
        lines = [*BAD_LINES, "", json.dumps({"indicator_id": "a", "fields": fields})]
        file = tmp_path / "decisions.jsonl"
        file.write_text("\n".join(lines))
        done = await import_decisions(database, file, "", force=False)
        assert list(done.refused) == list(range(1, len(BAD_LINES) + 1))
        for said, reason in zip(BAD_LINES.values(), done.refused.values(), strict=True):
            assert said in reason
        assert len(done.made) == 1

    async def test_a_csv_that_cannot_be_cut_is_refused(self, database: Database, tmp_path: Path) -> None:
        file = tmp_path / "decisions.csv"
        file.write_text(f"indicator_id,reason\na,{'x' * 200_000}\n")
        with pytest.raises(UsageError, match="cells cannot be told apart"):
            await import_decisions(database, file, "", force=False)

    async def test_what_is_exported_is_labelled_and_can_be_imported(self, database: Database, tmp_path: Path) -> None:
        await run(database, "b", [reviewed("a"), reviewed("c", "Share of renters")], source="Bank")
        await correct(database)
        await accept(database, "c")
        file = tmp_path / "labels.jsonl"
        file.write_text("".join([f"{line}\n" async for line in labels(database)]))

        first, second = read_labelled(file)
        assert (first.name, first.source, first.label.pair) == (
            "Bank Lending Rate",
            "Bank",
            (Family.PRICE_VALUE, IndicatorType.RATE),
        )
        assert second.label.is_currency_denominated is False
        done = await import_decisions(database, file, "Ben", force=False)
        assert [made.repeated for made in done.made] == [True, True]
        assert done.refused == {}
