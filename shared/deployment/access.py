"""Who may do what on the broker: the least that a stage needs, as its declaration says."""

from collections.abc import Iterable
from typing import NamedTuple

from shared.runtime.declaration import Stage


class Access(NamedTuple):
    """Operations that one user may do on one resource of Kafka. Read and Write let it describe, too."""

    kind: str
    name: str
    operations: tuple[str, ...]
    pattern: str = "literal"


OPERATOR = [
    Access("topic", "*", ("All",)),
    Access("group", "*", ("All",)),
    Access("cluster", "kafka-cluster", ("Create", "Describe", "DescribeConfigs", "AlterConfigs")),
]
"""A person with `sluice`: topics, lag, traces, replays."""


def stage_access(stage: Stage) -> list[Access]:
    """Its input in its group, its outputs, its own retries, and its pipeline's dead letters."""
    outputs = [topic.name for topic in stage.writes] + [stage.dead_letters.name]
    group = Access("group", stage.full_name, ("Read",))
    retries = Access("topic", stage.retry_topic, ("Read", "Write"))
    return [*_topics([stage.reads.name], "Read"), retries, *_topics(outputs, "Write"), group]


def _topics(names: Iterable[str], operation: str) -> list[Access]:
    return [Access("topic", name, (operation,)) for name in names]
