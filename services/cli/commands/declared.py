"""`sluice stages` and `sluice topics`: what the pipelines declare, and whether the broker agrees."""

import asyncio
from typing import TYPE_CHECKING

import click

from shared.errors import SluiceError, UsageError
from shared.terminal import options

if TYPE_CHECKING:
    from shared.broker.drift import TopicReport
    from shared.runtime.declaration import Keeping

OK, MISSING, CREATED, ALTERED = "ok", "missing", "created", "altered"
NOT_ENFORCED = "The embedded broker keeps every record until it stops, whatever a topic is declared to keep."


@click.command(epilog="Examples:\n\n\b\n  sluice stages\n  sluice stages --json | jq -r '.[].name'")
@options.as_json
def stages(as_json: bool) -> None:
    """List the stages of every pipeline in the order of the flow, as they are declared.

    Group is the consumer group, records and bytes are the most that one batch and one fetch may hold. Start any of them
    with `sluice run NAME`.
    """
    # Imported here, as in every command of this module, so that `--help` does not wait.
    from shared.terminal.printing import print_json, show, table

    rows = _stage_rows()
    if as_json:
        print_json(rows)
        return
    columns = ("name", "reads", "writes", "group", "partitions", "max_records", "max_bytes")
    shown = [[_joined(row[name]) for name in columns] for row in rows]
    show(table("Stages", [name.replace("_", " ") for name in columns], shown))


def _joined(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value


def _stage_rows() -> list[dict[str, object]]:
    from shared.pipelines import pipelines
    from shared.settings import Settings

    settings = Settings.load()
    return [
        {
            "name": stage.full_name,
            "pipeline": pipeline.name,
            "reads": stage.reads.name,
            "writes": [topic.name for topic in stage.writes],
            "retry_topic": stage.retry_topic,
            "dead_letter_topic": stage.dead_letters.name,
            "group": stage.full_name,
            "partitions": settings.kafka.partitions,
            "max_records": min(stage.batch.records, settings.runtime.batch_max_records),
            "max_bytes": stage.batch.fetch_bytes,
        }
        for pipeline in pipelines().values()
        for stage in pipeline.stages
    ]


@click.command(
    epilog="Examples:\n\n\b\n  sluice topics              create what is missing, report what has drifted\n"
    "  sluice topics --check      in CI or before a deployment: exit code 1 if anything is not as declared\n"
    "  sluice topics --alter      add partitions that lack and put settings right, too\n"
    "  sluice topics --acls | sh -s -- --bootstrap-server kafka-1:9092 --command-config admin.properties"
)
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if a topic is missing or has drifted.")
@click.option("--alter", is_flag=True, help="Also add missing partitions and set what topics keep, as declared.")
@click.option("--acls", is_flag=True, help="Instead print the rights that every stage needs, as kafka-acls commands.")
@options.as_json
def topics(check: bool, alter: bool, acls: bool, as_json: bool) -> None:
    """Create the topics that the pipelines declare, and report those that are not as declared.

    Every topic needs SLUICE_KAFKA_PARTITIONS partitions, because a record keeps its partition number from stage to
    stage, and as many copies as SLUICE_KAFKA_REPLICATION_FACTOR says. How long it keeps records is declared with it.
    What has drifted is put right by --alter alone, and as far as Kafka can: partitions are never taken away, and copies
    not changed. Drain the stages before partitions are added: records of one item may change their partition, and their
    order. Exit code 1: something is not as declared.
    """
    from shared.terminal.printing import print_json, show, table

    if check + alter + acls > 1:
        raise UsageError("--check and --acls change nothing, --alter does", remedy="give one of them")
    if acls:
        _print_rights(as_json)
        return
    rows, embedded = asyncio.run(_topics(check, alter))
    if as_json:
        print_json(rows)
    else:
        show(table("Topics", list(rows[0]), [list(row.values()) for row in rows]))
        if embedded:
            click.echo(NOT_ENFORCED)
    if drifted := [str(row["topic"]) for row in rows if row["state"] not in {OK, CREATED, ALTERED}]:
        raise SluiceError(f"not as declared: {', '.join(drifted)}\n{_remedy(check, alter)}")


def _print_rights(as_json: bool) -> None:
    from shared.broker.rights import commands, rights
    from shared.pipelines import pipelines
    from shared.terminal.printing import print_json

    granted = [right for pipeline in pipelines().values() for right in rights(pipeline)]
    if as_json:
        print_json([right._asdict() for right in granted])
    else:
        click.echo("\n".join(commands(granted)))


def _remedy(check: bool, alter: bool) -> str:
    if alter:
        return "the number of copies is changed with kafka-reassign-partitions, which comes with Kafka"
    create = "run `sluice topics` to create missing ones; " if check else ""
    return (
        f"{create}`sluice topics --alter` adds partitions and sets the rest; or set SLUICE_KAFKA_PARTITIONS to what is"
    )


async def _topics(check: bool, alter: bool) -> tuple[list[dict[str, object]], bool]:
    """A row a topic, and whether the broker is the embedded one."""
    from shared.broker.drift import inspect, put_right
    from shared.broker.reading import broker_errors
    from shared.broker.topics import TopicAdmin
    from shared.pipelines import pipelines
    from shared.settings import Settings
    from shared.terminal.connect import open_broker

    settings = Settings.load()
    embedded = not settings.kafka.bootstrap_servers
    if embedded and alter:
        raise UsageError(
            "the embedded broker cannot alter topics", remedy="stop it: the next one has none to begin with"
        )
    keeping = {name: kept for pipeline in pipelines().values() for name, kept in pipeline.keeping().items()}
    async with open_broker(settings) as kafka, TopicAdmin(kafka) as admin:
        with broker_errors():
            reports = await inspect(admin, keeping, kafka.partitions)
            if alter:
                await put_right(admin, reports)
            sound = alter or not any(report.recounted for report in reports)
            missing = [report.name for report in reports if report.actual is None and sound and not check]
            created = await admin.ensure(missing, kafka.partitions, keeping)
    return [_row(report, keeping[report.name], report.name in created, alter) for report in reports], embedded


def _row(report: "TopicReport", keeping: "Keeping", created: bool, altered: bool) -> dict[str, object]:
    now = report.as_put_right() if altered else report
    actual = now.declared if created else now.actual
    return {
        "topic": now.name,
        "partitions": now.declared.partitions,
        "actual": actual.partitions if actual else None,
        "copies": actual.copies if actual else None,
        "keeps": str(keeping),
        "state": _state(report, now, created),
    }


def _state(before: "TopicReport", now: "TopicReport", created: bool) -> str:
    if created:
        return CREATED
    if now.actual is None:
        return MISSING
    if now.drift:
        return ", ".join(now.drift)
    return ALTERED if before.drift else OK
