"""`sluice dedupe` with nothing set up: it brings its own servers and stages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.deduplication.rules import Rules
from services.deduplication.runs.preparing import Source
from tests.integration.dedupe_pipeline import accounts, in_one_process
from tests.integration.sluice_command import Sluice, runner
from tests.open_directory import open_directory

FILES = {
    *("review.parquet", "review.csv", "group_stats.parquet", "group_details.parquet", "audit.parquet"),
    *("diagnostics.parquet", "review_meta.json", "perf_summary.json", "schema_mapping.json"),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state directory that the database's own user can reach."""
    with open_directory("dedupe-command") as path:
        yield path


@pytest.fixture
def sluice(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sluice:
    return runner(monkeypatch, capsys, folder, {"SLUICE_STATE_DIR": str(folder)})


async def test_one_worker_and_three_shards_make_the_same_files(folder: Path, sluice: Sluice) -> None:
    (folder / "accounts.csv").write_bytes(accounts(2_000))
    answer = await sluice("dedupe", "accounts.csv", "--output", "results", "--shards", "3", "--workers", "1")
    assert answer.code == 0, answer.err
    assert "export: 1 shard, " in answer.err
    made = {path.name: path.read_bytes() for path in (folder / "results").iterdir()}
    assert made.keys() == FILES
    expected = in_one_process(Source.of(folder / "accounts.csv"), Rules())
    assert made["review.parquet"] == expected["review_ready"]
    assert made["audit.parquet"] == expected["audit"]
    assert b'"account_id": "Account ID"' in made["schema_mapping.json"]


async def test_a_pipeline_that_there_is_not_is_refused(sluice: Sluice) -> None:
    answer = await sluice("up", "--pipeline", "nothing")
    assert (answer.code, "pipelines: " in answer.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "there is no input"),
        (("missing.csv",), "does not exist"),
        (("names.csv", "--from", "alias"), "name it with --resume"),
        (("names.csv", "--resume", "x", "--from", "last"), "there is no stage 'last'"),
        (("--resume", "x", "--force"), "name the FILE"),
        (("--resume", "x", "--shards", "2"), "a run keeps what it began with"),
        (("names.csv", "--map", "account_name"), "CANONICAL=ACTUAL"),
        (("empty.csv",), "holds no rows"),
        (("foreign.csv",), "foreign.csv has no column for account_id, "),
    ],
)
async def test_wrong_usage_is_answered_before_anything_starts(
    folder: Path, sluice: Sluice, words: tuple[str, ...], message: str
) -> None:
    (folder / "names.csv").write_bytes(accounts(3))
    (folder / "empty.csv").write_bytes(accounts(0))
    (folder / "foreign.csv").write_text("Foo,Bar\n1,2\n")
    answer = await sluice("dedupe", "run", *words, "--output", "results")
    assert (answer.code, message in answer.err) == (2, True), answer.err
    assert not (folder / "keeper.log").exists()
