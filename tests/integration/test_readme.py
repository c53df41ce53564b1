"""The README's commands, run as a newcomer would, against servers and ports of this test's own."""

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from services.cli.main import sluice
from shared.embedded.process import free_port
from shared.settings import Settings, describe
from tests.contract.waiting import eventually
from tests.integration.own_broker import OwnBroker, own_broker
from tests.kafka.backend import BACKEND_VARIABLE, broker_variables
from tests.simulated_vendor import running_simulator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DEADLINE = 120


def commands(language: str = "sh") -> list[str]:
    """Every command line of the README's code blocks, continuation lines joined."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split("   #")[0].strip() for line in lines if line.strip()]


@pytest.fixture(scope="module")
def environment(state_directory: Path) -> dict[str, str]:
    """A shell with Sluice on its path and a state directory that nobody else uses."""
    own = state_directory / "readme"
    own.mkdir(mode=0o755)
    bin_directory = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{bin_directory}:{os.environ['PATH']}",
        "SLUICE_STATE_DIR": str(own),
        "SLUICE_API_PORT": str(free_port()),
    }


def run(command: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one command line in a shell and return what it printed."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def test_every_sluice_command_of_the_readme_exists() -> None:
    context = sluice.make_context("sluice", [], resilient_parsing=True)
    named = {shlex.split(line)[1] for line in commands() if line.startswith("sluice ")}
    named |= set(re.findall(r"`sluice ([a-z-]+)", README))
    assert named <= set(sluice.list_commands(context)), "the README names commands that do not exist"


def test_every_variable_of_the_readme_is_a_setting() -> None:
    known = {row.variable for row in describe(Settings.load({}))} | {BACKEND_VARIABLE}
    assert set(re.findall(r"SLUICE_[A-Z_]+", README)) <= known


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {line.split()[1] for line in commands() if line.startswith("make ")} <= targets


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_classifying_your_own(environment: dict[str, str], tmp_path: Path) -> None:
    rows = (
        "indicator_id;name;units\nBOT:AW;Balance of Trade;AWG Million\n;nameless;\nCPI:AW;Consumer Price Index;points\n"
    )
    (tmp_path / "indicators.csv").write_text(rows)
    (command,) = [line for line in commands() if line.startswith("sluice classify indicators.csv") and "--rej" in line]
    done = run(command, environment, tmp_path)
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "results.parquet").exists()
    (rejected,) = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert rejected["row_number"] == 3
    again = run("sluice results --json", environment, tmp_path)
    assert {"BOT:AW", "CPI:AW"} <= set(re.findall(r"(?:BOT|CPI):AW", again.stdout)), again.stdout


async def test_letting_a_language_model_decide(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "indicators.csv").write_text("indicator_id,name,units\nBOT:AW,Balance of Trade,AWG Million\n")
    section = README.partition("## Let a language model decide")[2].partition("\n## ")[0]
    told = [line.split("   #")[0].strip() for line in section.partition("```sh\n")[2].partition("```")[0].splitlines()]
    async with running_simulator(latency_mean=0.05) as vendor:
        variables = environment | vendor.environment()
        for command in (line for line in told if line.startswith("sluice ")):
            done = await asyncio.to_thread(run, command, variables, tmp_path)
            assert done.returncode == 0, (command, done.stderr)
            if "--output" in command:
                assert (tmp_path / "out.parquet").exists()
                assert "model calls" in done.stderr, done.stderr
        assert (await vendor.stats())["items"] >= 2, "family and type were asked"


@pytest.fixture
def up(environment: dict[str, str]) -> Iterator[str]:
    """`sluice up`, running; its address. Ctrl-C ends it, cleanly."""
    with subprocess.Popen(
        ["sluice", "up"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("running"):
                break
        else:
            pytest.fail(f"sluice up ended: {''.join(said)}")
        yield f"http://127.0.0.1:{environment['SLUICE_API_PORT']}"
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(DEADLINE) == 0, rest


async def test_keeping_it_running(up: str, environment: dict[str, str], tmp_path: Path) -> None:
    curls = [
        line.replace("localhost:8000", up.removeprefix("http://")) for line in commands() if line.startswith("curl")
    ]
    accepted = json.loads(run(curls[0], environment, tmp_path).stdout)
    batch_id = accepted["batch_id"]
    assert batch_id in run(curls[1], environment, tmp_path).stdout
    events = run(curls[2].replace("BATCH_ID", batch_id), environment, tmp_path).stdout
    assert "event: completed" in events
    async with httpx.AsyncClient(base_url=up) as client:

        async def finished() -> bool:
            return bool((await client.get(f"/batches/{batch_id}")).json()["completed"] == 1)

        await eventually(finished, "the batch of the README is finished")
        (row,) = (await client.get(f"/batches/{batch_id}/results")).json()["results"]
    assert (row["family"], row["indicator_type"]) == ("physical-fundamental", "balance")
    lag = run("sluice lag --json", environment, tmp_path)
    assert lag.returncode == 0, lag.stderr


def test_trying_finishing_and_retrying(up: str, environment: dict[str, str], tmp_path: Path) -> None:
    rows = [{"indicator_id": f"I{number}", "name": f"Exports {number % 7}", "units": "%"} for number in range(120)]
    (tmp_path / "big.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    names = ("sluice classify big.jsonl", "sluice resume", "sluice retry-failed")
    wanted = [line for line in commands() if line.startswith(names)]
    assert len(wanted) == 4
    for command in wanted:
        done = run(command, environment, tmp_path)
        assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest_asyncio.fixture(loop_scope="session")
async def bare(new_broker: object) -> AsyncIterator[OwnBroker]:
    """A broker that nobody else has made topics on."""
    async with own_broker() as ours:
        yield ours


async def test_running_it_for_real(bare: OwnBroker, empty_database_url: str, tmp_path: Path) -> None:
    port = free_port()
    own = {
        **broker_variables(str(bare[0].bootstrap_servers)),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SLUICE_KAFKA_SESSION_TIMEOUT_MS": "4000",
        "SLUICE_DATABASE_URL": empty_database_url,
    }
    (setup,) = [line for line in commands() if line.startswith("sluice migrate")]
    done = run(setup, own, tmp_path)
    assert done.returncode == 0, done.stderr
    (stage,) = [line for line in commands() if line.startswith("sluice run")]
    command = shlex.split(stage.replace("8081", str(port)))
    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env={**os.environ, **own})
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/health/ready")).status_code == httpx.codes.OK
                except httpx.ConnectError:
                    return False

            await eventually(ready, "the stage is ready", DEADLINE)
            assert "sluice_stage_state" in (await client.get("/metrics")).text
            assert (await client.get("/health/live")).status_code == httpx.codes.OK
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


def test_no_output_is_missing() -> None:
    assert "<!--" not in README
