"""`python -m tests.benchmarks.dedupe`: what deduplication in stages takes, beside its targets and a run in one process.

Both runs get the same file, and have to make the same bytes. The time of a stage is from the announcement of its shards
to the end of the last one.
"""

import argparse
import asyncio
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from services.deduplication.inputs.columns import map_columns
from services.deduplication.inputs.given import Given
from services.deduplication.inputs.reading import slices
from services.deduplication.pipeline import DEDUPE
from services.deduplication.rules import Rules
from services.deduplication.runs.in_process import RESULTS, deduplicate
from services.deduplication.runs.preparing import Source, Wanted, usual_shards
from services.deduplication.runs.results import Made
from services.deduplication.runs.session import Session
from services.deduplication.runs.shards import place_of
from services.deduplication.runs.starting import Decided, start
from services.deduplication.runs.storage import Storage, as_parquet
from services.deduplication.runs.store import StageState, Status, find, outputs_by_shard, stages_of
from services.deduplication.runs.summary import seconds_of
from shared.broker.producer import Publisher
from shared.database import Database
from shared.settings import Settings
from tests.benchmarks.dedupe_adding import Spent, add_one_by_one, shown
from tests.benchmarks.running import processes, record_service_times, running_pipeline, state_directory
from tests.companies import HEADERS, Companies, write_csv
from tests.kafka.backend import require

MEGABYTE = 1024 * 1024
WARM_UP_ROWS = 2_000


@dataclass(frozen=True)
class Targets:
    """What is promised for two otherwise idle cores, up to so many rows."""

    rows: int
    seconds: float
    cpu_seconds: float | None
    peak_mb: float


TARGETS = (Targets(100_000, 12, 15, 1_000), Targets(200_000, 25, None, 1_000), Targets(1_000_000, 120, 150, 2_500))
OVERHEAD_SECONDS, OVERHEAD_SHARE = 5.0, 0.2

STEP_TARGETS = {
    "candidates and scores": (("keys", "pairs", "score"), 5.0, 17.8),
    "groups": (("group",), 1.0, 32.3),
    "survivors and previews": (("survivorship",), 4.0, 360.2),
    "aliases": (("alias",), 2.0, 6.19),
    "dispositions": (("disposition",), 1.0, 312.0),
    "statistics": (("statistics",), 0.5, 270.0),
}
"""Stages, the seconds promised for 94,152 rows, and those that the batch programme took which Sluice replaces."""


@dataclass
class Taken:
    """What a run has taken. By role: CPU seconds of all its processes, and the most memory of any one of them."""

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


def main() -> None:
    """Run both and print them."""
    parser = argparse.ArgumentParser(prog="make bench-dedupe", description=__doc__)
    parser.add_argument("--rows", type=int, default=94_152)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--input", type=Path, help="take this file instead of a generated one")
    parser.add_argument("--shards", type=int)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--record", action="store_true", help="keep the stages' times for the autoscaler's settings")
    arguments = parser.parse_args()
    with state_directory() as folder:
        path = arguments.input or _generated(arguments.rows, arguments.seed, Path(folder) / "companies.csv")
        warm = _generated(WARM_UP_ROWS, arguments.seed + 1, Path(folder) / "warm.csv")
        alone = _in_another_process(path)
        variables = {"SLUICE_STATE_DIR": folder, "LOG_LEVEL": "WARNING", "SLUICE_WORKER_PROCESSES": "1"}
        if arguments.workers:
            variables["SLUICE_DEDUPE_WORKERS"] = str(arguments.workers)
        rows, staged, stages, adding = asyncio.run(_staged(Settings.load(variables), path, warm, arguments.shards))
    console, targets = Console(width=120), next((one for one in TARGETS if rows <= one.rows), TARGETS[-1])
    shards = arguments.shards or usual_shards(rows)
    console.print(f"{rows:,} rows, {shards} shards a stage, on {require()}; profile balanced")
    console.print(_totals(staged, alone, targets))
    console.print(_by_stage(stages, alone))
    if targets is TARGETS[0]:
        console.print(_beside_targets(stages))
    console.print(_by_role(staged))
    console.print(shown(adding, rows))
    if arguments.record:
        worked = [state for state in stages if state.plan.needs]
        cost = {f"dedupe.{one.plan.stage}": round(1000 * one.cpu_seconds / one.plan.shards, 1) for one in worked}
        record_service_times(cost)
    same = [name for name in RESULTS if staged.digests[name] == alone.digests[name]]
    console.print(f"the same bytes as in one process: {', '.join(same) or 'none'}")
    if len(same) < len(RESULTS):
        sys.exit(1)


def _generated(rows: int, seed: int, into: Path) -> Path:
    write_csv(into, HEADERS, (row.cells for row in Companies(seed).rows(rows)))
    return into


def _in_another_process(path: Path) -> Taken:
    """The run in one process, in a process of its own so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_alone, (path,))


def _alone(path: Path) -> Taken:
    source, taken = Source.of(path), Taken()
    mapping = map_columns(source.table, source.name)
    began, cpu = time.perf_counter(), time.process_time()
    made = deduplicate(Given(slices(source.table), mapping), Rules(), observe=taken.steps.__setitem__)
    taken.seconds = time.perf_counter() - began
    taken.cpu["one process"] = time.process_time() - cpu
    taken.peak_mb["one process"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    taken.digests = {name: sha256(as_parquet(made[name])).hexdigest() for name in RESULTS}
    return taken


async def _staged(
    settings: Settings, path: Path, warm: Path, shards: int | None
) -> tuple[int, Taken, Sequence[StageState], Sequence[Spent]]:
    """The same run in stages, from its first message to its end; everything has been warm for a small run before. Then
    records are added to it."""
    async with (
        running_pipeline(settings, pipeline=DEDUPE) as local,
        Database(local.settings.database) as database,
        Publisher(local.settings.kafka, local.settings.kafka.partitions) as publisher,
    ):
        storage = Storage(place_of(local.settings))
        opened = Session(local, database, storage, publisher, print)
        await _run(opened, Source.of(warm), shards)
        source, taken = Source.of(path), Taken()
        before = _cpu(opened)
        run_id = await _run(opened, source, shards)
        taken.peak_mb = _peak_mb(opened)
        taken.cpu = {role: used - before.get(role, 0.0) for role, used in _cpu(opened).items()}
        run = await find(database, run_id)
        assert run.ended_at
        taken.seconds = (run.ended_at - run.started_at).total_seconds()
        made = Made(storage, await outputs_by_shard(database, run_id))
        taken.digests = {name: sha256(as_parquet(made.table(name))).hexdigest() for name in RESULTS}
        adding = await add_one_by_one(database, storage, run)
        return source.table.num_rows, taken, await stages_of(database, run_id), adding


async def _run(opened: Session, source: Source, shards: int | None) -> str:
    wanted = Wanted(Rules(), {}, shards, "test")
    run_id = await start(opened.database, opened.storage, source, wanted, Decided())
    await opened.announce()
    run = await opened.follow(run_id, lambda _: None, asyncio.Event())
    assert run.status is Status.COMPLETE, run.error
    return run_id


def _cpu(opened: Session) -> dict[str, float]:
    used: dict[str, float] = {}
    for role, process in _processes(opened):
        with suppress(psutil.NoSuchProcess):  # a database's processes come and go
            used[role] = used.get(role, 0.0) + sum(process.cpu_times()[:2])
    return used


def _peak_mb(opened: Session) -> dict[str, float]:
    """The most memory that any one process of a role has ever had, as the kernel remembers it."""
    peaks: dict[str, float] = {}
    for role, process in _processes(opened):
        with suppress(OSError):
            status = Path(f"/proc/{process.pid}/status").read_text()
            kilobytes = int(status.partition("VmHWM:")[2].split()[0])
            peaks[role] = max(peaks.get(role, 0.0), kilobytes / 1024)
    return peaks


def _processes(opened: Session) -> Iterator[tuple[str, psutil.Process]]:
    """Every process that has to do with the run: ours, the servers, the stages, and what works for these."""
    yield "client", psutil.Process()
    yield from processes(opened.local)
    for child in opened.local.supervisor.children if opened.local.supervisor else ():
        if child.process:
            for below in psutil.Process(child.process.pid).children(recursive=True):
                yield "workers", below


def _totals(staged: Taken, alone: Taken, targets: Targets) -> Table:
    shown = Table("", "in stages", "in one process", "target", title="Deduplication", title_justify="left")
    peak = max(peak for role, peak in staged.peak_mb.items() if role != "client")
    overhead = staged.seconds - alone.seconds
    allowed = OVERHEAD_SHARE * alone.seconds if targets is TARGETS[-1] else OVERHEAD_SECONDS
    shown.add_row("wall, first message to run.completed, s", *_figures(staged.seconds, alone.seconds, targets.seconds))
    cpu = sum(staged.cpu.values()), sum(alone.cpu.values())
    shown.add_row("CPU, all processes, s", *_figures(*cpu, targets.cpu_seconds))
    shown.add_row("peak memory of any one process, MB", *_figures(peak, *alone.peak_mb.values(), targets.peak_mb))
    shown.add_row("streaming over one process, s", f"{overhead:.2f}", "", f"{allowed:.2f}")
    return shown


def _figures(*values: float | None) -> Sequence[str]:
    return ["" if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}" for value in values]


def _by_stage(stages: Sequence[StageState], alone: Taken) -> Table:
    columns = ("stage", "shards", "rows out", "wall s", "worker CPU s", "peak MB", "in one process s")
    shown = Table(*columns, title="By stage", title_justify="left")
    for state in stages:
        if state.plan.needs:
            peak, name = state.peak_bytes / MEGABYTE, state.plan.stage
            times = _figures(seconds_of(state) or 0.0, state.cpu_seconds, peak, alone.steps[name])
            shown.add_row(name, str(state.plan.shards), f"{state.rows:,}", *times)
    return shown


def _beside_targets(stages: Sequence[StageState]) -> Table:
    shown = Table("step", "wall s", "target", "replaced", title="Steps beside their targets", title_justify="left")
    taken = {state.plan.stage: seconds_of(state) or 0.0 for state in stages}
    for step, (names, target, replaced) in STEP_TARGETS.items():
        shown.add_row(step, *_figures(sum(taken[name] for name in names), target, replaced))
    return shown


def _by_role(staged: Taken) -> Table:
    shown = Table("process", "CPU s", "most memory of one, MB", title="By process", title_justify="left")
    for role, used in sorted(staged.cpu.items(), key=lambda item: -item[1]):
        shown.add_row(role.partition(" ")[0], *_figures(used, staged.peak_mb.get(role, 0.0)))
    return shown


if __name__ == "__main__":
    main()
