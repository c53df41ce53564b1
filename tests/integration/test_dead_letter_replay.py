"""Dead letters on their way back: as they were, edited, whole again; how often, how fast, until somebody stops it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from schemas.delivery import Header, RejectCode
from shared.broker.originals import Originals
from shared.broker.producer import Publisher
from shared.database import Database
from shared.database.dead_letters import DeadLetter, dead_letters_by_id, record_dead_letters
from shared.pipelines import find_stage
from shared.replaying import Replayer, Terms, original
from shared.runtime.dead_letters import dead_letter
from shared.runtime.envelope import OutRecord
from shared.runtime.outcome import Reject
from shared.service.dead_letters import keep_dead_letters
from shared.settings import KafkaSettings
from tests.integration.own_broker import PARTITIONS, OwnBroker, end_of, newest, own_broker, variables_of, with_topics
from tests.integration.seeded import OPEN, letter, seed
from tests.integration.sluice_command import Sluice, runner

INPUT = "classification.joined"
EDGE = "indicators.ingest"
ROOT = Path(__file__).parents[2]
MISREAD = {"indicator_id": "C", "name": 7, "units": "%"}
GOOD = '{"indicator_id": "C", "name": "Exports"}'
LONG = b'{"text": "' + b"x" * 905_000 + b'"}'
RUN = b'{"stage":"normalize","started_at":1700000000000,"duration_ms":0.5}'
MOST = 3
"""Replays of one item, unless somebody sets it otherwise."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(new_broker: object) -> AsyncIterator[OwnBroker]:
    """A broker with the topics of the pipeline, and its state directory."""
    async with own_broker() as ours:
        await with_topics(ours[0])
        yield ours


@pytest.fixture
def kafka(own: OwnBroker) -> KafkaSettings:
    return own[0]


@pytest.fixture
def sluice(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    database_url: str,
    own: OwnBroker,
) -> Sluice:
    return runner(monkeypatch, capsys, tmp_path, variables_of(own, database_url))


class TestReplay:
    async def test_the_record_comes_back_as_it_was(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings
    ) -> None:
        headers = {
            "batch_id": OPEN,
            "attempt": "4",
            "trail": RUN.decode(),
            "traceparent": "00-1-2-01",
            "not_before": "99.0",
            "x-dlq-stage": "classification.family",
            "x-dlq-error-code": "handler-error",
        }
        poison = b'{"name": "caf\xe9\x00"}'
        lost = letter(topic="classification.family.retry", payload=poison, headers=json.dumps(headers))
        (number,) = await record_dead_letters(database, [lost])
        answer = await sluice("dead-letters", "replay", str(number), "--json")
        assert answer.json == {"replayed": [number], "refused": [], "dry_run": False, "stopped": False}
        found = await newest(kafka, INPUT, 3)
        assert (found.key, found.value) == (b"C", poison)
        assert dict(found.headers) == {
            "batch_id": OPEN.encode(),
            "attempt": b"1",
            "trail": RUN,
            "traceparent": b"00-1-2-01",
            Header.DLQ_CYCLE: b"1",
            Header.DLQ_LETTERS: b"%d" % number,
        }
        (row,) = await dead_letters_by_id(database, [number])
        assert row["resolution"] == "replayed"
        assert row["replayed_at"] is not None

    async def test_nothing_is_replayed_twice(self, sluice: Sluice, database: Database, kafka: KafkaSettings) -> None:
        (number,) = await record_dead_letters(database, [letter()])
        assert (await sluice("dead-letters", "replay", str(number))).out == "replayed 1 dead letter(s)\n"
        end = await end_of(kafka, INPUT, 3)
        again = await sluice("dead-letters", "replay", str(number))
        assert again.code == 1
        assert "it is replayed already" in again.err
        assert await end_of(kafka, INPUT, 3) == end

    async def test_an_item_that_fails_again_keeps_its_history_and_never_loops(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings
    ) -> None:
        await seed(database)
        _, stage = find_stage("classification.family")
        (number,) = [row["id"] for row in await database.fetch("SELECT id FROM dead_letters")]
        for cycle in range(1, MOST + 1):
            assert (await sluice("dead-letters", "replay", str(number))).code == 0
            back = await newest(kafka, INPUT, 3)
            assert dict(back.headers)[Header.DLQ_CYCLE] == b"%d" % cycle
            await fail(database, stage, back)
            number = int(await database.fetchval("SELECT max(id) FROM dead_letters"))
        refused = await sluice("dead-letters", "replay", str(number), "--json")
        assert refused.code == 1
        assert refused.json["replayed"] == []
        assert f"replayed {MOST} times" in refused.json["refused"][0]["reason"]
        shown = (await sluice("dead-letters", "show", str(number), "--json")).json
        assert (shown["cycle"], len(shown["history"])) == (MOST, MOST + 1)
        (batch,) = [row for row in (await sluice("batches", "--json")).json if row["batch_id"] == OPEN]
        assert batch["dead_lettered"] == 1

    async def test_filters_take_what_is_unresolved_from_the_oldest(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings
    ) -> None:
        numbers = await record_dead_letters(database, [letter(place, item_id=f"i{place}") for place in range(4)])
        await record_dead_letters(database, [letter(9, stage="classification.type", topic="classification.family")])
        await sluice("dead-letters", "replay", str(numbers[1]))
        words = ["dead-letters", "replay", "--stage", "family", "--code", "handler-error", "--batch", OPEN, "--json"]
        assert (await sluice(*words, "--limit", "2")).json["replayed"] == [numbers[0], numbers[2]]
        assert (await sluice(*words)).json["replayed"] == [numbers[3]]
        assert (await sluice("dead-letters", "list", "--unresolved", "--json")).json[0][
            "stage"
        ] == "classification.type"

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"stage": "classification.gone"}, "there is no stage classification.gone any more"),
            ({"topic": "classification.type"}, "classification.type is not its input any more"),
            ({"offset": -5}, "sluice retry-failed"),
            ({"item_id": "a\N{REPLACEMENT CHARACTER}b"}, "its key is not UTF-8"),
        ],
        ids=str,
    )
    async def test_what_cannot_come_back_is_refused(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings, changes: dict[str, object], reason: str
    ) -> None:
        good, bad = await record_dead_letters(database, [letter(1), letter(**{"number": 2, **changes})])  # type: ignore[arg-type]  # any field
        answer = await sluice("dead-letters", "replay", str(good), str(bad), "--json")
        assert answer.code == 1
        assert answer.json["replayed"] == [good]
        assert reason in answer.json["refused"][0]["reason"]
        assert await database.fetchval("SELECT count(*) FROM dead_letters WHERE resolution IS NULL") == 1

    async def test_a_record_without_key_or_batch(self, database: Database) -> None:
        lost = letter(
            7, item_id=f"{INPUT}:3:7@1700000000000", headers='{"seen": "caf\N{REPLACEMENT CHARACTER}"}', payload=None
        )
        (row,) = await dead_letters_by_id(database, await record_dead_letters(database, [lost]))
        back = original(row)
        assert (back.key, back.value, back.partition) == (b"", b"", 3)
        ours = {Header.DLQ_CYCLE: b"1", Header.DLQ_LETTERS: b"%d" % row["id"]}
        assert dict(back.headers) == {"batch_id": OPEN.encode(), "attempt": b"1", **ours}

    async def test_the_rate_is_kept_without_haste(self, database: Database, kafka: KafkaSettings) -> None:
        numbers = await record_dead_letters(database, [letter(place, item_id=f"i{place}") for place in range(5)])
        pauses: list[float] = []

        async def pause(seconds: float) -> None:
            pauses.append(seconds)

        async with Publisher(kafka, PARTITIONS) as publisher, Originals(kafka) as originals:
            replayer = Replayer(database, Terms(MOST), originals, publisher, per_second=2, pause=pause)
            done = await replayer.replay(numbers)
        assert done.replayed == numbers
        assert pauses == [1.0, 1.0]


class TestBound:
    async def test_only_a_person_who_names_it_gets_past_the_last_round(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings
    ) -> None:
        worn = letter(headers=json.dumps({"batch_id": OPEN, Header.DLQ_CYCLE: "1", Header.DLQ_LETTERS: "7"}))
        (number,) = await record_dead_letters(database, [worn])
        once = {"SLUICE_DEAD_LETTER_REPLAYS": "1"}
        refused = await sluice("dead-letters", "replay", str(number), **once)
        assert (refused.code, "replayed 1 times" in refused.err) == (1, True)
        many = await sluice("dead-letters", "replay", "--stage", "family", "--force", **once)
        assert (many.code, "give their ids" in many.err) == (2, True)
        assert (await sluice("dead-letters", "replay", str(number), "--force", **once)).code == 0
        back = dict((await newest(kafka, INPUT, 3)).headers)
        assert (back[Header.DLQ_CYCLE], back[Header.DLQ_LETTERS]) == (b"2", b"7,%d" % number)

    async def test_letters_without_a_key_are_known_by_what_they_were(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings
    ) -> None:
        first, second = await record_dead_letters(database, [letter(1, item_id="there"), letter(2, item_id="here")])
        again = letter(3, item_id="here", headers=json.dumps({Header.DLQ_LETTERS: f"{first}"}))
        (third,) = await record_dead_letters(database, [again])
        shown = (await sluice("dead-letters", "show", str(third), "--json")).json
        assert [entry["id"] for entry in shown["history"]] == [first, second, third]


class TestEdited:
    async def test_the_edit_is_published_and_kept_beside_what_failed(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings
    ) -> None:
        (number,) = await record_dead_letters(database, [misread()])
        words = ["dead-letters", "replay", str(number), "--set", "name=Exports", "--set", "units=USD"]
        answer = await sluice(*words)
        assert answer.code == 0, answer.err
        back = await newest(kafka, EDGE, 3)
        assert (back.key, json.loads(back.value)) == (b"C", {**MISREAD, "name": "Exports", "units": "USD"})
        shown = (await sluice("dead-letters", "show", str(number), "--json")).json
        assert json.loads(shown["payload"]) == MISREAD
        assert json.loads(shown["replayed_payload"])["name"] == "Exports"
        assert [(entry["edited"], entry["resolution"]) for entry in shown["history"]] == [(True, "replayed")]
        assert "Replayed with" in (await sluice("dead-letters", "show", str(number))).out

    async def test_a_file_takes_the_place_of_what_cannot_be_read(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings, tmp_path: Path
    ) -> None:
        (number,) = await record_dead_letters(database, [misread(payload=b"\xff{")])
        (tmp_path / "better.json").write_text(GOOD)
        assert (await sluice("dead-letters", "replay", str(number), "--payload", "better.json")).code == 0
        assert (await newest(kafka, EDGE, 3)).value == GOOD.encode()

    async def test_the_editor(self, sluice: Sluice, database: Database, kafka: KafkaSettings, tmp_path: Path) -> None:
        (tmp_path / "editor").write_text('#!/bin/sh\nsed -i \'s/"name": 7/"name": "Imports"/\' "$1"\n')
        (tmp_path / "editor").chmod(0o755)
        (number,) = await record_dead_letters(database, [misread()])
        words = ["dead-letters", "replay", str(number), "--edit"]
        unsaved = await sluice(*words, VISUAL="true")
        assert (unsaved.code, "nothing was saved" in unsaved.err) == (1, True)
        assert (await sluice(*words, VISUAL=str(tmp_path / "editor"))).code == 0
        assert json.loads((await newest(kafka, EDGE, 3)).value) == {**MISREAD, "name": "Imports"}

    async def test_a_replay_as_it_was_forgets_an_edit_that_did_not_get_through(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings
    ) -> None:
        (number,) = await record_dead_letters(database, [letter()])
        await database.execute("UPDATE dead_letters SET replayed_payload = 'of a run that was killed'")
        assert (await sluice("dead-letters", "replay", str(number))).code == 0
        (row,) = await dead_letters_by_id(database, [number])
        assert (row["replayed_payload"], row["resolution"]) == (None, "replayed")


class TestCut:
    async def test_the_whole_record_comes_back_from_where_it_was(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings
    ) -> None:
        number = await self.cut(database, kafka)
        (row,) = await dead_letters_by_id(database, [number])
        assert len(row["payload"]) < len(LONG)
        rehearsed = await sluice("dead-letters", "replay", str(number), "--dry-run", "--json")
        assert rehearsed.json["replayed"] == [number]
        assert (await sluice("dead-letters", "replay", str(number))).code == 0
        back = await newest(kafka, INPUT, 2)
        assert (back.key, back.value, back.offset) == (b"C", LONG, row["offset"] + 1)
        assert dict(back.headers)["wide"] == b"w" * 300
        assert Header.DLQ_ORIGINAL_BYTES not in dict(back.headers)

    @pytest.mark.parametrize("gone", ['"offset" = "offset" + 100', "record_timestamp = 1", "partition = 99"])
    async def test_without_it_nothing_is_made_of_a_part(
        self, sluice: Sluice, database: Database, kafka: KafkaSettings, gone: str
    ) -> None:
        number = await self.cut(database, kafka)
        await database.execute(f"UPDATE dead_letters SET {gone}")
        answer = await sluice("dead-letters", "replay", str(number))
        assert answer.code == 1
        assert "too large to be kept whole" in answer.err

    async def cut(self, database: Database, kafka: KafkaSettings) -> int:
        """A dead letter of a record that is larger than a dead letter may be."""
        _, stage = find_stage("classification.family")
        async with Publisher(kafka, PARTITIONS) as publisher:
            headers = [("wide", b"w" * 300), (Header.BATCH_ID, OPEN.encode())]
            await publisher.publish([OutRecord(INPUT, b"C", LONG, headers, 2)])
        await fail(database, stage, await newest(kafka, INPUT, 2))
        return int(await database.fetchval("SELECT max(id) FROM dead_letters"))


async def test_ctrl_c_ends_between_two_records_and_the_same_command_goes_on(
    sluice: Sluice, database: Database, database_url: str, own: OwnBroker, tmp_path: Path
) -> None:
    numbers = await record_dead_letters(database, [letter(place, item_id=f"i{place}") for place in range(4)])
    before = await end_of(own[0], INPUT, 3)
    command = [sys.executable, "-m", "services.cli.main", "dead-letters", "replay", "--batch", OPEN, "--json"]
    environment = {**os.environ, **variables_of(own, database_url), "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *command,
        "--rate",
        "0.01/s",
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        while not await database.fetchval("SELECT count(*) FROM dead_letters WHERE resolution = 'replayed'"):
            assert process.returncode is None
            await asyncio.sleep(0.05)  # between two looks
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, json.loads(out)["replayed"]) == (130, numbers[:1])
    assert "the same command goes on" in err.decode()
    assert (await sluice(*command[3:])).json["replayed"] == numbers[1:]
    assert await end_of(own[0], INPUT, 3) == before + len(numbers)


def misread(**changes: object) -> DeadLetter:
    """An indicator that the first stage could not read."""
    place = {"stage": "classification.normalize", "topic": EDGE, "error_code": "wrong-schema"}
    return letter(**{"payload": json.dumps(MISREAD).encode(), **place, **changes})  # type: ignore[arg-type]  # by name


async def fail(database: Database, stage: Any, record: Any) -> None:
    """What follows when the stage refuses a record: to the dead-letter topic, and from there to the database."""
    buried = dead_letter(stage, record, Reject(RejectCode.HANDLER_ERROR, "again"), 1_700_000_000.0)
    await keep_dead_letters([_AsRead(buried)], database)  # type: ignore[list-item]  # a record


class _AsRead:
    """A published record as a consumer gets it."""

    def __init__(self, record: OutRecord) -> None:
        self.topic, self.partition, self.offset, self.timestamp = record.topic, record.partition, 0, 0
        self.key, self.value, self.headers = record.key, record.value, record.headers
