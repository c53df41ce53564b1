"""Brokers as a fault needs them: who leads, who coordinates, are all copies in sync; down or suspended for a while."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.kafka.apache import ApacheKafka, Node


@asynccontextmanager
async def _admin(cluster: ApacheKafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.address)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def leader_of(cluster: ApacheKafka, topic: str) -> Node:
    """The broker that leads most partitions of a topic."""
    async with _admin(cluster) as admin:
        (described,) = await admin.describe_topics([topic])
    ((number, _),) = Counter(partition["leader"] for partition in described["partitions"]).most_common(1)
    return _node(cluster, number)


async def coordinator_of(cluster: ApacheKafka, group: str) -> Node:
    """The broker that coordinates a consumer group."""
    async with _admin(cluster) as admin:
        return _node(cluster, await admin.find_coordinator(group))


async def members(cluster: ApacheKafka, group: str) -> int:
    """How many consumers a group has."""
    async with _admin(cluster) as admin:
        (response,) = await admin.describe_consumer_groups([group])
    ((_, _, _, _, _, found, *_),) = response.groups
    return len(found)


def _node(cluster: ApacheKafka, number: int) -> Node:
    return next(node for node in cluster.nodes if node.number == number)


async def in_sync(cluster: ApacheKafka) -> bool:
    """Whether every broker has all that it should have of every topic."""
    try:
        async with _admin(cluster) as admin:
            topics = await admin.describe_topics()
    except KafkaError:
        return False
    partitions = [partition for topic in topics for partition in topic["partitions"]]
    return all(len(partition["isr"]) == len(cluster.nodes) for partition in partitions)


@asynccontextmanager
async def down(
    cluster: ApacheKafka, nodes: Sequence[Node], end: Callable[[Node], Awaitable[None]] = Node.kill
) -> AsyncIterator[None]:
    """These brokers have ended for as long as the context lasts; afterwards they are in the cluster again."""
    await asyncio.gather(*(end(node) for node in nodes))
    try:
        yield
    finally:
        await asyncio.gather(*(node.start() for node in nodes))
        assert all(await asyncio.gather(*(node.answers(cluster.cluster) for node in nodes)))


@asynccontextmanager
async def suspended(nodes: Sequence[Node]) -> AsyncIterator[None]:
    """These brokers stand still for as long as the context lasts."""
    for node in nodes:
        node.suspend()
    try:
        yield
    finally:
        for node in nodes:
            node.resume()
