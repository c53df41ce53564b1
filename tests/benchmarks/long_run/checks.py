"""What has to be true when everything is done."""

from collections.abc import Sequence
from statistics import mean
from typing import NamedTuple

from services.cli.session import classification
from shared.broker.lag import stage_lags
from shared.database import Database
from shared.settings import KafkaSettings
from tests.benchmarks.long_run.course import Sample, stage_processes, within
from tests.contract.waiting import eventually

EARLY, LATE = (0.1, 0.3), (0.8, 1.0)
"""Shares of the run's time whose memory is compared."""
MOST_GROWTH = 0.10
JUDGED_SECONDS = 300.0
"""In a shorter run the processes are still warming up in the early window."""
COMMIT_SECONDS = 60.0
RARE = {"final-review", "dead-letter"}
"""Stages that see some of the items."""

ITEMS = """
SELECT count(*) AS items, count(DISTINCT item_id) AS ids, count(*) FILTER (WHERE status <> 'pending') AS final,
       count(*) FILTER (WHERE moves = 1) AS once, count(*) FILTER (WHERE status <> 'dead_lettered') AS classified
FROM batch_items"""
BATCHES = """
SELECT count(*) AS batches, count(batch_end_time) AS ended, sum(total_indicators)::bigint AS total,
       sum(successful_indicators + needs_human_indicators + failed_indicators)::bigint AS counted
FROM batches"""
ROWS = "SELECT count(*) FROM classifications"
LOGGED = "SELECT stage, count(*) AS items FROM stage_log WHERE status = 'completed' GROUP BY 1"


class Check(NamedTuple):
    """Something counted, beside what it must be. `met` None: it cannot be judged."""

    what: str
    expected: str
    found: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """In a word or two."""
        return {True: "held", False: "BROKEN", None: f"judged from {JUDGED_SECONDS / 60:g} minutes on"}[self.met]


async def checks(count: int, database: Database, kafka: KafkaSettings, samples: Sequence[Sample]) -> list[Check]:
    """All of them."""
    lag = await _lag(kafka)
    return [*await _tables(count, database), lag, *_memory(samples)]


async def _tables(count: int, database: Database) -> list[Check]:
    items, batches = await database.fetchrow(ITEMS), await database.fetchrow(BATCHES)
    assert items and batches
    logged = {row["stage"]: row["items"] for row in await database.fetch(LOGGED)}
    stages = [stage.name for stage in classification().stages if stage.name not in RARE]
    classified = items["classified"]
    unequal = {name: logged.get(name, 0) for name in stages if logged.get(name) != classified}
    return [
        _equal("items with a final status", count, items["final"]),
        _equal("items of their own id", count, items["ids"]),
        _equal("items whose status changed once", count, items["once"]),
        _equal("items in the totals of the batches", count, batches["total"]),
        _equal("items counted as done by the batches", count, batches["counted"]),
        _equal("batches that ended", batches["batches"], batches["ended"]),
        _equal("classifications", classified, await database.fetchval(ROWS)),
        Check(
            f"log entries of each of {len(stages)} stages", f"{classified:,}", str(unequal or "as many"), not unequal
        ),
    ]


def _equal(what: str, expected: int, found: int) -> Check:
    return Check(what, f"{expected:,}", f"{found:,}", expected == found)


async def _lag(kafka: KafkaSettings) -> Check:
    """The last commits follow the last results."""

    async def caught_up() -> bool:
        return not any(stage.lag for stage in await stage_lags(kafka, classification().stages))

    await eventually(caught_up, "every stage has committed what there was to read", COMMIT_SECONDS)
    return Check("records before any stage", "0", "0", True)


def _memory(samples: Sequence[Sample]) -> list[Check]:
    """Growth of each stage process from the early window to the late one."""
    judged = samples[-1].seconds >= JUDGED_SECONDS
    early, late = (within(samples, *window) or list(samples) for window in (EARLY, LATE))
    found = []
    for name in stage_processes(samples[-1].memory_mb):
        before, after = (mean(sample.memory_mb[name] for sample in window) for window in (early, late))
        growth = after / before - 1
        figures = f"{growth:+.1%} ({before:.0f} → {after:.0f} MB)"
        what = f"memory growth, {name}"
        found.append(Check(what, f"≤ {MOST_GROWTH:.0%}", figures, growth <= MOST_GROWTH if judged else None))
    return found
