"""`python -m tests.benchmarks.kafka_settings`: what settings of producer and consumer cost a hop, on the chosen broker.

Every variant has its turn in every round, over the same messages, so that whatever else the machine does hits all.
"""

import asyncio

from rich.console import Console
from rich.table import Table

from shared.settings import Settings
from tests.benchmarks.hop import Cost, loaded_broker, run_contender, typical
from tests.benchmarks.running import state_directory
from tests.kafka.backend import require

ROUNDS = 3
IDEMPOTENT = {"SLUICE_KAFKA_IDEMPOTENT_PRODUCER": "true"}
VARIANTS = {
    "as installed": IDEMPOTENT,
    "not idempotent": {"SLUICE_KAFKA_IDEMPOTENT_PRODUCER": "false"},
    **{
        f"compressed with {kind}": IDEMPOTENT | {"SLUICE_KAFKA_COMPRESSION": kind} for kind in ("lz4", "snappy", "zstd")
    },
    **{f"{n:,} records a fetch": IDEMPOTENT | {"SLUICE_BATCH_MAX_RECORDS": str(n)} for n in (100, 300, 3000)},
    "1 MB a fetch": IDEMPOTENT | {"SLUICE_BATCH_MAX_BYTES": "1048576"},
}


def main() -> None:
    """Measure, and print a row a variant."""
    with state_directory() as folder:
        settings = Settings.load({"SLUICE_STATE_DIR": folder, "SLUICE_DATABASE_URL": "postgresql://unused"})
        costs = asyncio.run(measure(settings))
    table = Table("settings", "CPU µs a message", "messages/s", title=f"One hop of 1 KB messages, {require()}")
    for name, cost in costs.items():
        table.add_row(name, f"{cost['cpu_us']:.1f}", f"{cost['rate']:,.0f}")
    Console().print(table)


async def measure(settings: Settings) -> dict[str, Cost]:
    """The median of the rounds of every variant."""
    groups = {(name, turn): f"settings-{place}-{turn}" for place, name in enumerate(VARIANTS) for turn in range(ROUNDS)}
    async with loaded_broker(settings, groups.values()) as bootstrap:
        runs = [
            {name: await run_contender("sluice", bootstrap, groups[name, turn], VARIANTS[name]) for name in VARIANTS}
            for turn in range(ROUNDS)
        ]
    return {name: typical([run[name] for run in runs]) for name in VARIANTS}


if __name__ == "__main__":
    main()
