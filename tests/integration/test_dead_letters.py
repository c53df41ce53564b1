"""Dead letters in the database: chosen by time, edits that are refused, purged without a trace in the counts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.database import Database
from shared.database.dead_letters import DeadLetter, record_dead_letters
from tests.integration.seeded import OPEN, letter, seed
from tests.integration.sluice_command import Sluice, runner

NOW = datetime.now(UTC)
INDICATOR = {"indicator_id": "C", "name": "GDP", "units": "%"}


@pytest.fixture
def sluice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> Sluice:
    """Without a broker: nothing here needs one."""
    variables = {"SLUICE_DATABASE_URL": database_url, "SLUICE_STATE_DIR": str(tmp_path / "state")}
    return runner(monkeypatch, capsys, tmp_path, variables)


def submitted(number: int, item_id: str, payload: object) -> DeadLetter:
    """A letter of the first stage, which reads what outsiders write."""
    return letter(
        number,
        stage="classification.normalize",
        topic="indicators.ingest",
        item_id=item_id,
        payload=json.dumps(payload).encode(),
    )


async def aged(database: Database) -> list[int]:
    """Letters of a month, a day and an hour ago."""
    ages = [timedelta(days=30), timedelta(days=1), timedelta(hours=1)]
    letters = [letter(number, failed_at=NOW - age, item_id=f"i{number}") for number, age in enumerate(ages)]
    return await record_dead_letters(database, letters)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--since", "2d"], [2, 1]),
        (["--older-than", "2d"], [0]),
        (["--until", "90m", "--since", "1w"], [1]),
        (["--since", (NOW - timedelta(hours=2)).isoformat()], [2]),
        (["--until", (NOW - timedelta(days=9)).date().isoformat()], [0]),
    ],
    ids=["within", "older", "between", "since a moment", "until a day"],
)
async def test_chosen_by_the_time_of_the_failure(
    sluice: Sluice, database: Database, options: list[str], expected: list[int]
) -> None:
    numbers = await aged(database)
    found = (await sluice("dead-letters", "list", "--json", *options)).json
    assert [row["id"] for row in found] == [numbers[place] for place in expected]
    rehearsed = (await sluice("dead-letters", "replay", "--dry-run", "--json", *options)).json
    assert rehearsed["replayed"] == [numbers[place] for place in reversed(expected)]


@pytest.mark.parametrize(
    "words", [["list", "--since", "yesterday"], ["list", "--since", "9999999w"], ["replay", "1", "--rate", "0/s"]]
)
async def test_times_and_rates_that_are_none(sluice: Sluice, words: list[str]) -> None:
    answer = await sluice("dead-letters", *words)
    assert answer.code == 2
    assert "such as" in answer.err or "write 20" in answer.err


class TestEdits:
    @pytest.mark.parametrize(
        ("payload", "options", "reason"),
        [
            (INDICATOR, ["--set", "name=7"], "would refuse it: wrong-schema: name"),
            (INDICATOR, ["--set", "indicator_id=D"], "it would be another item than C"),
            (INDICATOR, ["--set", "name=GDP"], "the edit changes nothing"),
            (INDICATOR, ["--set", "a.b=1"], "it has no object a"),
            ("text", ["--set", "name=GDP"], "not a JSON object"),
            (INDICATOR, ["--payload", "nonsense"], "would refuse it: not-json"),
        ],
    )
    async def test_one_that_the_stage_would_not_take_is_refused(
        self, sluice: Sluice, database: Database, tmp_path: Path, payload: object, options: list[str], reason: str
    ) -> None:
        (tmp_path / "nonsense").write_text("{")
        (number,) = await record_dead_letters(database, [submitted(0, "C", payload)])
        answer = await sluice("dead-letters", "replay", str(number), "--dry-run", "--json", *options)
        assert answer.code == 1
        assert reason in answer.json["refused"][0]["reason"]

    async def test_many_at_once_by_field(self, sluice: Sluice, database: Database) -> None:
        letters = [submitted(place, name, {**INDICATOR, "indicator_id": name}) for place, name in enumerate("AB")]
        numbers = await record_dead_letters(database, letters)
        words = ["dead-letters", "replay", "--stage", "normalize", "--set", "units=USD", "--dry-run", "--json"]
        assert (await sluice(*words)).json["replayed"] == numbers
        assert await database.fetchval("SELECT count(replayed_payload) FROM dead_letters") == 0

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["1", "2", "--edit"], "that of one dead letter"),
            (["--stage", "family", "--edit"], "that of one dead letter"),
            (["1", "--edit", "--set", "a=1"], "several edits"),
            (["1", "--set", "a"], "sets nothing"),
            (["1", "--set", ".a=1"], "sets nothing"),
        ],
        ids=str,
    )
    async def test_options_that_make_no_sense(self, sluice: Sluice, options: list[str], words: str) -> None:
        answer = await sluice("dead-letters", "replay", *options)
        assert answer.code == 2
        assert words in answer.err


class TestPurge:
    async def test_the_letters_go_and_the_counts_stay(self, sluice: Sluice, database: Database) -> None:
        await seed(database)
        batches = (await sluice("batches", "--json")).json
        words = ["dead-letters", "purge", "--batch", OPEN, "--json"]
        rehearsed = (await sluice(*words, "--dry-run")).json
        assert (len(rehearsed["purged"]), await self.left(database)) == (1, 1)
        assert (await sluice(*words, "--yes")).json == {"purged": rehearsed["purged"], "dry_run": False}
        assert await self.left(database) == 0
        assert (await sluice("batches", "--json")).json == batches
        assert await database.fetchval("SELECT status FROM batch_items WHERE item_id = 'C'") == "dead_lettered"
        assert (await sluice(*words, "--yes")).json["purged"] == []

    async def test_by_age_and_only_what_is_resolved(self, sluice: Sluice, database: Database) -> None:
        numbers = await aged(database)
        await database.execute("UPDATE dead_letters SET resolution = 'replayed' WHERE id <> $1", numbers[1])
        words = ["dead-letters", "purge", "--resolved", "--older-than", "5h", "--yes", "--json"]
        assert (await sluice(*words)).json["purged"] == numbers[:1]

    async def test_it_asks_first(
        self, sluice: Sluice, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        numbers = await aged(database)
        await database.execute("UPDATE dead_letters SET resolution = 'replayed' WHERE id = $1", numbers[0])
        questions: list[str] = []

        def answer(prompt: str) -> str:
            questions.append(prompt)
            return "no"

        monkeypatch.setattr("click.termui.visible_prompt_func", answer)
        refused = await sluice("dead-letters", "purge", *map(str, numbers))
        assert (refused.code, await self.left(database)) == (1, 3)
        assert "Remove 3 dead letter(s) for good, 2 of them never replayed?" in refused.err + "".join(questions)

    @pytest.mark.parametrize("words", [[], ["1", "--resolved"], ["1", "--stage", "family"]], ids=str)
    async def test_it_wants_ids_or_filters(self, sluice: Sluice, words: list[str]) -> None:
        answer = await sluice("dead-letters", "purge", "--yes", *words)
        assert (answer.code, "say which dead letters" in answer.err) == (2, True)

    async def left(self, database: Database) -> int:
        return int(await database.fetchval("SELECT count(*) FROM dead_letters"))
