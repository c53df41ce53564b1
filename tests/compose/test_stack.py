"""The stack of docker-compose.yml, as it is after `docker compose up --build --wait`."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deployment.declared import stages
from deployment.kubernetes import resource_name
from tests.compose.docker import ROOT
from tests.compose.stack import Stack
from tests.contract.waiting import eventually

COUNT = 300
USER = 10001
API, PROMETHEUS = "http://127.0.0.1:8000", "http://127.0.0.1:9090"
FIRST = {"postgres": "migrate", "kafka": "topics"}
"""Server → who prepares it for everybody else."""
STAGES = {resource_name(stage): stage for stage in stages()}
NAMES = {stage.name for stage in STAGES.values()}
OURS = [*STAGES, "api"]
LOOK_AROUND = """
echo "$(id -u) $(id -g)"
grep -E 'CapBnd|NoNewPrivs' /proc/self/status
for place in /var/tmp /tmp; do touch $place/written 2>/dev/null && echo $place; done
"""
"""Both places are open to everybody, but for a root that is mounted read-only."""
RUNNING = 'sluice_stage_state{state="running"} == 1'
UNTIL_SCRAPED = 120.0
"""Seconds; a scrape is each 15."""


@pytest.fixture(scope="module")
def classified(stack: Stack) -> Any:
    """The summary of a run whose indicators came from a file on this machine."""
    lines = (ROOT / "tests" / "data" / "indicators.jsonl").read_text().splitlines()[:COUNT]
    (stack.folder / "indicators.jsonl").write_text("\n".join(lines))
    return stack.sluice("classify", "indicators.jsonl", "--output", "results.jsonl", "--json")


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    with httpx.Client(base_url=API, timeout=30) as client:
        yield client


def results(api: httpx.Client) -> int:
    """How many the API shows, over all batches."""
    batches = api.get("/batches", params={"limit": COUNT}).json()["batches"]
    pages = [api.get(f"/batches/{batch['batch_id']}/results", params={"limit": COUNT}).json() for batch in batches]
    return sum(len(page["results"]) for page in pages)


def test_each_starts_when_what_it_needs_is_there(stack: Stack) -> None:
    state = {name: one["State"] for name, one in stack.containers().items()}
    for server, preparing in FIRST.items():
        assert state[server]["Health"]["Status"] == "healthy"
        assert state[server]["StartedAt"] < state[preparing]["StartedAt"]
        assert (state[preparing]["Status"], state[preparing]["ExitCode"]) == ("exited", 0)
        for name in OURS:
            assert state[preparing]["FinishedAt"] < state[name]["StartedAt"], name
    assert {state[name]["Health"]["Status"] for name in OURS} == {"healthy"}
    assert {one["RestartCount"] for one in stack.containers().values()} == {0}, "nobody came too early"


@pytest.mark.parametrize("name", OURS)
def test_ours_has_no_root_no_rights_and_a_root_file_system_to_read(stack: Stack, name: str) -> None:
    seen = stack.compose("exec", "-T", name, "sh", "-c", LOOK_AROUND)
    assert seen.splitlines() == [f"{USER} {USER}", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "/tmp"]


def test_a_machine_can_read_every_line_they_log(stack: Stack) -> None:
    for name in OURS:
        lines = stack.log(name)
        assert lines, name
        assert all(json.loads(line)["event"] for line in lines), name


def test_indicators_are_classified_from_this_machine(stack: Stack, classified: Any) -> None:
    assert classified["indicators"] == COUNT
    assert set(classified["by_status"]) == {"completed", "needs_human"}
    assert len((stack.folder / "results.jsonl").read_text().splitlines()) == COUNT


def test_the_api_answers_with_them(api: httpx.Client, classified: Any) -> None:
    assert api.get("/health/ready").json()["checks"] == {"database": "ok", "broker": "ok"}
    assert results(api) == classified["indicators"]


async def test_prometheus_scrapes_every_process(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=PROMETHEUS, timeout=30) as client:

        async def ask(path: str, **parameters: str) -> Any:
            return (await client.get(f"/api/v1/{path}", params=parameters)).json()["data"]

        async def all_up() -> bool:
            targets = (await ask("targets", state="active"))["activeTargets"]
            return [target["health"] for target in targets] == ["up"] * len(OURS)

        async def all_run() -> bool:
            return {one["metric"]["stage"] for one in (await ask("query", query=RUNNING))["result"]} == NAMES

        await eventually(all_up, "every stage and the API are scraped", UNTIL_SCRAPED)
        await eventually(all_run, "each is another stage, and runs", UNTIL_SCRAPED)
        rules = [rule for group in (await ask("rules"))["groups"] for rule in group["rules"]]
    assert rules
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}


def test_results_outlive_the_containers(stack: Stack, api: httpx.Client, classified: Any) -> None:
    stack.compose("stop")
    assert {name: stack.containers()[name]["State"]["ExitCode"] for name in OURS} == dict.fromkeys(OURS, 0)
    stack.compose("down")
    stack.up()
    assert results(api) == classified["indicators"]
