"""`classify`, `resume`, `retry-failed` and `demo` as a user runs them, beside a running `sluice up`."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.enums import ItemStatus
from services.cli.results import ResultRow
from shared.database.ledger import ItemOutcome, NewBatch, finish_items, open_batch, register_items
from shared.settings import Settings
from shared.terminal.connect import open_database

DEADLINE = 120
Sluice = Callable[..., subprocess.CompletedProcess[str]]

ROWS = [
    {"indicator_id": "BOT:AW", "name": "Balance of Trade", "units": "AWG Million"},
    {"indicator_id": "BLR:AW", "name": "Bank Lending Rate", "units": "%", "colour": "red"},
    {"indicator_id": "CPI:AW", "name": "Consumer Price Index", "units": "points", "periodicity": "Monthly"},
]


@pytest.fixture(scope="module")
def environment(state_directory: Path) -> dict[str, str]:
    """Variables of a shell with a state directory of its own."""
    own = state_directory / "classify"
    own.mkdir(mode=0o755)
    return {**os.environ, "SLUICE_STATE_DIR": str(own), "SLUICE_API_PORT": "0", "COLUMNS": "160"}


@pytest.fixture(scope="module")
def up(environment: dict[str, str]) -> Iterator[None]:
    """`sluice up`, so that no command has to start the stages."""
    command = [sys.executable, "-m", "services.cli.main", "up", "--api-port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        assert any(line.startswith("running") for line in process.stdout)
        yield
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(DEADLINE) == 0


@pytest.fixture
def sluice(environment: dict[str, str], up: None, tmp_path: Path) -> Sluice:
    """Runs `sluice ARGUMENTS` in an empty folder."""

    def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "services.cli.main", *arguments],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(Path(__file__).parents[2]), **variables},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    return run


def lines(rows: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_file_in_every_format_gives_the_same_results_in_order(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines(ROWS))
    (tmp_path / "a.json").write_text(json.dumps({"indicators": ROWS}))
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["Indicator ID", "Indicator Name", "Unit"], delimiter=";")
        writer.writeheader()
        for row in ROWS:
            writer.writerow(dict(zip(writer.fieldnames, (row["indicator_id"], row["name"], row["units"]), strict=True)))
    seen = []
    for suffix in ("jsonl", "json", "parquet", "csv"):
        done = sluice("classify", f"a.{suffix}", "--output", f"{suffix}.jsonl", "--quiet")
        assert done.returncode == 0, done.stderr
        results = [json.loads(line) for line in (tmp_path / f"{suffix}.jsonl").read_text().splitlines()]
        assert [row["indicator_id"] for row in results] == [row["indicator_id"] for row in ROWS]
        assert list(results[0]) == list(ResultRow._fields)
        seen.append([(row["family"], row["indicator_type"], row["status"]) for row in results])
    assert seen[0][0] == ("physical-fundamental", "balance", "completed")
    assert seen[0][1] == ("price-value", "rate", "completed")
    assert all(one == seen[0] for one in seen)


def test_of_nearly_identical_indicators_one_decides_for_all(sluice: Sluice, tmp_path: Path) -> None:
    rows = [*ROWS, {"indicator_id": "BOT:CU", "name": "Trade balance", "units": "Billion CUP", "country": "Cuba"}]
    done = sluice("classify", "-", "--dedupe", "--output", "o.jsonl", stdin=lines(rows))
    assert done.returncode == 0, done.stderr
    assert "1 of 4 indicators take over" in done.stderr
    found = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    taken, asked = found[0], found[3]
    assert [row["provider"] for row in found] == ["taken-over", "embedded", "embedded", "embedded"]
    for field in ("family", "indicator_type", "temporal_aggregation", "heat_map_orientation"):
        assert taken[field] == asked[field]
    assert (taken["detected_currency"], taken["scale"], asked["scale"]) == ("AWG", "millions", "billions")


def test_bad_rows_are_told_and_kept_and_stop_nobody(sluice: Sluice, tmp_path: Path) -> None:
    bad = '{"indicator_id": "X"}\nnot json\n{"indicator_id": "BOT:AW", "name": "twice"}\n'
    bad += '{"indicator_id": "N", "name": "n", "sample_values": [{"date": "2020", "value": NaN}]}\n'
    done = sluice("classify", "-", "--output", "o.csv", "--rejects", "r.jsonl", "--json", stdin=lines(ROWS) + bad)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["by_status"] == {"rejected": 4, "completed": 3}
    rejects = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [reject["row_number"] for reject in rejects] == [4, 5, 6, 7]
    assert all(reject["reason"] and reject["remedy"] for reject in rejects)
    with (tmp_path / "o.csv").open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["completed"] * 3 + ["rejected"] * 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["classify", "absent.jsonl"], "absent.jsonl"),
        (["classify", "cut.parquet"], "cut.parquet"),
        (["classify", "headless.csv"], "indicator_id"),
        (["classify", "good.jsonl", "--output", "results.xls"], "results.xls"),
        (["classify", "good.jsonl", "--provider", "oracle"], "oracle"),
        (["classify", "good.jsonl", "--sample", "random"], "--limit"),
        (["classify", "good.jsonl", "--id", "absent"], "absent"),
        (["classify"], "INPUT"),
        (["resume", "absent"], "absent"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_sentence(
    sluice: Sluice, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "good.jsonl").write_text(lines(ROWS))
    (tmp_path / "cut.parquet").write_bytes(b"PAR1\x00\x00")
    (tmp_path / "headless.csv").write_text("a,b,c\n1,2,3\n")
    done = sluice(*arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_resume_leaves_out_what_has_a_result(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines([{**row, "indicator_id": f"R:{row['indicator_id']}"} for row in ROWS]))
    assert sluice("classify", "a.jsonl", "--limit", "2", "--quiet").returncode == 0
    done = sluice("classify", "a.jsonl", "--resume", "--output", "o.jsonl")
    assert done.returncode == 0, done.stderr
    assert "1/1" in done.stderr
    results = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert [row["status"] for row in results] == ["completed"] * 3
    assert results[0]["batch_id"] == results[1]["batch_id"] != results[2]["batch_id"]


def test_a_stratified_sample_is_repeatable(sluice: Sluice, tmp_path: Path) -> None:
    rows = [{"indicator_id": f"S{n}", "name": f"Exports {n % 4}", "units": "USD Million"} for n in range(40)]
    (tmp_path / "a.jsonl").write_text(lines(rows))
    chosen = []
    for name in ("one.jsonl", "two.jsonl"):
        options = ["--sample", "stratified", "--limit", "4", "--seed", "7", "--output", name, "--quiet"]
        assert sluice("classify", "a.jsonl", *options).returncode == 0
        chosen.append([json.loads(line)["indicator_id"] for line in (tmp_path / name).read_text().splitlines()])
    assert chosen[0] == chosen[1]
    assert {int(one[1:]) % 4 for one in chosen[0]} == {0, 1, 2, 3}


def test_not_waiting_and_resuming_later(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines([{**row, "indicator_id": f"W:{row['indicator_id']}"} for row in ROWS]))
    assert sluice("classify", "a.jsonl", "--no-wait").returncode == 0
    done = sluice("resume")
    assert done.returncode == 0, done.stderr
    listed = json.loads(sluice("results", "--json", "--limit", "500").stdout)
    assert "W:BOT:AW" in json.dumps(listed)


def test_the_demo_again_does_nothing_twice(sluice: Sluice) -> None:
    first = sluice("demo", "--limit", "300")
    assert first.returncode == 0, first.stdout + first.stderr
    before = json.loads(sluice("batches", "--json", "--limit", "500").stdout)
    again = sluice("demo", "--limit", "300")
    assert again.returncode == 0
    assert "300/300 (100%)" in again.stdout
    assert json.loads(sluice("batches", "--json", "--limit", "500").stdout) == before


def test_retrying_without_failures_says_so(sluice: Sluice) -> None:
    done = sluice("retry-failed")
    assert done.returncode == 0
    assert "nothing to retry" in done.stderr


async def test_a_failure_is_retried_with_the_provider_that_was_asked_for(
    sluice: Sluice, environment: dict[str, str]
) -> None:
    lost = json.dumps({"indicator_id": "L", "name": "Bank Lending Rate", "units": "%"})
    async with open_database(Settings.load(environment)) as database:
        await open_batch(database, NewBatch("lost", "classification", 1, "embedded"))
        await register_items(database, "classification", batch_ids=["lost"], item_ids=["L"], payloads=[lost])
        await finish_items(database, "classification", [ItemOutcome("lost", "L", ItemStatus.DEAD_LETTERED, error="no")])
    done = sluice("retry-failed", "--batch", "lost", "--quiet")
    assert done.returncode == 0, done.stderr
    newest = json.loads(sluice("batches", "--json", "--limit", "1").stdout)[0]
    assert (newest["provider"], newest["total"], newest["completed"] + newest["needs_human"]) == ("embedded", 1, 1)
    assert newest["batch_id"] != "lost"


def test_what_a_person_decided_holds_when_it_is_classified_again(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines([{"indicator_id": "P", "name": "Bank Lending Rate", "units": "%"}]))
    assert sluice("classify", "a.jsonl", "--quiet").returncode == 0
    done = sluice("review", "correct", "P", "--set", "heat_map_orientation=lower-is-positive", "--force")
    assert done.returncode == 0, done.stderr
    again = sluice("classify", "a.jsonl", "--output", "o.jsonl", "--quiet")
    assert again.returncode == 0, again.stderr
    result = json.loads((tmp_path / "o.jsonl").read_text())
    assert (result["heat_map_orientation"], result["review_status"]) == ("lower-is-positive", "corrected")
