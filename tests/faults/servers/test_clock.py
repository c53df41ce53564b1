"""The wall clock of the stages jumps by hours, forwards and back, while running time goes on as it does."""

import sys
from dataclasses import replace
from pathlib import Path

from tests.contract.wall_clock import WallClock
from tests.faults.fragile import Fragile
from tests.faults.scenario import END_SECONDS, disturbed
from tests.integration.undisturbed import Undisturbed

MINUTE, HOUR = 60.0, 3600.0
LONGEST_MS = END_SECONDS * 1000


async def test_it_jumps(ground: Fragile, before: Undisturbed, tmp_path: Path) -> None:
    """Kafka refuses records that are more than an hour ahead, so the stages cannot publish at that time."""
    clock = WallClock(tmp_path / "clock")
    name = "Wall clock of the stages 50 minutes ahead, then 7 hours behind, then 5 hours ahead"
    promised = "every duration stays true; what Kafka refuses as of the future is published once the clock is right"
    command = [sys.executable, *clock.words("services.cli.main")]
    async with ground.field.pipeline.restarted(command) as pipeline:
        moved = replace(ground, field=replace(ground.field, pipeline=pipeline))
        async with disturbed(moved.field, before, name=name, promised=promised) as trouble:
            await trouble.until(0.2)
            trouble.began()
            clock.jump(50 * MINUTE)
            await trouble.until(0.4)
            clock.jump(-7 * HOUR)
            await trouble.until(0.6)
            clock.jump(5 * HOUR)
            await moved.hindered("InvalidTimestamp")
            clock.jump(0)
            trouble.ended()
        query = "SELECT processing_time_ms AS ms FROM stage_log WHERE batch_id = ANY ($1) AND stage <> 'complete'"
        took = [row["ms"] for row in await pipeline.database.fetch(query, trouble.batch_ids)]
        took += [(await pipeline.batch(batch_id)).duration_ms for batch_id in trouble.batch_ids]
        assert all(0 <= ms < LONGEST_MS for ms in took)
