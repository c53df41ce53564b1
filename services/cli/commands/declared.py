"""`sluice stages` and `sluice topics`: what the pipelines declare, and whether the broker agrees."""

import asyncio
from collections.abc import Iterable

import click

from shared.errors import SluiceError
from shared.terminal import options

OK, MISSING, CREATED = "ok", "missing", "created"


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
    epilog="Examples:\n\n\b\n  sluice topics              create what is missing\n"
    "  sluice topics --check      in CI or before a deployment: exit code 1 if anything is not as declared"
)
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if a topic is missing or has drifted.")
@options.as_json
def topics(check: bool, as_json: bool) -> None:
    """Create the topics that the pipelines declare, and report those that are not as declared.

    Every topic needs SLUICE_KAFKA_PARTITIONS partitions, because a record keeps its partition number from stage to
    stage. A topic with another count is never changed here; exit code 1 says that there is one.
    """
    from shared.terminal.printing import print_json, show, table

    rows = asyncio.run(_topics(check))
    if as_json:
        print_json(rows)
    else:
        show(table("Topics", ("topic", "partitions", "actual", "state"), [list(row.values()) for row in rows]))
    if drifted := [str(row["topic"]) for row in rows if row["state"] not in {OK, CREATED}]:
        raise SluiceError(_remedy(drifted, check))


def _remedy(drifted: Iterable[str], check: bool) -> str:
    remedy = "run `sluice topics` to create missing ones" if check else "nothing was created"
    return (
        f"not as declared: {', '.join(drifted)}\n{remedy}; for a wrong partition count set SLUICE_KAFKA_PARTITIONS, or "
        "delete the topic once it is drained"
    )


async def _topics(check: bool) -> list[dict[str, object]]:
    from shared.broker.topics import TopicAdmin
    from shared.pipelines import pipelines
    from shared.settings import Settings
    from shared.terminal.connect import open_broker

    names = [name for pipeline in pipelines().values() for name in pipeline.topic_names()]
    async with open_broker(Settings.load()) as kafka, TopicAdmin(kafka) as admin:
        states = await admin.state(names, kafka.partitions)
        sound = all(state.actual in {None, state.partitions} for state in states)
        created = set(await admin.ensure(names, kafka.partitions)) if sound and not check else set()
    return [
        {
            "topic": state.name,
            "partitions": state.partitions,
            "actual": state.partitions if state.name in created else state.actual,
            "state": CREATED if state.name in created else _state(state.partitions, state.actual),
        }
        for state in states
    ]


def _state(wanted: int, actual: int | None) -> str:
    if actual is None:
        return MISSING
    return OK if actual == wanted else f"{actual} partitions instead of {wanted}"
