"""aiokafka's client, made to outlive the brokers that it knows."""

from collections.abc import Collection
from typing import Any

from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaConnectionError, KafkaError


def make_steady(client: AIOKafkaClient) -> None:
    """Change a client that has not started yet: consumers and producers make theirs themselves."""
    client.__class__ = SteadyClient


class SteadyClient(AIOKafkaClient):  # type: ignore[misc]  # aiokafka ships no types
    """Asks the configured addresses again when it reaches no broker, and takes a cut connection for what it is.

    aiokafka asks them at the start only. It may know one broker of three, if the others were just coming back when it
    asked last, or addresses that are no more; when those go, it would wait for them for ever. And where uvloop raises a
    RuntimeError because a connection has just been cut, its background tasks would end.
    """

    async def send(self, node_id: Any, request: Any, *, group: ConnectionGroup = ConnectionGroup.DEFAULT) -> Any:
        """Send a request to a broker. Raises KafkaError."""
        try:
            return await super().send(node_id, request, group=group)
        except KafkaError:  # a RuntimeError too
            raise
        except RuntimeError as error:
            raise KafkaConnectionError(f"the connection to broker {node_id} was cut: {error}") from error

    async def _metadata_update(self, cluster_metadata: ClusterMetadata, topics: Collection[str] | None) -> bool:
        if await self._updated(cluster_metadata, topics):
            return True
        # Of connections on which nobody answers any more aiokafka closes those of other requests, but not of this one.
        for (_, group), connection in list(self._conns.items()):
            if group is ConnectionGroup.DEFAULT:
                connection.close()
        try:
            await self.bootstrap()
        except RuntimeError:  # KafkaError is one
            return False
        return await self._updated(cluster_metadata, topics)

    async def _updated(self, cluster_metadata: ClusterMetadata, topics: Collection[str] | None) -> bool:
        try:
            return bool(await super()._metadata_update(cluster_metadata, topics))
        except RuntimeError:
            return False
