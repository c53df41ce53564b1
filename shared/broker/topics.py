"""Topics as code: create what the declarations ask for, refuse what contradicts them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.broker.connection import connection_options
from shared.broker.reaching import reaching
from shared.errors import TransientError, UsageError
from shared.runtime.declaration import Keeping
from shared.settings import KafkaSettings

USUAL_COPIES = 3
"""One may be lost and one away for an upgrade."""
DAY_MS = 86_400_000
APPEAR_SECONDS = 15.0
APPEAR_PAUSE_SECONDS = 0.05
_SET_ON_THE_TOPIC = 1
"""Kafka's mark of a setting that is the topic's own, and not a default."""

Config = Mapping[str, str]
"""Settings of a topic by their names in Kafka."""


class Shape(NamedTuple):
    """A topic that exists."""

    partitions: int
    copies: int


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it should be and as it is. `actual` None: it does not exist."""

    name: str
    partitions: int
    actual: int | None


class TopicAdmin:
    """Creates, describes and alters topics."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        options = connection_options(settings)
        self._admin = AIOKafkaAdminClient(**options)

    async def __aenter__(self) -> Self:
        try:
            async with reaching(self._settings):
                await self._admin.start()
        except TransientError:
            await self._admin.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def state(self, names: Sequence[str], partitions: int) -> list[TopicState]:
        """How each topic stands."""
        shapes = await self.shapes(names)
        return [TopicState(name, partitions, shapes[name].partitions if name in shapes else None) for name in names]

    async def shapes(self, names: Sequence[str]) -> dict[str, Shape]:
        """Partitions and copies of those topics that exist, as far as the brokers that are asked know of them."""
        known = {name for name in await self._admin.list_topics() if name in set(names)}
        described = await self._admin.describe_topics(sorted(known)) if known else []
        return {topic["topic"]: _shape(topic["partitions"]) for topic in described if topic["partitions"]}

    async def ensure(
        self, names: Sequence[str], partitions: int, keeping: Mapping[str, Keeping] | None = None
    ) -> list[str]:
        """Create the missing topics and return their names. Raises UsageError if one has another partition count.

        All topics of a pipeline need the same count, since a record keeps its partition number from stage to stage.
        """
        states = await self.state(names, partitions)
        wrong = [state for state in states if state.actual not in {None, partitions}]
        if wrong:
            listed = ", ".join(f"{state.name} ({state.actual})" for state in wrong)
            raise UsageError(
                f"these topics do not have {partitions} partitions: {listed}",
                remedy="set SLUICE_KAFKA_PARTITIONS to their count, add partitions with `sluice topics --alter`, or "
                "delete them and run `sluice topics` again",
            )
        missing = [state.name for state in states if state.actual is None]
        if missing:
            await self._create(missing, partitions, keeping or {})
        return missing

    async def copies(self) -> int:
        """How many copies a topic is to have."""
        if self._settings.replication_factor:
            return self._settings.replication_factor
        return min(USUAL_COPIES, len((await self._admin.describe_cluster())["brokers"]))

    def config(self, keeping: Keeping, copies: int) -> Config:
        """The settings of a topic that keeps its records like this."""
        return topic_config(self._settings, keeping, copies)

    async def _create(self, names: Sequence[str], partitions: int, keeping: Mapping[str, Keeping]) -> None:
        copies = await self.copies()
        configs = {name: dict(self.config(keeping[name], copies)) for name in names if name in keeping}
        topics = [NewTopic(name, partitions, copies, topic_configs=configs.get(name, {})) for name in names]
        answer = await self._admin.create_topics(topics)
        for name, code, *detail in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise TransientError(f"topic {name} was not created: {error.__name__} {detail or ''}")
        await self._appear(names)

    async def _appear(self, names: Sequence[str]) -> None:
        """Wait until the broker knows topics that its controller has made."""
        try:
            async with asyncio.timeout(APPEAR_SECONDS):
                while len(await self.shapes(names)) < len(set(names)):  # noqa: ASYNC110 -- a broker does not call
                    await asyncio.sleep(APPEAR_PAUSE_SECONDS)
        except TimeoutError:
            raise TransientError(f"broker: new topics are not known to it after {APPEAR_SECONDS:g} s") from None

    async def configs(self, names: Sequence[str]) -> dict[str, Config]:
        """Every setting of these topics, defaults included; of the embedded broker, those given at creation."""
        entries = await self._describe(names)
        return {name: {entry[0]: entry[1] for entry in found} for name, found in entries.items()}

    async def set_configs(self, changes: Mapping[str, Config]) -> None:
        """Change settings of topics. The others keep theirs: Kafka would reset what is not named again."""
        entries = await self._describe(list(changes))
        resources = []
        for name, change in changes.items():
            own = {entry[0]: entry[1] for entry in entries[name] if entry[3] == _SET_ON_THE_TOPIC}
            resources.append(ConfigResource(ConfigResourceType.TOPIC, name, {**own, **change}))
        for response in await self._admin.alter_configs(resources):
            for code, detail, _, name in response.resources:
                if code:
                    raise TransientError(f"topic {name} was not altered: {for_code(code).__name__} {detail or ''}")

    async def add_partitions(self, counts: Mapping[str, int]) -> None:
        """Give topics more partitions, each up to its count."""
        await self._admin.create_partitions({name: NewPartitions(count) for name, count in counts.items()})

    async def _describe(self, names: Sequence[str]) -> dict[str, list[Any]]:
        """Settings of topics: (name, value, read-only, where it was set, …).

        All of them are asked for: the embedded broker hangs up on a request for some.
        """
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        found: dict[str, list[Any]] = {}
        for response in await self._admin.describe_configs(resources) if resources else ():
            for code, detail, _, name, entries in response.resources:
                if code:
                    raise TransientError(f"settings of topic {name}: {for_code(code).__name__} {detail or ''}")
                found[name] = entries
        return found


def topic_config(settings: KafkaSettings, keeping: Keeping, copies: int) -> Config:
    """The settings of a topic with so many copies that keeps its records like this."""
    insync = settings.min_insync_replicas or max(1, copies - 1)
    kept = str(int(keeping.days * DAY_MS))
    if keeping.newest:
        return {"cleanup.policy": "compact", "min.compaction.lag.ms": kept, "min.insync.replicas": str(insync)}
    return {"cleanup.policy": "delete", "retention.ms": kept, "min.insync.replicas": str(insync)}


def _shape(partitions: Sequence[Mapping[str, Any]]) -> Shape:
    return Shape(len(partitions), min(len(partition["replicas"]) for partition in partitions))
