"""The commands that look at the database and the declarations: what they print, as JSON too, and their exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.database import Database
from shared.database.dead_letters import record_dead_letters
from shared.database.ledger import NewBatch, open_batch
from shared.pipelines import pipelines
from shared.settings import Settings, describe
from tests.integration.seeded import CLASSIFICATION, DONE, NASTY, OPEN, letter, seed
from tests.integration.sluice_command import Sluice, runner

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = "no-such-batch"


@pytest.fixture
def sluice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> Sluice:
    variables = {"SLUICE_DATABASE_URL": database_url, "SLUICE_STATE_DIR": str(tmp_path / "state")}
    return runner(monkeypatch, capsys, tmp_path, variables)


@pytest.fixture
def look(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, seeded_url: str
) -> Sluice:
    variables = {"SLUICE_DATABASE_URL": seeded_url, "SLUICE_STATE_DIR": str(tmp_path / "state")}
    return runner(monkeypatch, capsys, tmp_path, variables)


LISTINGS = [
    ("batches",),
    ("results",),
    ("errors",),
    ("errors", "indicators"),
    ("errors", "details"),
    ("errors", "incomplete"),
    ("errors", "all"),
    ("stats",),
    ("dead-letters", "list"),
    ("stages",),
    ("config",),
]


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
async def test_every_listing_prints_harmless_tables_and_json(sluice: Sluice, database: Database, filled: bool) -> None:
    if filled:
        await seed(database)
    for command in LISTINGS:
        tables, document = await sluice(*command), await sluice(*command, "--json")
        assert (tables.code, tables.err) == (document.code, document.err) == (0, ""), command
        assert tables.out.strip()
        assert isinstance(document.json, list | dict)
        for character in "\x1b\u202e\x9b":
            assert character not in tables.out + document.out, command


async def test_every_command_has_help_with_an_example(look: Sluice) -> None:
    commands = [*LISTINGS, ("topics",), ("migrate",), ("lag",), ("trace",), ("dead-letters", "show")]
    for command in [*commands, ("dead-letters", "replay")]:
        words = command if command[0] == "dead-letters" else command[:1]
        answer = await look(*words, "--help")
        assert answer.code == 0
        assert "Example" in answer.out, command
        assert "--json" in answer.out, command


def test_help_needs_no_heavy_module() -> None:
    program = (
        "import sys, services.cli.commands.{0}, services.cli.commands.listings; "
        "print([name for name in ('pyarrow', 'faststream', 'fastapi', 'aiokafka', 'asyncpg') if name in sys.modules])"
    )
    for module in ("declared", "setup", "flow", "dead_letters"):
        command = [sys.executable, "-c", program.format(module)]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"


class TestStages:
    async def test_they_are_the_declared_ones_in_order(self, look: Sluice) -> None:
        rows = (await look("stages", "--json")).json
        declared = [stage for pipeline in pipelines().values() for stage in pipeline.stages]
        assert [row["name"] for row in rows] == [stage.full_name for stage in declared]
        assert [row["reads"] for row in rows] == [stage.reads.name for stage in declared]
        assert [row["writes"] for row in rows] == [[topic.name for topic in stage.writes] for stage in declared]
        assert rows[0]["group"] == "classification.normalize"
        assert rows[0]["partitions"] == 12

    async def test_limits_are_those_that_hold(self, look: Sluice) -> None:
        (row, *_) = (await look("stages", "--json", SLUICE_BATCH_MAX_RECORDS="7", SLUICE_KAFKA_PARTITIONS="3")).json
        assert (row["max_records"], row["partitions"]) == (7, 3)


class TestConfig:
    async def test_every_setting_is_listed_and_secrets_are_masked(self, look: Sluice) -> None:
        login = {"SLUICE_KAFKA_SASL_USERNAME": "me", "SLUICE_KAFKA_SASL_PASSWORD": "sk-very-secret"}
        given = {**login, "SLUICE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "SLUICE_DATABASE_URL": "postgres://a:hush@h/d"}
        answer = await look("config", "--json", **given)
        assert [row["variable"] for row in answer.json] == [row.variable for row in describe(Settings())]
        assert "secret" not in answer.out + (await look("config")).out
        assert "hush" not in answer.out

    async def test_one_can_ask_for_some(self, look: Sluice) -> None:
        rows = (await look("config", "--json", "kafka_part", SLUICE_KAFKA_PARTITIONS="4")).json
        assert [(row["value"], row["default"]) for row in rows] == [("4", "12")]
        changed = (await look("config", "--json", "--set")).json
        assert "SLUICE_KAFKA_PARTITIONS" in [row["variable"] for row in changed]
        assert all(row["value"] != row["default"] for row in changed)

    async def test_a_wrong_setting_is_explained_below_the_list(self, look: Sluice) -> None:
        answer = await look("config", SLUICE_KAFKA_PARTITION="4")
        assert answer.code == 2
        assert "Did you mean SLUICE_KAFKA_PARTITIONS" in answer.err
        assert "SLUICE_KAFKA_BOOTSTRAP_SERVERS" in answer.out


class TestMigrate:
    async def test_it_says_what_it_applied_and_can_be_repeated(self, sluice: Sluice, empty_database_url: str) -> None:
        first = await sluice("migrate", SLUICE_DATABASE_URL=empty_database_url)
        assert first.code == 0
        assert first.out.startswith("applied 0001 pre initial")
        assert (await sluice("migrate")).out == "nothing to apply\n"
        assert (await sluice("migrate", "--json")).json == {"applied": [], "missing": []}

    async def test_phases_come_in_their_order(self, sluice: Sluice, empty_database_url: str) -> None:
        answer = await sluice("migrate", "--phase", "post", SLUICE_DATABASE_URL=empty_database_url)
        assert (answer.code, answer.out) == (2, "")
        assert "--phase pre" in answer.err
        applied = (await sluice("migrate", "--phase", "pre", "--json")).json["applied"]
        assert {one["phase"] for one in applied} == {"pre"}
        assert (await sluice("migrate", "--phase", "post")).code == 0

    async def test_a_database_without_tables_is_explained(self, sluice: Sluice, empty_database_url: str) -> None:
        answer = await sluice("batches", SLUICE_DATABASE_URL=empty_database_url)
        assert (answer.code, answer.out) == (2, "")
        assert "sluice migrate" in answer.err

    async def test_a_database_that_is_away_is_explained(self, look: Sluice) -> None:
        answer = await look("batches", SLUICE_DATABASE_URL="postgresql://u@127.0.0.1:1/none")
        assert answer.code == 1
        assert answer.err.startswith("sluice: the database is away")


class TestBatches:
    async def test_rows(self, look: Sluice) -> None:
        newest, oldest = (await look("batches", "--json")).json
        assert (newest["batch_id"], newest["status"], newest["model"]) == (OPEN, "running", "linear-1")
        assert [newest[name] for name in ("total", "completed", "needs_human", "dead_lettered", "pending")] == [
            4,
            1,
            1,
            1,
            1,
        ]
        assert (oldest["batch_id"], oldest["status"], oldest["model"]) == (DONE, "finished", "linear-1")
        assert oldest["ended_at"] > oldest["started_at"]
        assert oldest["avg_confidence"] == pytest.approx(0.95)

    async def test_a_limit(self, look: Sluice) -> None:
        assert len((await look("batches", "--limit", "1", "--json")).json) == 1
        assert (await look("batches", "--limit", "0")).code == 2

    async def test_one(self, look: Sluice) -> None:
        assert (await look("batches", DONE, "--json")).json["batch_id"] == DONE
        assert DONE in (await look("batches", DONE)).out

    async def test_a_rolling_one_says_so(self, sluice: Sluice, database: Database) -> None:
        await open_batch(database, NewBatch("rolling-1", "classification", None))
        assert (await sluice("batches", "rolling-1", "--json")).json["status"] == "rolling"

    @pytest.mark.parametrize(
        "command",
        [("batches", UNKNOWN), ("results", "--batch", UNKNOWN), ("errors", "--batch", UNKNOWN)],
        ids=" ".join,
    )
    async def test_an_unknown_one_is_wrong_usage(self, look: Sluice, command: tuple[str, ...]) -> None:
        answer = await look(*command)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == f"sluice: there is no batch '{UNKNOWN}'\n`sluice batches` lists them\n"


class TestResults:
    async def test_counts_and_rows(self, look: Sluice) -> None:
        found = (await look("results", "--json")).json
        assert found["total"] == 2
        assert found["by_family"] == {"physical-fundamental": 1, "price-value": 1}
        assert found["by_type"] == {"physical-fundamental/balance": 1, "price-value/rate": 1}
        assert found["by_status"] == {"completed": 1, "needs_human": 1}
        assert found["by_review_status"] == {"needs_human": 1, "passed": 1}
        assert {row["indicator_id"]: row["status"] for row in found["rows"]} == {"A": "completed", "B": "needs_human"}

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--family", "price-value"], "A"),
            (["--type", "balance"], "B"),
            (["--status", "needs_human"], "B"),
            (["--status", "failed"], "C"),
            (["--status", "pending"], "D"),
            (["--batch", OPEN], "ABCD"),
            (["--batch", OPEN, "--status", "failed"], "C"),
            (["--batch", DONE], "A"),
            (["--family", "temporal"], ""),
        ],
        ids=str,
    )
    async def test_counts_and_rows_follow_the_filters(self, look: Sluice, options: list[str], expected: str) -> None:
        found = (await look("results", "--json", *options)).json
        assert "".join(row["indicator_id"] for row in found["rows"]) == expected
        assert found["total"] == len(expected)

    async def test_a_limit_cuts_rows_and_not_counts(self, look: Sluice) -> None:
        found = (await look("results", "--limit", "1", "--json")).json
        assert (len(found["rows"]), found["total"]) == (1, 2)

    async def test_an_impossible_status_is_wrong_usage(self, look: Sluice) -> None:
        assert (await look("results", "--status", "great")).code == 2


class TestErrors:
    async def test_every_view(self, look: Sluice) -> None:
        found = (await look("errors", "all", "--json")).json
        (stage,) = found["summary"]
        assert (stage["stage"], stage["failures"], stage["still_failed"]) == ("classification.family", 1, 1)
        (failed,) = found["indicators"]
        assert (failed["indicator_id"], failed["name"], failed["status"]) == ("C", "GDP", "failed")
        assert found["details"][0]["error_message"] == "the model had no answer"
        assert [row["indicator_id"] for row in found["incomplete"]] == ["D"]

    async def test_one_view_is_a_list(self, look: Sluice) -> None:
        for view in ("summary", "indicators", "details", "incomplete"):
            assert len((await look("errors", view, "--json")).json) == 1

    async def test_what_has_a_result_since_is_not_failed_any_more(self, sluice: Sluice, database: Database) -> None:
        await seed(database)
        await database.execute(CLASSIFICATION, "C", "GDP", "physical-fundamental", "flow", "passed", 0.9, "later")
        found = (await sluice("errors", "all", "--json")).json
        assert found["summary"][0]["still_failed"] == 0
        assert found["indicators"][0]["status"] == "completed"

    async def test_of_one_indicator(self, look: Sluice) -> None:
        assert (await look("errors", "details", "--id", "A", "--json")).json == []
        assert len((await look("errors", "details", "--id", "C", "--batch", OPEN, "--json")).json) == 1

    async def test_an_unknown_view_is_wrong_usage(self, look: Sluice) -> None:
        answer = await look("errors", "everything")
        assert answer.code == 2
        assert "incomplete" in answer.err


class TestStats:
    async def test_sections(self, look: Sluice) -> None:
        found = (await look("stats", "--json")).json
        overall = found["overall"]
        assert [overall[name] for name in ("batches", "submitted", "completed", "needs_human", "failed")] == [
            2,
            5,
            2,
            1,
            1,
        ]
        assert (overall["success_percent"], overall["classified_percent"]) == (50, 50)
        assert [row["batch_id"] for row in found["batches"]] == [OPEN, DONE]
        assert [(row["model"], row["indicators"]) for row in found["models"]] == [("linear-1", 2)]
        assert found["last_hour"]["finished"] == 4
        assert {(row["stage"], row["status"]): row["items"] for row in found["stages"]}["family", "failed"] == 1
        assert found["counts"]["by_family"] == {"physical-fundamental": 1, "price-value": 1}
        assert [row["indicator_id"] for row in found["low_confidence"]] == ["B"]

    async def test_low_is_what_one_says(self, look: Sluice) -> None:
        assert len((await look("stats", "--below", "1", "--json")).json["low_confidence"]) == 2
        assert (await look("stats", "--below", "2")).code == 2

    async def test_nothing_divides_by_nothing(self, sluice: Sluice) -> None:
        found = (await sluice("stats", "--json")).json
        assert found["overall"]["success_percent"] is None


class TestDeadLetters:
    async def test_filters(self, sluice: Sluice, database: Database) -> None:
        await seed(database)
        more = [letter(1, stage="classification.normalize", error_code="not-json", item_id="E", batch_id=None)]
        await record_dead_letters(database, more)
        for options, expected in (
            ([], ["E", "C"]),
            (["--stage", "family"], ["C"]),
            (["--stage", "classification.normalize"], ["E"]),
            (["--code", "not-json"], ["E"]),
            (["--batch", OPEN], ["C"]),
            (["--id", "E", "--stage", "family"], []),
            (["--limit", "1"], ["E"]),
        ):
            rows = (await sluice("dead-letters", "list", "--json", *options)).json
            assert [row["indicator_id"] for row in rows] == expected, options

    async def test_unresolved(self, sluice: Sluice, database: Database) -> None:
        await seed(database)
        await database.execute("UPDATE dead_letters SET resolution = 'discarded'")
        assert (await sluice("dead-letters", "list", "--unresolved", "--json")).json == []
        assert len((await sluice("dead-letters", "list", "--json")).json) == 1

    async def test_a_payload_of_text(self, sluice: Sluice, database: Database) -> None:
        (number,) = await record_dead_letters(database, [letter(payload=f'{{"name": "{NASTY}"}}'.encode())])
        shown = (await sluice("dead-letters", "show", str(number), "--json")).json
        assert (shown["payload_encoding"], shown["payload"]) == ("utf-8", f'{{"name": "{NASTY}"}}')
        assert shown["headers"] == {"batch_id": OPEN, "attempt": "1"}
        assert [entry["id"] for entry in shown["history"]] == [number]
        text = await sluice("dead-letters", "show", str(number))
        assert "the model had no answer" in text.out
        assert "\x1b" not in text.out

    async def test_a_payload_of_bytes(self, sluice: Sluice, database: Database) -> None:
        (number,) = await record_dead_letters(database, [letter(payload=b"\xff\xfe" + bytes(300))])
        shown = (await sluice("dead-letters", "show", str(number), "--json")).json
        assert (shown["payload_encoding"], bytes.fromhex(shown["payload"])) == ("hex", b"\xff\xfe" + bytes(300))
        text = (await sluice("dead-letters", "show", str(number))).out
        assert "00000000  ff fe 00" in text
        assert "46 more bytes" in text

    async def test_no_payload_at_all(self, sluice: Sluice, database: Database) -> None:
        (number,) = await record_dead_letters(database, [letter(payload=None, headers="{}")])
        assert (await sluice("dead-letters", "show", str(number))).code == 0
        assert (await sluice("dead-letters", "show", str(number), "--json")).json["payload"] == ""

    async def test_history_is_every_failure_of_the_item(self, sluice: Sluice, database: Database) -> None:
        numbers = await record_dead_letters(database, [letter(0), letter(1, attempts=2), letter(2, item_id="other")])
        shown = (await sluice("dead-letters", "show", str(numbers[1]), "--json")).json
        assert [entry["id"] for entry in shown["history"]] == numbers[:2]

    @pytest.mark.parametrize("command", [["show", "4711"], ["replay", "4711"]], ids=" ".join)
    async def test_an_unknown_id_is_wrong_usage(self, look: Sluice, command: list[str]) -> None:
        answer = await look("dead-letters", *command)
        assert answer.code == 2
        assert answer.err == "sluice: there is no dead letter 4711\n`sluice dead-letters list` lists them\n"

    @pytest.mark.parametrize("words", [[], ["1", "--stage", "family"]], ids=str)
    async def test_a_replay_wants_ids_or_filters(self, look: Sluice, words: list[str]) -> None:
        answer = await look("dead-letters", "replay", *words)
        assert answer.code == 2
        assert "say which dead letters" in answer.err

    async def test_a_rehearsal_changes_nothing_and_needs_no_broker(self, sluice: Sluice, database: Database) -> None:
        numbers = await record_dead_letters(database, [letter(0), letter(1)])
        answer = await sluice("dead-letters", "replay", "--stage", "family", "--dry-run", "--json")
        assert answer.json == {"replayed": numbers, "refused": [], "dry_run": True, "stopped": False}
        assert await database.fetchval("SELECT count(*) FROM dead_letters WHERE resolution IS NULL") == 2

    async def test_nothing_that_matches_is_nothing_to_do(self, look: Sluice) -> None:
        answer = await look("dead-letters", "replay", "--stage", "time")
        assert (answer.code, answer.out) == (0, "replayed 0 dead letter(s)\n")


class TestWithoutBroker:
    @pytest.mark.parametrize(
        "command",
        [("lag",), ("topics",), ("topics", "--check"), ("dead-letters", "replay", "--stage", "family")],
        ids=" ".join,
    )
    async def test_it_says_how_to_get_one(self, look: Sluice, command: tuple[str, ...]) -> None:
        answer = await look(*command)
        assert (answer.code, answer.out) == (2, "")
        assert "no embedded broker is running" in answer.err
        assert "sluice up" in answer.err

    async def test_a_trace_shows_what_the_database_knows(self, look: Sluice) -> None:
        answer = await look("trace", "A", "--json")
        assert answer.code == 0
        assert answer.json["records"] is None
        assert [row["batch_id"] for row in answer.json["batches"]] == [OPEN, DONE]
        assert [row["stage"] for row in answer.json["stages"]] == ["normalize", "family", "complete"]
        assert answer.json["result"]["family"] == "price-value"
        assert "not searched" in answer.err

    async def test_a_trace_of_a_failure_has_its_dead_letter(self, look: Sluice) -> None:
        found = (await look("trace", "C", "--json")).json
        assert [row["error_code"] for row in found["dead_letters"]] == ["handler-error"]
        assert found["batches"][0]["status"] == "failed"
        assert "handler-error" in (await look("trace", "C")).out

    async def test_a_trace_of_nothing_fails(self, look: Sluice) -> None:
        answer = await look("trace", "nobody")
        assert answer.code == 1
        assert "nothing is known about 'nobody'" in answer.err

    async def test_an_unknown_pipeline_is_wrong_usage(self, look: Sluice) -> None:
        assert (await look("trace", "A", "--pipeline", "nonsense")).code == 2


async def test_json_survives_a_terminal_of_ascii(look: Sluice) -> None:
    answer = await look("results", "--json")
    assert answer.out.isascii()
    assert NASTY in [row["name"] for row in json.loads(answer.out)["rows"]]
