"""`sluice llm`: status, usage, pause and resume, over real rows written by a door."""

from pathlib import Path

import pytest

from shared.database import Database
from shared.llm.admission import Budgets, Limits
from shared.llm.calls import CallOutcome
from tests.integration.llm_doors import DONE, KEY, call, closed, doors, failed, ledger, plan, set_bucket
from tests.integration.sluice_command import Sluice, runner

BUDGETS = Budgets(day_usd=2, total_usd=10, tasks={"family": 1})


@pytest.fixture
def sluice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> Sluice:
    variables = {"SLUICE_DATABASE_URL": database_url, "SLUICE_STATE_DIR": str(tmp_path / "state")}
    return runner(monkeypatch, capsys, tmp_path, variables)


async def test_status_shows_limits_health_money_and_switches(
    sluice: Sluice, database: Database, database_url: str
) -> None:
    async with doors(database_url, 1, limits=Limits(6_000, 0), budgets=BUDGETS) as (door,):
        await call(door)
        await call(door, failed(CallOutcome.RATE_LIMITED, retry_after=0.01))
        await set_bucket(database, "hold_until = now() + interval '1 hour', clean_since = now() + interval '1 hour'")
        found = (await sluice("llm", "status", "--json")).json
    (model,) = found["models"]
    assert (model["key"], model["rpm"], model["announced_rpm"], model["switch"]) == (KEY, 6_000, None, "on")
    assert (model["factor"], model["effective_rpm"]) == (0.85, pytest.approx(6_000 * 0.95 * 0.85))
    assert (model["breaker"], model["in_flight"], model["calls_today"]) == ("closed", 0, 2)
    assert model["held_until"]
    assert [(row["scope"], row["limit_usd"], row["spent_usd"]) for row in found["budgets"]] == [
        ("all", 2, 0.001),
        ("family", 1, 0.001),
        ("all", 10, 0.001),
    ]
    await sluice("llm", "pause", "openai", "--reason", "an \x1b[2J incident")
    shown = (await sluice("llm", "status")).out
    for part in (KEY, "$0.0010", "$10.0000", "6,000", "4,845", "off: an", "incident"):
        assert part in shown
    assert "\x1b" not in shown


async def test_usage_sums_up_every_attempt(sluice: Sluice, database_url: str) -> None:
    async with doors(database_url, 1) as (door,):
        for question in ("family", "family", "type"):
            await call(door, planned=plan(question))
        await call(door, failed(CallOutcome.TIMEOUT), planned=plan("type"))
    rows = (await sluice("llm", "usage", "--days", "1", "--json")).json
    assert [(row["question"], row["outcome"], row["calls"], row["items"], row["tokens_in"]) for row in rows] == [
        ("family", "ok", 2, 30, 1_600),
        ("type", "ok", 1, 15, 800),
        ("type", "timeout", 1, 15, 0),
    ]
    assert rows[0]["cost_usd"] == pytest.approx(0.002)
    assert "$0.0030" in (await sluice("llm", "usage")).out


async def test_pause_stops_calls_and_resume_allows_them(sluice: Sluice, database: Database, database_url: str) -> None:
    async with doors(database_url, 1) as (door,):
        for scope in ([], ["openai"], [KEY]):
            answer = await sluice("llm", "pause", *scope, "--reason", "too dear")
            assert answer.code == 0
            assert "paused; `sluice llm resume" in answer.out
            assert "switched off: too dear" in (await closed(door)).reason
            assert "resumed" in (await sluice("llm", "resume", *scope)).out
            await door.settle(await door.enter(plan()), DONE)
    assert len(await ledger(database)) == 3


async def test_resuming_a_part_says_that_the_whole_is_paused(sluice: Sluice) -> None:
    assert "openai is not paused" in (await sluice("llm", "resume", "openai")).out
    for scope in ([], ["openai"]):
        await sluice("llm", "pause", *scope, "--reason", "bill")
    answer = await sluice("llm", "resume", "openai")
    assert answer.out == "openai is resumed\n"
    assert answer.err == "every language model is still paused: bill\n"
    await sluice("llm", "pause", "openai", "--reason", "bill")
    assert (await sluice("llm", "resume")).out == "every language model is resumed\nopenai is resumed\n"


async def test_a_provider_that_does_not_exist_cannot_be_paused(sluice: Sluice) -> None:
    answer = await sluice("llm", "pause", "opnai", "--reason", "x")
    assert answer.code == 2
    assert "openai" in answer.err


async def test_with_nothing_there_the_listings_say_so(sluice: Sluice) -> None:
    for command in (("llm", "status"), ("llm", "usage")):
        assert ": none" in (await sluice(*command)).out
        assert (await sluice(*command, "--json")).code == 0
        assert "Example" in (await sluice(*command, "--help")).out
