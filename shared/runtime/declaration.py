"""Declarations: a pipeline is topics and stages, in order. Everything that is deployed derives from them."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_type_hints

from schemas.base import SCHEMA_VERSION, Contract
from shared.runtime.outcome import Outcome

M = TypeVar("M", bound=Contract)

Handler = Callable[..., Awaitable[Sequence[Outcome]]]
"""`async (messages, **resources) -> one outcome a message`."""

Sweep = Callable[..., Awaitable[None]]
"""`async (**resources)`: periodic work of a stage, such as a join's timeout."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a topic keeps, read or not: every record for some days, and then none or the newest one of each key."""

    days: int
    newest: bool = False

    def __str__(self) -> str:
        """In words, for a table."""
        return f"{self.days} days" + (", then the newest of each key" if self.newest else "")


ON_ITS_WAY = Keeping(days=7)
"""Work of the next stage: it has to wait for as long as anybody lets a stage stand still."""
GIVEN = Keeping(days=14)
"""What outsiders wrote: it is there to be read once more after a mistake has been found."""
EVIDENCE = Keeping(days=30)
"""What explains afterwards what happened."""
LATEST = Keeping(days=7, newest=True)
"""Results: a new reader finds the last one of every item, one that has kept up has seen each of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Topic(Generic[M]):
    """A Kafka topic with the one schema that is written to it. No model: records are taken as they are."""

    name: str
    model: type[M] | None
    meaning: str
    keeping: Keeping = ON_ITS_WAY
    schema_version: int = SCHEMA_VERSION
    key: str = ""
    """Field with the item's id, where a stage makes several items of one: each then goes to the partition of its key.
    Empty: the item stays the one that it was, in its partition."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much a stage takes at once.

    `records` is the most one handler call gets. A fetch brings up to SLUICE_BATCH_MAX_RECORDS, which are worked and
    committed in slices of `records`; between them a stage returns to poll if the fetch has taken it too long.
    `fetch_bytes` bounds one fetch.
    """

    records: int = 1000
    fetch_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One consumer service: reads one topic, works on a batch, publishes to the next."""

    pipeline: str
    name: str
    handler: Handler
    reads: Topic[Any]
    writes: tuple[Topic[Any], ...]
    dead_letters: Topic[Any]
    batch: BatchLimits
    edge: bool
    """Reads what outsiders write: bad input is theirs and never stops the stage."""
    waits: bool
    """Does nothing without its database: while that is away it waits, instead of passing all its items on."""
    sweeps: tuple[tuple[float, Sweep], ...]
    """(interval in seconds, function)."""
    prepare: Callable[[], object] | None = None
    """Loads what is slow to load, before the stage takes work."""
    resources: Mapping[str, type] = field(default_factory=dict)
    """Parameter name → type, of what the handler asks for beside its messages."""

    @property
    def full_name(self) -> str:
        """`pipeline.stage`: name on the command line, consumer group and metric label."""
        return f"{self.pipeline}.{self.name}"

    @property
    def retry_topic(self) -> str:
        """Where its own items wait for another attempt."""
        return f"{self.full_name}.retry"

    def output_for(self, message: Contract) -> Topic[Any]:
        """The output topic declared for the type of `message`."""
        for topic in self.writes:
            if type(message) is topic.model:
                return topic
        raise LookupError(f"{self.full_name} declares no output topic for {type(message).__name__}")


class Pipeline:
    """A chain of stages over topics with one key and one dead-letter topic.

    All topics have the same partition count, which is the operator's choice (SLUICE_KAFKA_PARTITIONS).
    """

    def __init__(self, name: str, *, key: str, again: str = "") -> None:
        """`again`: the command that goes on after a dead letter, `{batch_id}` in it, where its record alone would
        change nothing. Empty: dead letters are replayed."""
        self.name = name
        self.key = key
        self.again = again
        self.topics: list[Topic[Any]] = []
        self.stages: list[Stage] = []
        self.dead_letters: Topic[Any] = self.topic(
            f"{name}.dead-letter",
            None,
            "Records that could not be processed, as they were, with the reason in headers",
            EVIDENCE,
        )

    def topic(
        self, name: str, model: type[M] | None, meaning: str, keeping: Keeping = ON_ITS_WAY, *, key: str = ""
    ) -> Topic[M]:
        """Declare a topic."""
        topic = Topic(name, model, meaning, keeping, key=key)
        self.topics.append(topic)
        return topic

    def stage(  # noqa: PLR0913 -- a declaration names everything in one place; all but two are keywords
        self,
        name: str,
        handler: Handler,
        *,
        reads: Topic[Any],
        writes: Sequence[Topic[Any]] = (),
        batch: BatchLimits | None = None,
        edge: bool = False,
        waits: bool = False,
        sweeps: Sequence[tuple[float, Sweep]] = (),
        prepare: Callable[[], object] | None = None,
    ) -> Stage:
        """Declare a stage. The handler's parameters after the first name the resources it needs, by type."""
        stage = Stage(
            pipeline=self.name,
            name=name,
            handler=handler,
            reads=reads,
            writes=tuple(writes),
            dead_letters=self.dead_letters,
            batch=batch or BatchLimits(),
            edge=edge,
            waits=waits,
            sweeps=tuple(sweeps),
            prepare=prepare,
            resources=requested_resources(handler, skip=1),
        )
        self.stages.append(stage)
        return stage

    def find(self, name: str) -> Stage:
        """Stage by its short or full name. Raises LookupError."""
        for stage in self.stages:
            if name in {stage.name, stage.full_name}:
                return stage
        raise LookupError(name)

    @property
    def edge(self) -> Topic[Any]:
        """The topic that users write to."""
        return next(stage.reads for stage in self.stages if stage.edge)

    def keeping(self) -> dict[str, Keeping]:
        """Every topic that has to exist, retry topics included, and what it keeps."""
        declared = {topic.name: topic.keeping for topic in self.topics}
        return declared | {stage.retry_topic: ON_ITS_WAY for stage in self.stages}

    def topic_names(self) -> list[str]:
        """The names of these topics."""
        return list(self.keeping())


def requested_resources(function: Callable[..., Any], skip: int) -> dict[str, type]:
    """Types of the parameters of `function` after the first `skip`."""
    hints = get_type_hints(function)
    names = list(inspect.signature(function).parameters)[skip:]
    return {name: hints[name] for name in names}
