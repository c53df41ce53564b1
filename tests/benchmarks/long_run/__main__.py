"""`make long-run`: a million indicators through every stage on Apache Kafka, in a row, and what must hold afterwards.

Exit code 0: everything held. 1: something did not. 130: interrupted; the samples taken until then are written.
"""

import argparse
import asyncio
import shutil
import sys
from functools import partial
from pathlib import Path

from services.cli.session import classification
from shared.broker.producer import Publisher
from shared.database import Database
from shared.feeding import Feeder
from shared.settings import DatabaseSettings, Settings
from tests.benchmarks.long_run.checks import checks
from tests.benchmarks.long_run.course import Course
from tests.benchmarks.long_run.load import indicators
from tests.benchmarks.long_run.report import figures, markdown, publish, write_samples
from tests.benchmarks.running import running_pipeline, state_directory
from tests.kafka.backend import require

WAITING = 20_000
DISK_BYTES = 40_000
"""An indicator's share of Kafka's log and of the database, with room to spare."""
EVERY_SECONDS = 0.5, 5.0
SAMPLES = 200_000
CHECK_SECONDS = 900.0
SIZE = "SELECT pg_database_size(current_database())"


def main() -> int:
    """Run it, print it, and write what it leaves behind."""
    parser = argparse.ArgumentParser(prog="make long-run", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="indicators")
    parser.add_argument("--into", type=Path, default=Path("docs"), help="folder for picture and samples")
    arguments = parser.parse_args()
    least, most = EVERY_SECONDS
    course = Course(arguments.count, WAITING, every=min(max(arguments.count / SAMPLES, least), most))
    try:
        with state_directory() as folder:
            _insist_on_disk(course.count, folder)
            return asyncio.run(_run(course, Path(folder), arguments.into))
    except KeyboardInterrupt:
        print(f"interrupted when {course.done:,} of {course.count:,} indicators were done")
        return 130
    finally:
        if course.samples:
            write_samples(course.samples, arguments.into)


def _insist_on_disk(count: int, folder: str) -> None:
    needed, free = count * DISK_BYTES / 1e9, shutil.disk_usage(folder).free / 1e9
    if free < needed:
        raise SystemExit(f"{needed:.0f} GB are needed and {free:.0f} are free at {folder}; set TMPDIR to another place")


async def _run(course: Course, folder: Path, into: Path) -> int:
    print(f"{course.count:,} indicators on {require()}; a sample every {course.every:g} s")
    async with (
        running_pipeline(Settings.load({"SLUICE_STATE_DIR": str(folder)}), print) as local,
        Database(_patient(local.settings.database)) as database,
        Publisher(local.settings.kafka, local.settings.kafka.partitions) as publisher,
    ):
        feeder = Feeder(classification(), database, publisher, local.settings.feed)
        await course.run(indicators(course.count), feeder, database, local, partial(print, flush=True))
        found = await checks(course.count, database, local.settings.kafka, course.samples)
        disk = {"Kafka": _used(folder / "kafka"), "database": await database.fetchval(SIZE) / 1e9}
    tables = markdown(figures(course, disk), found)
    print(tables)
    publish(course, tables, into)
    return int(any(check.met is False for check in found))


def _patient(settings: DatabaseSettings) -> DatabaseSettings:
    """Counting a million takes longer than any statement of Sluice may."""
    return settings.model_copy(update={"statement_timeout_seconds": CHECK_SECONDS})


def _used(folder: Path) -> float:
    """GB on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*")) / 1e9


if __name__ == "__main__":
    sys.exit(main())
