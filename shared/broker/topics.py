"""Topics as code: create what the declarations ask for, refuse what contradicts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.broker.connection import connection_options
from shared.errors import TransientError, UsageError
from shared.settings import KafkaSettings

USUAL_COPIES = 3
"""One may be lost and one away for an upgrade."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it should be and as it is. `actual` None: it does not exist."""

    name: str
    partitions: int
    actual: int | None


class TopicAdmin:
    """Creates and checks topics."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        options = connection_options(settings)
        self._admin = AIOKafkaAdminClient(**options)

    async def __aenter__(self) -> Self:
        try:
            await self._admin.start()
        except KafkaError as error:
            await self._admin.close()
            raise TransientError(f"broker: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def state(self, names: Sequence[str], partitions: int) -> list[TopicState]:
        """How each topic stands."""
        known = {name for name in await self._admin.list_topics() if name in set(names)}
        described = await self._admin.describe_topics(sorted(known)) if known else []
        counts = {topic["topic"]: len(topic["partitions"]) for topic in described}
        return [TopicState(name, partitions, counts.get(name)) for name in names]

    async def ensure(self, names: Sequence[str], partitions: int) -> list[str]:
        """Create the missing topics and return their names. Raises UsageError if one has another partition count.

        All topics of a pipeline need the same count, since a record keeps its partition number from stage to stage.
        """
        states = await self.state(names, partitions)
        wrong = [state for state in states if state.actual not in {None, partitions}]
        if wrong:
            listed = ", ".join(f"{state.name} ({state.actual})" for state in wrong)
            raise UsageError(
                f"these topics do not have {partitions} partitions: {listed}",
                remedy="set SLUICE_KAFKA_PARTITIONS to their count, or delete them and run `sluice topics` again",
            )
        missing = [state.name for state in states if state.actual is None]
        if missing:
            await self._create(missing, partitions)
        return missing

    async def _brokers(self) -> int:
        return len((await self._admin.describe_cluster())["brokers"])

    async def _create(self, names: Sequence[str], partitions: int) -> None:
        copies = self._settings.replication_factor or min(USUAL_COPIES, await self._brokers())
        answer = await self._admin.create_topics([NewTopic(name, partitions, copies) for name in names])
        for name, code, *detail in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise TransientError(f"topic {name} was not created: {error.__name__} {detail or ''}")
