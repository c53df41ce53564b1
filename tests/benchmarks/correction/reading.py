"""Looking through a large folder: records a second, memory, and a manifest that does not grow with what it is about."""

import json
import tempfile
import time
from pathlib import Path

import psutil

from schemas.correction import TranscriptSource
from services.correction.discover import look_through
from services.correction.manifest import manifest
from tests.benchmarks.llm.report import Line
from tests.transcripts import messages, write_folder

TYPED = (5_000, 66_000)
"""Messages; the second makes as many records as the largest folder that was ever seen."""
GROWTH_MB = 50
LARGEST_SESSION = 20_659


async def reading() -> list[Line]:
    """Both folders, one after the other, in this process."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        sizes, memory = [], []
        for number, typed in enumerate(TYPED):
            place = Path(folder) / str(number)
            write_folder(place, messages(typed, seed=number), a_file=6_886 if number else 250)
            sizes.append(_look(place))
            memory.append(psutil.Process().memory_info().rss / 1e6)
    (records, seconds, text), _ = sizes[1], sizes[0]
    rate, grown = records / seconds, memory[1] - memory[0]
    how = f"{records:,} records, largest file {LARGEST_SESSION:,}, one core"
    return [
        Line("discovery", "≥ 5,000 records/s", f"{rate:,.0f}/s of CPU", rate >= 5_000, how),
        Line("memory of discovery", f"< {GROWTH_MB} MB more", f"{grown:.1f} MB", grown < GROWTH_MB, how),
        Line("manifest", "bounded", f"{text / 1e6:.2f} MB", text < 10_000_000, how),
    ]


def _look(place: Path) -> tuple[int, float, int]:
    began = time.process_time()
    found, _ = look_through(TranscriptSource(source_id="bench", path=str(place)))
    seconds = time.process_time() - began
    return found.lines, seconds, len(json.dumps(manifest(found, path=str(place), run_id="", assessed_at="")))
