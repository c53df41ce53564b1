"""`python -m tests.benchmarks`: what Sluice costs, beside its budgets and beside its peers in the same run."""

import argparse
import asyncio

from rich.console import Console
from rich.table import Table

from shared.settings import Settings
from tests.benchmarks.end_to_end import Outcome, load, measure
from tests.benchmarks.hop import Cost, measure_hops
from tests.benchmarks.running import record_service_times, state_directory
from tests.kafka.backend import require

BUDGET_SECONDS, STRETCH_SECONDS = 25.0, 8.0
BUDGET_CPU_MS, STRETCH_CPU_MS = 2.0, 1.0
BUDGET_HOP_US, STRETCH_HOP_US = 50.0, 35.0
BUDGET_MEMORY_MB, STRETCH_MEMORY_MB = 250, 150
ONE_EACH = 12


def main() -> None:
    """Run what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--limit", type=int, default=10_000, help="indicators of the end-to-end run")
    parser.add_argument("--only", choices=["hop", "end-to-end", "stages"], help="just this part")
    parser.add_argument("--record", action="store_true", help="keep the stages' times for the autoscaler's settings")
    arguments = parser.parse_args()
    console = Console()
    with state_directory() as folder:
        variables = {"SLUICE_STATE_DIR": folder, "LOG_LEVEL": "WARNING"}
        if arguments.only in {None, "hop"}:
            # Postgres is not needed for a hop; a configured address keeps it from starting.
            hop = Settings.load({**variables, "SLUICE_DATABASE_URL": "postgresql://unused"})
            console.print(hop_table(asyncio.run(measure_hops(hop))))
        if arguments.only in {None, "end-to-end"}:
            outcome = asyncio.run(measure(Settings.load(variables), load(arguments.limit)))
            console.print(end_to_end_table(outcome))
            console.print(share_table("CPU by process", outcome))
        if arguments.only in {None, "stages"}:
            alone = Settings.load({**variables, "SLUICE_WORKER_PROCESSES": str(ONE_EACH)})
            outcome = asyncio.run(measure(alone, load(arguments.limit)))
            console.print(share_table("Share of each stage (one process each)", outcome))
            if arguments.record:
                keep_service_times(outcome)


def keep_service_times(outcome: Outcome) -> None:
    """Write what a record costs each stage that saw enough of them; `make generate` derives thresholds from it."""
    seen = {stage: count for stage, count in outcome.records.items() if count >= outcome.indicators / 10}
    total_ms = {stage: outcome.cpu_ms[f"stages {stage.partition('.')[2]}"] * outcome.indicators for stage in seen}
    times = {stage: round(total_ms[stage] / count, 4) for stage, count in seen.items()}
    record_service_times(times)


def hop_table(costs: dict[str, Cost]) -> Table:
    """One hop: fetch, decode, change a field, encode, publish with acks=all, commit."""
    table = Table(
        "hop",
        "messages",
        "CPU µs a message",
        "messages/s",
        "CPU, Sluice = 1",
        title=f"One hop, 1 KB messages, {require()}, median of five rounds",
    )
    ours = costs["sluice"]["cpu_us"]
    for name, cost in costs.items():
        figures = f"{cost['cpu_us']:.1f}", f"{cost['rate']:,.0f}", f"{cost['cpu_us'] / ours:.2f}"
        table.add_row(name, f"{cost['messages']:,}", *figures)
    table.caption = f"budget ≤ {BUDGET_HOP_US:.0f} µs, stretch ≤ {STRETCH_HOP_US:.0f} µs, and ahead of Quix Streams"
    return table


def end_to_end_table(outcome: Outcome) -> Table:
    """The run beside its budgets."""
    title = f"{outcome.indicators:,} indicators, every stage, {require()}"
    table = Table("what", "measured", "budget", "stretch", title=title)
    share = outcome.indicators / 10_000
    stages = [memory for name, memory in outcome.memory_mb.items() if name.startswith("stages")]
    table.add_row(
        "submit to last row",
        f"{outcome.seconds:.1f} s",
        f"{BUDGET_SECONDS * share:.1f} s",
        f"{STRETCH_SECONDS * share:.1f} s",
    )
    table.add_row("indicators/s", f"{outcome.rate:,.0f}", "400", "1,250")
    table.add_row("first result after submit", f"{outcome.first_seconds:.2f} s", "", "")
    table.add_row("CPU-ms an indicator", f"{outcome.total_cpu_ms:.2f}", f"{BUDGET_CPU_MS}", f"{STRETCH_CPU_MS}")
    table.add_row(
        "memory of a stage process", f"{max(stages):.0f} MB", f"{BUDGET_MEMORY_MB} MB", f"{STRETCH_MEMORY_MB} MB"
    )
    table.add_row("items with a final status", f"{outcome.completed:,}", f"{outcome.indicators:,}", "")
    return table


def share_table(title: str, outcome: Outcome) -> Table:
    """CPU by process, the most expensive first."""
    table = Table("process", "CPU-ms an indicator", "share", "memory MB", title=title)
    for name, cpu in sorted(outcome.cpu_ms.items(), key=lambda entry: -entry[1]):
        memory = outcome.memory_mb.get(name)
        table.add_row(name, f"{cpu:.3f}", f"{cpu / outcome.total_cpu_ms:.0%}", f"{memory:.0f}" if memory else "")
    table.add_row("all", f"{outcome.total_cpu_ms:.3f}", "100%", "")
    return table


if __name__ == "__main__":
    main()
