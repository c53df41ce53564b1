"""Every query of the boards and every rule, asked of a real Prometheus and a database that a real run has filled."""

import math
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.monitoring.boards import Target, all_targets, rules
from tests.monitoring.live_run import LiveRun, live_run, worked
from tests.open_directory import open_directory

EMPTY = {
    "sluice-llm: Budgets passed ({{scope}} passed 80 %)": "no budget comes near its end in this run",
}
"""Queries that find nothing in a run like this, and why."""


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """State of servers of its own, open to the database's user."""
    with open_directory("monitored") as path:
        yield path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def run(directory: Path) -> AsyncIterator[LiveRun]:
    """The run, done and scraped."""
    async with live_run(directory) as run:
        yield await worked(run)


@pytest.mark.parametrize("target", [one for one in all_targets() if one.expression], ids=str)
async def test_a_panel_has_data(run: LiveRun, target: Target) -> None:
    series = await run.series(target)
    values = [float(value) for one in series for _, value in one["values"]]
    assert any(map(math.isfinite, values)) != (str(target) in EMPTY)


@pytest.mark.parametrize("target", [one for one in all_targets() if one.sql], ids=str)
async def test_a_table_has_rows(run: LiveRun, target: Target) -> None:
    rows = await run.rows(target)
    assert rows
    assert any(value is not None for value in rows[0].values())


async def test_rules_are_evaluated_without_an_error(run: LiveRun) -> None:
    groups = (await run.prometheus.ask("rules"))["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in loaded} == {rule.get("alert") or rule["record"] for rule in rules()}
    assert [(rule["name"], rule.get("lastError")) for rule in loaded if rule["health"] != "ok"] == []


@pytest.mark.parametrize("rule", [one for one in rules() if "record" in one], ids=lambda rule: rule["record"])
async def test_a_recording_has_data(run: LiveRun, rule: dict[str, str]) -> None:
    assert await run.now(rule["record"])
    assert await run.now(rule["expr"])


@pytest.mark.parametrize("rule", [one for one in rules() if "alert" in one], ids=lambda rule: rule["alert"])
async def test_an_alert_can_be_asked(run: LiveRun, rule: dict[str, str]) -> None:
    await run.now(rule["expr"])


async def test_exemplars_lead_to_traces(run: LiveRun) -> None:
    end = run.started + 3600
    for name in ("batch_duration_seconds", "batch_throughput_records_per_second"):
        found = await run.prometheus.exemplars(f"sluice_stage_{name}_bucket", run.started, end)
        assert found
        assert all(re.fullmatch("[0-9a-f]{32}", labels["trace_id"]) for labels in found)


async def test_metrics_are_served_as_text_too(run: LiveRun) -> None:
    address = run.asked.pipeline.stages.children[0].address
    async with httpx.AsyncClient() as client:
        text = await client.get(f"{address}/metrics")
        open_metrics = await client.get(
            f"{address}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
        )
    assert text.headers["content-type"].startswith("text/plain")
    assert "trace_id" not in text.text
    assert "_created" not in text.text
    assert open_metrics.headers["content-type"].startswith("application/openmetrics-text")
    assert "trace_id" in open_metrics.text
