"""Deduplication whole, in stages, on a real broker and database: the same bytes, whatever happens on the way."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from services.deduplication.evaluation.calibration import Calibration
from services.deduplication.pipeline import COMPLETED, DEDUPE, FLOW, READY
from services.deduplication.rules import Rules
from services.deduplication.runs import preparing
from services.deduplication.runs.preparing import Source
from services.deduplication.runs.starting import Decided, start
from services.deduplication.runs.store import Status, end, find
from shared.errors import UsageError
from tests.contract.kafka import Sent
from tests.contract.waiting import eventually
from tests.integration.dedupe_pipeline import (
    PATIENCE,
    SLICE_ROWS,
    DedupePipeline,
    accounts,
    dedupe_pipeline,
    in_one_process,
)
from tests.integration.sluice_command import Sluice, runner
from tests.integration.whole_pipeline import COMMAND
from tests.open_directory import open_directory

STOP_AFTER_EVERY_STAGE = """
CREATE FUNCTION stop_after_stage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE dedupe_runs SET status = 'interrupted' WHERE run_id = NEW.run_id AND status = 'running';
    RETURN NEW;
END $$;
CREATE TRIGGER stop_after_stage AFTER UPDATE ON dedupe_stages
FOR EACH ROW WHEN (NEW.done = NEW.shards AND OLD.done < NEW.shards AND NEW.needs <> '{}')
EXECUTE FUNCTION stop_after_stage();
"""
GO_ON_AGAIN = "DROP TRIGGER stop_after_stage ON dedupe_stages; DROP FUNCTION stop_after_stage"


@pytest.fixture(scope="module", autouse=True)
def _small_slices() -> Iterator[None]:
    """Three slices of an input that would be one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "slice_rows", lambda rows: SLICE_ROWS)
        yield


@pytest.fixture(scope="module")
def dedupe_directory() -> Iterator[Path]:
    with open_directory("dedupe") as directory:
        yield directory


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pipeline(new_broker: object, dedupe_directory: Path) -> AsyncIterator[DedupePipeline]:
    async with dedupe_pipeline(dedupe_directory) as running:
        yield running


@pytest.fixture(scope="module")
def expected(pipeline: DedupePipeline) -> dict[str, bytes]:
    return in_one_process(pipeline.source, pipeline.rules)


@pytest.fixture
def sluice(
    pipeline: DedupePipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Sluice:
    return runner(monkeypatch, capsys, tmp_path, pipeline.settings.as_environment())


@contextmanager
def standing_still(pipeline: DedupePipeline) -> Iterator[list[psutil.Process]]:
    """The worker processes do not go on until the context ends."""
    workers = pipeline.worker_processes()
    assert workers
    for worker in workers:
        worker.suspend()
    try:
        yield workers
    finally:
        for worker in workers:
            with suppress(psutil.NoSuchProcess):
                worker.resume()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def complete_run(pipeline: DedupePipeline, expected: dict[str, bytes]) -> str:
    """A run that nothing has disturbed."""
    run_id = await pipeline.start()
    assert await pipeline.results(run_id) == expected
    return run_id


async def test_the_log_has_a_line_a_shard(pipeline: DedupePipeline, complete_run: str) -> None:
    text = (pipeline.settings.embedded.directory / "logs" / "dedupe-1.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if '"shard done"' in line and complete_run in line]
    expected = {
        (f"dedupe.{row['stage']}", row["shard"]) for row in await pipeline.shards(complete_run) if row["inputs"]
    }
    assert {(line["stage"], line["shard"]) for line in lines} == expected
    assert {line["config_digest"] for line in lines} == {pipeline.rules.digest()}


@pytest.mark.parametrize("shards", [1, 8])
async def test_any_number_of_shards_makes_the_same_bytes(
    pipeline: DedupePipeline, expected: dict[str, bytes], shards: int
) -> None:
    run_id = await pipeline.start(shards)
    assert await pipeline.results(run_id) == expected
    counted = Counter(row["stage"] for row in await pipeline.shards(run_id))
    assert (counted["score"], counted["ingest"], counted["group"]) == (shards, 3, 1)


async def test_messages_that_come_again_change_nothing(
    pipeline: DedupePipeline, expected: dict[str, bytes], complete_run: str
) -> None:
    before = await pipeline.shards(complete_run)
    sent = 0
    for topic in READY.values():
        records = [one for one in await pipeline.kafka.read(topic.name) if one.key.startswith(complete_run.encode())]
        assert all(len(one.value) <= 1024 for one in records)
        again = [Sent(one.value, one.key, one.headers, one.partition) for one in records]
        await pipeline.kafka.send(topic.name, [*again, *again])
        sent += len(records)
    assert sent == sum(row["inputs"] is not None for row in before) == len(before) - 4
    for stage in DEDUPE.stages:
        await pipeline.kafka.committed_all(stage.full_name, stage.reads.name, PATIENCE)
    assert await pipeline.shards(complete_run) == before
    assert await pipeline.results(complete_run) == expected


async def test_a_run_is_told_to_be_complete_once(pipeline: DedupePipeline, complete_run: str) -> None:
    async def told() -> list[dict[str, object]]:
        events = [json.loads(one.value) for one in await pipeline.kafka.read(COMPLETED.name)]
        return [event for event in events if event["run_id"] == complete_run]

    (event,) = await eventually(told, "the run is announced")
    assert event["rows"] == 3 * SLICE_ROWS
    assert await pipeline.database.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_worker_that_is_killed_costs_its_shard_another_attempt(
    pipeline: DedupePipeline, expected: dict[str, bytes], complete_run: str
) -> None:
    with standing_still(pipeline) as workers:
        run_id = await pipeline.start()

        async def begun() -> bool:
            return any(row["attempts"] for row in await pipeline.shards(run_id))

        await eventually(begun, "a shard is in the hands of a worker that stands still", PATIENCE)
        for worker in workers:
            worker.kill()
    assert await pipeline.results(run_id) == expected
    attempts = Counter(row["attempts"] for row in await pipeline.shards(run_id) if row["inputs"])
    assert attempts.keys() == {1, 2}
    assert attempts[2] <= len(workers)


async def test_a_full_disk_makes_a_run_wait_and_say_what_to_do(
    pipeline: DedupePipeline, expected: dict[str, bytes]
) -> None:
    if pipeline.disk is None:
        pytest.skip("only root may mount a disk to fill")

    async def waiting() -> bool:
        return any("make room there" in reason for reason in (await pipeline.stages.hindrances()).values())

    with standing_still(pipeline):
        run_id = await pipeline.start()
        pipeline.disk.fill(but=20_000)  # so that the first files of a shard are written, and others are not
    try:
        await eventually(waiting, "a stage says that there is no room", PATIENCE)
        assert (await find(pipeline.database, run_id)).status is Status.RUNNING
    finally:
        pipeline.disk.free()
    assert await pipeline.results(run_id) == expected
    assert not list(pipeline.path(run_id).rglob("*.tmp"))


async def test_a_run_that_is_stopped_after_every_stage_is_gone_on_with(
    pipeline: DedupePipeline, expected: dict[str, bytes]
) -> None:
    await pipeline.database.execute(STOP_AFTER_EVERY_STAGE)
    try:
        run_id, stops = await pipeline.start(), 0
        while (await pipeline.ended(run_id)).status is Status.INTERRUPTED:
            done = [row for row in await pipeline.shards(run_id) if row["status"] == "done"]
            await pipeline.resume(run_id)
            stops += 1
            assert [row for row in await pipeline.shards(run_id) if row in done] == done
            assert stops <= len(FLOW)
    finally:
        await pipeline.database.execute(GO_ON_AGAIN)
    assert len(FLOW) - 1 <= stops  # the last two stages may end together
    assert await pipeline.results(run_id) == expected


async def test_a_stage_can_be_done_again_with_all_that_follows(
    pipeline: DedupePipeline, expected: dict[str, bytes]
) -> None:
    run_id = await pipeline.start()
    await pipeline.ended(run_id)
    before = {(row["stage"], row["shard"]): row["ended_at"] for row in await pipeline.shards(run_id)}
    await pipeline.resume(run_id, stage="alias")
    assert await pipeline.results(run_id) == expected
    after = {(row["stage"], row["shard"]): row["ended_at"] for row in await pipeline.shards(run_id)}
    again = {stage for stage, shard in after if after[stage, shard] != before[stage, shard]}
    assert again == {"alias", "disposition", "statistics", "export"}


async def test_a_truncated_shard_fails_the_run_and_is_made_anew(
    pipeline: DedupePipeline, expected: dict[str, bytes]
) -> None:
    run_id = await pipeline.start()
    await pipeline.results(run_id)
    (edges,) = pipeline.path(run_id).glob("score/edges-0001-*.parquet")
    whole = edges.read_bytes()
    edges.write_bytes(whole[:-100])
    await pipeline.again_without_a_look(run_id, "group")
    run = await pipeline.ended(run_id)
    assert run.status is Status.FAILED
    assert run.error is not None
    assert "edges-0001" in run.error
    assert f"--resume {run_id}" in run.error
    await pipeline.resume(run_id)
    assert await pipeline.results(run_id) == expected
    assert edges.read_bytes() == whole
    assert not list(pipeline.path(run_id).rglob("*.tmp"))


async def test_a_dead_letter_is_not_replayed_but_its_run_gone_on_with(
    pipeline: DedupePipeline, complete_run: str, expected: dict[str, bytes], sluice: Sluice
) -> None:
    run_id = await pipeline.start()
    await pipeline.results(run_id)
    (edges,) = pipeline.path(run_id).glob("score/edges-0000-*.parquet")
    edges.unlink()
    await pipeline.again_without_a_look(run_id, "group")
    assert (await pipeline.ended(run_id)).status is Status.FAILED
    find_letter = "SELECT id, resolution FROM dead_letters WHERE batch_id = $1"
    letter = await pipeline.database.fetchrow(find_letter, run_id)
    assert letter
    answer = await sluice("dead-letters", "replay", str(letter["id"]))
    assert (answer.code, f"--resume {run_id}" in answer.err) == (1, True)

    topic = DEDUPE.dead_letters.name
    kept = [one for one in await pipeline.kafka.read(topic) if run_id in str(one.headers)]
    with standing_still(pipeline):
        await pipeline.resume(run_id)
        await pipeline.kafka.send(topic, [Sent(one.value, one.key, one.headers, one.partition) for one in kept])
        await pipeline.kafka.committed_all("dedupe.dead-letter", topic, PATIENCE)
        assert (await find(pipeline.database, run_id)).status is Status.RUNNING
    assert await pipeline.results(run_id) == expected
    assert [row["resolution"] for row in await pipeline.database.fetch(find_letter, run_id)] == ["resumed"]


async def test_ctrl_c_interrupts_a_run_and_resume_completes_it(
    pipeline: DedupePipeline, complete_run: str, tmp_path: Path, sluice: Sluice
) -> None:
    """On configured servers, where the command starts no stages of its own."""
    file, output = tmp_path / "accounts.csv", tmp_path / "results"
    file.write_bytes(accounts(SLICE_ROWS))
    command = [*COMMAND, "dedupe", str(file), "--output", str(output)]
    with standing_still(pipeline):
        process = await asyncio.create_subprocess_exec(
            *command, env=pipeline.settings.in_environment(os.environ), stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr
        run_id = (await process.stderr.readline()).decode().split()[1]
        process.send_signal(signal.SIGINT)
        told = (await process.stderr.read()).decode()
        assert await process.wait() == 130
    assert f"--resume {run_id}" in told
    assert (await find(pipeline.database, run_id)).status is Status.INTERRUPTED
    assert list(output.iterdir()) == []
    answer = await sluice("dedupe", str(file), "--output", str(output), "--resume", run_id, "--json")
    assert (answer.code, answer.json["status"], answer.json["run_id"]) == (0, "complete", run_id)
    expected = in_one_process(Source.of(file), pipeline.rules)
    assert (output / "review.parquet").read_bytes() == expected["review_ready"]
    assert (output / "group_stats.parquet").read_bytes() == expected["group_stats"]


async def test_two_accounts_are_explained(pipeline: DedupePipeline, complete_run: str, sluice: Sluice) -> None:
    rows = (await pipeline.table(complete_run, "group_details")).to_pylist()
    first, second = next((a, b) for a, b in pairwise(rows) if a["group_id"] == b["group_id"])
    words = ("dedupe", "explain", first["account_id"], second["account_id"], "--run", complete_run)
    found = (await sluice(*words, "--json")).json
    assert found["together"] is True
    assert [record["account_id"] for record in found["records"]] == [first["account_id"], second["account_id"]]
    assert found["verdict"] in (await sluice(*words)).out


async def test_decisions_of_people_hold_for_every_run(pipeline: DedupePipeline, sluice: Sluice) -> None:
    account = "001000000000007AAA"
    assert (await sluice("dedupe", "overrides", "set", account, "keep", "--reason", "customer", "--by", "me")).code == 0
    assert (await sluice("dedupe", "blacklist", "add", "Harbor Plumbing", "--by", "me")).code == 0
    try:
        run_id = await pipeline.start()
        await pipeline.ended(run_id)
        review = (await pipeline.table(run_id, "review_ready")).to_pylist()
        (row,) = [row for row in review if row["account_id"] == account]
        assert (row["disposition"], row["disposition_reason"]) == ("Keep", "manual_override:Keep")
        banned = {row["disposition"] for row in review if "harbor plumbing" in row["name_raw"].lower()}
        assert banned == {"Delete"}
        assert "customer" in (await sluice("dedupe", "overrides", "export")).out
    finally:
        assert (await sluice("dedupe", "overrides", "remove", account)).out == "1 removed\n"
        assert (await sluice("dedupe", "blacklist", "remove", "HARBOR plumbing")).out == "1 removed\n"


async def test_records_are_added_between_runs_and_the_next_run_keeps_their_groups(
    pipeline: DedupePipeline, complete_run: str, sluice: Sluice, tmp_path: Path
) -> None:
    known = (await pipeline.table(complete_run, "survivors")).slice(0, 1).to_pylist()[0]
    rows = [("001999999999991", known["name_raw"]), ("001999999999992", "Quaxoria Metals"), ("x", "Nobody")]
    file = tmp_path / "new.csv"
    file.write_text("Account ID,Account Name\n" + "\n".join(f'{one},"{name}"' for one, name in rows))
    words = ("dedupe", "add", complete_run, "--file", str(file), "--json")
    assert (dry := await sluice(*words, "--dry-run")).code == 1
    first, again = await sluice(*words), await sluice(*words)
    assert first.json == dry.json
    assert [one["outcome"] for one in first.json] == ["added", "added", "rejected"]
    assert [one["outcome"] for one in again.json] == ["known", "known", "rejected"]
    groups = [one["group_id"] for one in first.json]
    assert [groups[0], *groups] == [known["group_id"], *(one["group_id"] for one in again.json)]
    assert (await sluice("dedupe", "add", complete_run, "--id", rows[1][0], "--name", rows[1][1])).code == 0

    export = pipeline.source.table.num_rows
    lines = accounts(export) + f"{rows[1][0]},{rows[1][1]},2024-01-01,,\n".encode()
    meant = Calibration(profile="balanced", rules="", pairs=2, scores=(0.0, 200.0), probabilities=(0.0, 1.0))
    wanted = pipeline.wanted()._replace(follows=complete_run, calibration=meant)
    follower = await start(pipeline.database, pipeline.storage, Source.read("a.csv", lines), wanted, Decided())
    await pipeline.announce()
    assert (await pipeline.ended(follower)).status is Status.COMPLETE
    before, after = [await _groups(pipeline, run_id) for run_id in (complete_run, follower)]
    assert after == before | {first.json[1]["account_id"]: groups[1]}
    told = (await sluice("dedupe", "history", groups[1], "--run", follower, "--json")).json
    assert [(one["change"], one["account_id"]) for one in told] == [("new", first.json[1]["account_id"])]
    everything = (await sluice("dedupe", "history", "--run", follower, "--json")).json
    assert [one["change"] for one in everything] == ["joined", "new"]
    another = ("dedupe", "add", follower, "--id", "001999999999993", "--name", rows[1][1], "--json")
    assert [one["probability"] for one in (await sluice(*another)).json] == [0.5]
    await pipeline.database.execute("UPDATE dedupe_runs SET status = 'interrupted' WHERE run_id = $1", follower)
    assert "is interrupted" in (await sluice(*another)).err
    await pipeline.database.execute("UPDATE dedupe_runs SET status = 'complete' WHERE run_id = $1", follower)
    follows = "UPDATE dedupe_runs SET follows = $2 WHERE run_id = $1"
    for followed, prunable in ((complete_run, f"{complete_run}\n"), (None, "")):
        await pipeline.database.execute(follows, follower, followed)
        assert (await sluice("dedupe-runs", "prune", complete_run)).out == prunable


async def _groups(pipeline: DedupePipeline, run_id: str) -> dict[str, str]:
    survivors = await pipeline.table(run_id, "survivors")
    return dict(zip(survivors["account_id"].to_pylist(), survivors["group_id"].to_pylist(), strict=True))


async def test_runs_are_pruned_but_never_one_that_is_needed(
    pipeline: DedupePipeline, complete_run: str, sluice: Sluice
) -> None:
    old, pinned, running = [await pipeline.start() for _ in range(3)]
    for run_id in (old, pinned):
        await end(pipeline.database, run_id, Status.INTERRUPTED)
    await pipeline.database.execute(
        "UPDATE dedupe_runs SET started_at = now() - interval '9 days' WHERE run_id = $1", old
    )
    assert (await sluice("dedupe-runs", "pin", pinned)).code == 0
    named = ("dedupe-runs", "prune", old, pinned)
    dry = await sluice(*named)
    assert (dry.code, dry.out) == (2, f"{old}\n")
    assert pipeline.path(old).exists()
    assert (await sluice(*named, "--yes")).out == f"{old}\n"
    assert not pipeline.path(old).exists()
    assert pipeline.path(pinned).exists()
    listed = {row["run"] for row in (await sluice("dedupe-runs", "list", "--limit", "100", "--json")).json}
    assert listed >= {complete_run, pinned, running}
    assert old not in listed
    await pipeline.ended(running)


async def test_an_input_without_companies_fails_its_run_and_stops_nobody_else(
    pipeline: DedupePipeline, expected: dict[str, bytes]
) -> None:
    none = b"Account ID,Account Name,Created Date\n001000000000001,n/a,2020-01-01\n"
    run_id = await pipeline.start(source=Source.read("none.csv", none))
    run = await pipeline.ended(run_id)
    assert (run.status, "no row is left" in str(run.error)) == (Status.FAILED, True)
    assert await pipeline.database.fetchval("SELECT count(*) FROM dead_letters WHERE batch_id = $1", run_id) == 1
    assert await pipeline.results(await pipeline.start()) == expected


async def test_a_changed_input_is_refused_unless_it_is_forced(pipeline: DedupePipeline) -> None:
    run_id = await pipeline.start()
    await end(pipeline.database, run_id, Status.INTERRUPTED)
    other = Source.read("accounts.csv", accounts(SLICE_ROWS, seed=8))
    rules = Rules.of("strict")
    with pytest.raises(UsageError, match="the input has changed since"):
        await pipeline.resume(run_id, source=other)
    with pytest.raises(UsageError, match="the rules have changed since"):
        await pipeline.resume(run_id, wanted=pipeline.wanted(rules=rules))
    assert (await find(pipeline.database, run_id)).status is Status.INTERRUPTED
    await pipeline.resume(run_id, source=other, wanted=pipeline.wanted(rules=rules), force=True)
    assert await pipeline.results(run_id) == in_one_process(other, rules)
