"""`python -m tests.benchmarks.autoscaler [--plot FILE]`: settings of the autoscaler beside each other, over one day."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deployment.scaling import CLEAR_SECONDS, RECOMMENDED, Scaling
from tests.benchmarks.autoscaler.scaler import PARTITIONS, Rules
from tests.benchmarks.autoscaler.simulation import Course, MakeRules, simulate
from tests.benchmarks.autoscaler.traffic import day
from tests.benchmarks.autoscaler.vendor import work_off

SEED = 20_261
NERVOUS = Scaling(up_percent=1_100, down_window=0, down_period=15)
SLOW = Scaling(up_percent=50, down_window=900, down_period=300)


def by_lag(seconds: float, scaling: Scaling = RECOMMENDED, *, even: bool = True) -> MakeRules:
    """A replica for as much lag as one clears in so many seconds."""
    return lambda rate: Rules(rate * seconds, scaling, even=even)


def fixed(replicas: int) -> MakeRules:
    """So many, always."""
    return lambda _: Rules(1.0, least=replicas, most=replicas, even=False)


VARIANTS: dict[str, MakeRules] = {
    f"as recommended: lag of {CLEAR_SECONDS} s of work": by_lag(CLEAR_SECONDS),
    "30 s, one less in two minutes": by_lag(30, Scaling(down_period=120)),
    "10 s": by_lag(10),
    "120 s": by_lag(120),
    "any number of replicas, even or not": by_lag(CLEAR_SECONDS, even=False),
    "at once up and at once down": by_lag(CLEAR_SECONDS, NERVOUS),
    "half more a minute, one less in five": by_lag(CLEAR_SECONDS, SLOW),
    "lag of 10 records, as in examples": lambda _: Rules(10.0),
    "one replica each, always": fixed(1),
    f"{PARTITIONS} replicas each, always": fixed(PARTITIONS),
}


def main() -> None:
    """Print the comparison, and draw the recommended one if asked to."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.autoscaler", description=__doc__)
    parser.add_argument("--plot", type=Path, help="where to draw the recommended settings' day")
    arguments = parser.parse_args()
    arriving, console = day(SEED), Console()
    courses = {name: simulate(arriving, rules, SEED) for name, rules in VARIANTS.items()}
    console.print(_day_table(courses), _vendor_table(), sep="\n")
    if arguments.plot:
        from tests.benchmarks.autoscaler.plot import draw  # noqa: PLC0415 -- matplotlib is slow to load

        draw(next(iter(courses.values())), arguments.plot)


def _day_table(courses: dict[str, Course]) -> Table:
    arrived = next(iter(courses.values())).arrived.sum()
    columns = ("settings", "age p50", "p99", "most", "pod hours", "most pods", "pauses of a group")
    table = Table(*columns, title=f"One day, {arrived:,.0f} items, {len(next(iter(courses.values())).stages)} stages")
    for name, course in courses.items():
        ages = [f"{course.age(share):,.0f} s" for share in (0.5, 0.99, 1.0)]
        table.add_row(
            name, *ages, f"{course.pod_hours:,.0f}", f"{course.replicas.sum(axis=0).max():.0f}", f"{course.pauses:,}"
        )
    return table


def _vendor_table() -> Table:
    table = Table(
        "calls a minute", "replicas follow", "minutes", "most replicas", "pod hours", title="A burst, asked of a vendor"
    )
    for limit in (3_000, 30_000):
        for name, by_lag in (("lag", True), ("calls in flight", False)):
            burst = work_off(limit, by_lag=by_lag)
            table.add_row(
                f"{limit:,}", name, f"{burst.minutes:.1f}", str(burst.most_replicas), f"{burst.pod_hours:.2f}"
            )
    return table


if __name__ == "__main__":
    main()
