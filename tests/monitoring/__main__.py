"""`make dashboards`: runs the pipeline under a real Prometheus for a while and draws every board."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from tests.integration.asked_pipeline import labelled
from tests.monitoring.boards import ROOT, boards
from tests.monitoring.drawing import draw
from tests.monitoring.live_run import LiveRun, live_run

PICTURES = ROOT / "docs" / "images"
FIRST = "sluice-pipeline"
"""Its numbers of this moment shall be of a moment in which something flows."""
ROUND = 80
ROUNDS = 10
PAUSE_SECONDS = 4


async def main(directory: Path) -> None:
    """Work in rounds, so that there is something to see over time."""
    async with live_run(directory) as run:
        for number in range(ROUNDS):
            await asyncio.sleep(PAUSE_SECONDS)  # traffic comes and goes
            await _round(run, number)
        await run.decisions()
        await run.scraped()
        PICTURES.mkdir(exist_ok=True)
        for board in sorted(boards(), key=lambda board: board["uid"] != FIRST):
            await draw(run, board, PICTURES / f"{board['uid']}.png")


async def _round(run: LiveRun, number: int) -> None:
    rows, _ = labelled(number * ROUND, (number + 1) * ROUND)
    again = [row | {"indicator_id": f"{row['indicator_id']}:api-{number}"} for row in rows[:20]]
    await asyncio.gather(run.work(rows), run.over_http(again))


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp(prefix="sluice-drawn-"))
    folder.chmod(0o755)
    try:
        asyncio.run(main(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
