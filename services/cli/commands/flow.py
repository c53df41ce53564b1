"""`sluice lag` and `sluice trace`: where items are on their way, as Kafka itself has it."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from shared.errors import SluiceError
from shared.terminal import options

if TYPE_CHECKING:
    from shared.broker.lag import PartitionLag, StageLag


@click.command(
    epilog="Examples:\n\n\b\n  sluice lag\n  sluice lag classification.family --partitions\n"
    "  sluice lag --json | jq 'map(.lag) | add'"
)
@click.argument("stages", nargs=-1, metavar="[STAGE]...")
@click.option("--partitions", is_flag=True, help="A line for each partition as well.")
@options.as_json
def lag(stages: tuple[str, ...], partitions: bool, as_json: bool) -> None:
    """Show how many records each stage has not worked on yet: committed offsets against the ends of its topics.

    Records that wait on the stage's retry topic are counted in the lag, and once more on their own.
    """
    from shared.terminal.printing import print_json, show, table

    found = asyncio.run(_lags(stages))
    if as_json:
        print_json([_lag_row(one, partitions) for one in found])
        return
    columns = ("stage", "topic", "committed", "end", "lag", "retrying")
    show(table("Lag", columns, [[_lag_row(one, False)[name] for name in columns] for one in found]))
    if partitions:
        rows = [(one.stage, *row.values()) for one in found for row in _partition_rows(one)]
        show(table("Partitions", ("stage", "topic", "partition", "start", "committed", "end", "lag"), rows))
    if missing := sorted({topic for one in found for topic in one.missing}):
        click.echo(f"these topics do not exist: {', '.join(missing)}; `sluice topics` creates them", err=True)


async def _lags(names: tuple[str, ...]) -> "list[StageLag]":
    from shared.broker.lag import stage_lags
    from shared.pipelines import find_stage, pipelines
    from shared.settings import Settings
    from shared.terminal.connect import open_broker

    every = [stage for pipeline in pipelines().values() for stage in pipeline.stages]
    chosen = [find_stage(name)[1] for name in names] or every
    async with open_broker(Settings.load()) as kafka:
        return await stage_lags(kafka, chosen)


def _lag_row(found: "StageLag", partitions: bool) -> dict[str, Any]:
    own = found.of_topic(found.topic)
    row = {
        "stage": found.stage,
        "group": found.stage,
        "topic": found.topic,
        "committed": sum(partition.position for partition in own),
        "end": sum(partition.end for partition in own),
        "lag": found.lag,
        "retrying": found.retrying,
        "missing_topics": list(found.missing),
    }
    return {**row, "partitions": _partition_rows(found)} if partitions else row


def _partition_rows(found: "StageLag") -> list[dict[str, Any]]:
    def row(partition: "PartitionLag") -> dict[str, Any]:
        return {**partition._asdict(), "lag": partition.lag}

    return [row(partition) for partition in found.partitions]


@click.command(
    epilog="Examples:\n\n\b\n  sluice trace GDP:AW\n  sluice trace GDP:AW --minutes 30 --json\n"
    "Without a broker that runs, what the database knows is shown alone."
)
@click.argument("indicator_id")
@click.option("--pipeline", default="classification", show_default=True, help="Pipeline whose topics are searched.")
@options.limit(100, "records, the newest")
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), help="Only what was written in so many minutes."
)
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True, help="Longest search."
)
@options.as_json
def trace(indicator_id: str, as_json: bool, **search: Any) -> None:
    """Follow one indicator: every record of it on the topics, with times, and what the database knows.

    Searches the partition its key belongs to, and the others only if it is not there. Exit code 1: nothing is known.
    """
    from services.cli.listing import tracing
    from shared.settings import Settings
    from shared.terminal.printing import print_json, show

    found = asyncio.run(tracing.find(Settings.load(), indicator_id, tracing.Search(**search)))
    if as_json:
        print_json(found.as_json())
    else:
        show(*found.as_tables())
    for warning in found.warnings():
        click.echo(warning, err=True)
    if not found.known:
        raise SluiceError(f"nothing is known about {indicator_id!r}")
