"""`python -m tests.otlp PNG`: classify one indicator with everything running, print its trace and draw it."""

import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.otlp.traced import traced
from tests.otlp.waterfall import as_text, draw

INDICATOR = {"indicator_id": "BOT:AW", "name": "Balance of Trade", "units": "AWG Million", "periodicity": "Monthly"}


async def main(picture: Path, directory: Path) -> None:
    """Run it. A first indicator warms everything up."""
    async with traced(directory) as running:
        await running.classify(_context(secrets.token_hex(16)), INDICATOR | {"indicator_id": "first", "name": "GDP"})
        trace_id = secrets.token_hex(16)
        await running.classify(_context(trace_id), INDICATOR)
        spans = await running.whole(trace_id)
    print(as_text(spans))
    draw(spans, picture)


def _context(trace_id: str) -> str:
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="sluice-traced-") as folder:
        Path(folder).chmod(0o755)
        asyncio.run(main(Path(sys.argv[1]), Path(folder)))
