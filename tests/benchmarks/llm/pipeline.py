"""The real thing, in real time: the demo's indicators through every stage, each deciding one at a vendor's model."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from schemas.indicator import Indicator
from services.cli.session import classification
from shared.broker.producer import Publisher
from shared.database import Database
from shared.database.ledger import batches_by_id
from shared.feeding import Feeder, Submission
from shared.llm.estimate import Estimate, estimator
from shared.service.local import SLUICE, local_stack
from shared.settings import LlmSettings, Settings
from tests.benchmarks.running import state_directory
from tests.simulated_vendor import SimulatedVendor, running_simulator

RPM = 3_000
MEDIAN_SECONDS = 2.0
REQUEST = 100
POLL_SECONDS = 0.1
ERRORS = {"server_error": 0.01}
NOTHING: Mapping[str, str] = {}

Indicators = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Spending:
    """What a run took of the vendor. `by_question`: calls."""

    calls: int
    items: int
    tokens_in: int
    cached: int
    tokens_out: int
    dollars: float
    by_question: Mapping[str, int]


@dataclass(frozen=True)
class PipelineRun:
    """One file from submit to last row."""

    rows: int
    completed: int
    needs_human: int
    dead: int
    seconds: float
    ledger: Spending
    in_tables: float
    """US dollars in the tables of results, by item."""
    served: dict[str, Any]
    """What the simulator counted."""

    @property
    def limited_share(self) -> float:
        """Share of calls answered with 429."""
        return float(self.served["rate_limited"] / max(1, self.served["calls"]))

    @property
    def limit_share(self) -> float:
        """Share of the vendor's limit that was used while calls were made."""
        seconds = self.served["seconds"]
        span = seconds[-1]["at"] - seconds[0]["at"] if len(seconds) > 1 else 0
        return float(self.served["admitted"]) / span / (RPM / 60) if span else 0.0


class Bench:
    """A running pipeline with its vendor."""

    def __init__(self, vendor: SimulatedVendor, database: Database, feeder: Feeder, settings: LlmSettings) -> None:
        self.vendor = vendor
        self.database = database
        self._feeder = feeder
        self._settings = settings

    async def estimated(self, indicators: Indicators) -> Estimate:
        """What `sluice estimate` says beforehand."""
        items = [Indicator.model_validate_json(raw) for _, raw in indicators]
        return await estimator("classification")(items, self._settings, "", self.database)

    async def run(self, indicators: Indicators) -> PipelineRun:
        """Submit, and wait for the last row."""
        await self.vendor.control(reset=True)
        before = await self._spending()
        began = time.monotonic()
        ids = [await self._submit(indicators[at : at + REQUEST]) for at in range(0, len(indicators), REQUEST)]
        batches = await batches_by_id(self.database, ids)
        while not all(batch.ended_at for batch in batches):
            await asyncio.sleep(POLL_SECONDS)
            batches = await batches_by_id(self.database, ids)
        seconds = time.monotonic() - began
        return PipelineRun(
            rows=len(indicators),
            completed=sum(batch.completed for batch in batches),
            needs_human=sum(batch.needs_human for batch in batches),
            dead=sum(batch.dead_lettered for batch in batches),
            seconds=seconds,
            ledger=_less(await self._spending(), before),
            in_tables=sum(batch.cost_usd for batch in batches),
            served=await self.vendor.stats(),
        )

    async def _submit(self, items: Indicators) -> str:
        return (await self._feeder.submit(Submission(items))).batch.batch_id

    async def _spending(self) -> Spending:
        rows = await self.database.fetch(
            """SELECT question, count(*) AS calls, sum(items) AS items, sum(tokens_in) AS tokens_in,
                      sum(tokens_cached) AS cached, sum(tokens_out) AS tokens_out, sum(cost_usd)::float8 AS dollars
               FROM llm_call GROUP BY 1 ORDER BY 1"""
        )
        sums = {
            name: sum(row[name] for row in rows) for name in ("calls", "items", "tokens_in", "cached", "tokens_out")
        }
        dollars = sum(row["dollars"] for row in rows)
        return Spending(**sums, dollars=dollars, by_question={row["question"]: row["calls"] for row in rows})


@asynccontextmanager
async def bench(
    provider: str, more: Mapping[str, str] = NOTHING, *, faults: Mapping[str, float] = ERRORS
) -> AsyncIterator[Bench]:
    """A pipeline of its own, with every deciding stage at `provider`; `more` are further variables."""
    with state_directory() as folder:
        options: dict[str, Any] = {"rpm": RPM, "latency_median": MEDIAN_SECONDS, "faults": dict(faults)}
        async with running_simulator(process=True, **options) as vendor:
            variables = {
                "SLUICE_STATE_DIR": folder,
                "LOG_LEVEL": "WARNING",
                "LLM_PROVIDER": provider,
                "LLM_PROVIDER_TIME": provider,
                "SLUICE_REVIEW": "all",
                f"SLUICE_{provider.upper()}_RPM": str(RPM),
                f"SLUICE_{provider.upper()}_TPM": "4000000",
                **vendor.environment(),
                **more,
            }
            settings = Settings.load(variables)
            async with (
                local_stack(settings, classification(), SLUICE, print, stages=True) as local,
                Database(local.settings.database) as database,
                Publisher(local.settings.kafka, local.settings.kafka.partitions) as publisher,
            ):
                feeder = Feeder(classification(), database, publisher, local.settings.feed)
                yield Bench(vendor, database, feeder, local.settings.llm)


def _less(after: Spending, before: Spending) -> Spending:
    counts = {
        name: getattr(after, name) - getattr(before, name)
        for name in ("calls", "items", "tokens_in", "cached", "tokens_out", "dollars")
    }
    calls = {name: count - before.by_question.get(name, 0) for name, count in after.by_question.items()}
    return Spending(**counts, by_question={name: count for name, count in calls.items() if count})
