"""What is estimated before a run, held against the ledger after it. A simulated vendor and a real database."""

from collections.abc import Sequence

import pytest

from schemas.indicator import Indicator
from services.classification.estimating import estimate
from services.classification.evaluation_by_provider import ask_about
from services.classification.model.dataset import LabelledRow, read_labelled
from shared.database import Database
from shared.llm.estimate import Estimate
from shared.service.models import make_gateway
from shared.settings import Settings
from tests.simulated_vendor import SimulatedVendor, running_simulator

UNLIMITED = {f"SLUICE_{vendor}_{limit}": "0" for vendor in ("OPENAI", "ANTHROPIC") for limit in ("RPM", "TPM")}
SPENT = "SELECT sum(cost_usd)::float8 FROM llm_call"


def settings_for(vendor: SimulatedVendor) -> Settings:
    return Settings.load({**vendor.environment(), **UNLIMITED, "SLUICE_LLM_LINGER_MS": "5"})


def indicators(first: int, last: int) -> list[Indicator]:
    return [Indicator.model_validate(row.record) for row in read_labelled()[first:last]]


async def classify(settings: Settings, database: Database, rows: Sequence[LabelledRow], wish: str) -> None:
    """Run the deciding stages in memory, with the gateway of a stage process."""
    async with make_gateway(settings, database, ()) as gateway:
        await ask_about(rows, wish, settings.llm, gateway, database, print)


@pytest.mark.parametrize(("wish", "size"), [("openai", 600), ("anthropic", 400), ("cascade:openai", 1500)])
async def test_it_is_within_a_tenth_of_what_the_run_costs(database: Database, wish: str, size: int) -> None:
    async with running_simulator(latency_mean=0.001, rpm=0, tpm=0) as vendor:
        settings = settings_for(vendor)
        rows = read_labelled()
        first, second = indicators(0, size), indicators(size, 2 * size)

        before = await estimate(first, settings.llm, wish, database)
        await classify(settings, database, rows[:size], wish)
        spent = await database.fetchval(SPENT)
        assert before.cost_usd == pytest.approx(spent, rel=0.1)
        assert not any(stage.measured for stage in before.stages)

        corrected = await estimate(second, settings.llm, wish, database)
        await classify(settings, database, rows[size : 2 * size], wish)
        assert corrected.cost_usd == pytest.approx(await database.fetchval(SPENT) - spent, rel=0.1)
        assert any(stage.measured for stage in corrected.stages)

        again = await estimate([*first, *second], settings.llm, wish, database)
        assert (again.calls, again.cost_usd, again.tokens_in) == (0, 0.0, 0)
        assert all(stage.cached == stage.distinct for stage in again.stages)


def by_question(found: Estimate) -> dict[str, tuple[int, int, int]]:
    return {stage.question: (stage.items, stage.distinct, stage.calls) for stage in found.stages}


async def test_equal_questions_are_counted_once_unless_they_are_asked_twice() -> None:
    one = indicators(0, 1)[0]
    items = [one.model_copy(update={"indicator_id": str(number)}) for number in range(40)]
    shared = Settings.load({"OPENAI_API_KEY": "sk-planted"}).llm
    found = await estimate(items, shared, "openai", None)
    assert by_question(found)["family"] == (40, 1, 1)
    assert not found.cache_looked_at
    alone = Settings.load({"OPENAI_API_KEY": "sk-planted", "SLUICE_LLM_COALESCE": "false"}).llm
    assert by_question(await estimate(items, alone, "openai", None))["family"] == (40, 40, 3)


async def test_the_embedded_model_costs_nothing() -> None:
    found = await estimate(indicators(0, 20), Settings.load({"OPENAI_API_KEY": "sk-planted"}).llm, "embedded", None)
    assert (found.indicators, found.stages, found.cost_usd, found.seconds) == (20, (), 0, 0)


async def test_the_tighter_limit_gives_the_time() -> None:
    items = indicators(0, 300)

    async def seconds(**limits: str) -> float:
        settings = Settings.load({"OPENAI_API_KEY": "sk-planted", "SLUICE_OPENAI_TPM": "0", **limits}).llm
        return (await estimate(items, settings, "openai", None)).seconds

    free = await seconds(SLUICE_OPENAI_RPM="0")
    assert await seconds(SLUICE_OPENAI_RPM="6000") == free
    assert await seconds(SLUICE_OPENAI_RPM="10") > 100 > free
    assert await seconds(SLUICE_OPENAI_RPM="0", SLUICE_LLM_CONCURRENCY="1") > free
