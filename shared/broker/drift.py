"""Topics as they are declared against topics as they are, and the way from one to the other, as far as there is one.

Missing topics are created, settings are changed and partitions are added. Partitions cannot be taken away, and copies
are not changed here: that moves data between brokers, for which Kafka has a tool of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.broker.topics import Config, Shape, TopicAdmin
from shared.errors import UsageError
from shared.runtime.declaration import Keeping

NO_CONFIG: Config = {}


@dataclass(frozen=True, slots=True)
class TopicReport:
    """One topic: what is declared and what is there. `actual` None: it does not exist."""

    name: str
    declared: Shape
    actual: Shape | None
    config: Config
    actual_config: Config
    """All of its settings."""

    @property
    def differing(self) -> Config:
        """The declared values of the settings that have others."""
        return {name: value for name, value in self.config.items() if self.actual_config.get(name) != value}

    @property
    def lacks_partitions(self) -> bool:
        """Partitions can be added to it, and have to be."""
        return self.actual is not None and self.actual.partitions < self.declared.partitions

    @property
    def recounted(self) -> bool:
        """It has another number of partitions than declared."""
        return self.actual is not None and self.actual.partitions != self.declared.partitions

    def as_put_right(self) -> "TopicReport":
        """The same after `put_right`."""
        if self.actual is None:
            return self
        actual = self.actual._replace(partitions=self.declared.partitions)
        return replace(self, actual=actual, actual_config=self.config)

    @property
    def drift(self) -> tuple[str, ...]:
        """What is not as declared, a few words each; nothing about a topic that does not exist."""
        if self.actual is None:
            return ()
        counts = zip(("partitions", "copies"), self.actual, self.declared, strict=True)
        numbers = [f"{actual} {what} instead of {wanted}" for what, actual, wanted in counts if actual != wanted]
        settings = [
            f"{name} is {self.actual_config.get(name, 'unset')} instead of {value}"
            for name, value in self.differing.items()
        ]
        return (*numbers, *settings)


async def inspect(admin: TopicAdmin, keeping: Mapping[str, Keeping], partitions: int) -> list[TopicReport]:
    """How every declared topic stands."""
    shapes, copies = await admin.shapes(list(keeping)), await admin.copies()
    configs = {name: admin.config(kept, copies) for name, kept in keeping.items()}
    actual = await admin.configs(list(shapes))
    declared = Shape(partitions, copies)
    return [
        TopicReport(name, declared, shapes.get(name), configs[name], actual.get(name, NO_CONFIG)) for name in keeping
    ]


async def put_right(admin: TopicAdmin, reports: Sequence[TopicReport]) -> None:
    """Put right what can be: settings, and partitions that lack. Raises UsageError, before any change, if one has more.

    Records of a key written before and after partitions were added lie in different ones: their order is lost.
    """
    if larger := [r.name for r in reports if r.actual and r.actual.partitions > r.declared.partitions]:
        raise UsageError(
            f"partitions can only be added, and these topics have more than declared: {', '.join(larger)}",
            remedy="set SLUICE_KAFKA_PARTITIONS to their count, or delete them once they are drained",
        )
    if lacking := {r.name: r.declared.partitions for r in reports if r.lacks_partitions}:
        await admin.add_partitions(lacking)
    if changes := {r.name: r.differing for r in reports if r.actual and r.differing}:
        await admin.set_configs(changes)
