"""Who needs which rights on the broker, derived from the declarations: the least that each can work with.

Read and Write on a topic bring Describe with them, and Write brings what an idempotent producer needs.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from shared.runtime.declaration import Pipeline, Stage


class Right(NamedTuple):
    """One operation on one thing."""

    principal: str
    """Name of the user: the stage's, or `PIPELINE.submit` for the API and whoever else writes to the edge."""
    operation: Literal["Read", "Write"]
    resource: Literal["topic", "group"]
    name: str


def rights(pipeline: Pipeline) -> list[Right]:
    """What every stage of a pipeline needs, in the order of the flow, and before them whoever submits to it."""
    submitting = Right(f"{pipeline.name}.submit", "Write", "topic", pipeline.edge.name)
    return [submitting, *(right for stage in pipeline.stages for right in _stage_rights(stage))]


def _stage_rights(stage: Stage) -> Iterator[Right]:
    user = stage.full_name
    for topic in (stage.reads.name, stage.retry_topic):
        yield Right(user, "Read", "topic", topic)
    outputs = [topic.name for topic in (*stage.writes, stage.dead_letters) if topic is not stage.reads]
    for name in (*outputs, stage.retry_topic):
        yield Right(user, "Write", "topic", name)
    yield Right(user, "Read", "group", stage.full_name)


def commands(granted: Iterable[Right]) -> list[str]:
    """The same for a shell: `kafka-acls`, with where and as whom to run it as the shell's own arguments."""
    return [
        f'kafka-acls "$@" --add --allow-principal User:{principal} --operation {operation} '
        + " ".join(f"--{resource} {right.name}" for right in alike)
        for (principal, operation, resource), alike in groupby(granted, key=lambda right: right[:3])
    ]
