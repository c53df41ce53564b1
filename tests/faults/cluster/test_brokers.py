"""Brokers that die, restart, or stand still."""

import random
from collections.abc import Awaitable, Callable

import pytest

from services.classification.pipeline import JOINED
from tests.contract.waiting import eventually
from tests.faults.brokers import coordinator_of, down, in_sync, leader_of, suspended
from tests.faults.field import SOUND_SECONDS, Field
from tests.faults.scenario import disturbed
from tests.integration.undisturbed import Undisturbed
from tests.kafka.apache import ApacheKafka, Node

TAKEN_OVER = 0.8
"""A share of the items that can only have ended if other brokers do the work of the one that is away."""
NOTICED_SECONDS = 90.0


async def leading(cluster: ApacheKafka) -> Node:
    return await leader_of(cluster, JOINED.name)


async def coordinating(cluster: ApacheKafka) -> Node:
    return await coordinator_of(cluster, "classification.join")


@pytest.mark.parametrize(
    ("name", "find"),
    [
        ("a broker that leads partitions killed (SIGKILL), back later", leading),
        ("the broker that coordinates a consumer group killed (SIGKILL), back later", coordinating),
    ],
    ids=["leader", "coordinator"],
)
async def test_the_others_take_over_from_a_broker_that_is_killed(
    fields: Field, undisturbed: Undisturbed, name: str, find: Callable[[ApacheKafka], Awaitable[Node]]
) -> None:
    victim = await find(fields.cluster)
    promised = "the other two go on without it, and it is in sync again after it is back"
    async with disturbed(fields, undisturbed, name=name, promised=promised) as trouble:
        await trouble.until(0.1)
        trouble.began()
        async with down(fields.cluster, [victim]):
            await trouble.until(TAKEN_OVER)
        trouble.ended()


async def test_brokers_are_restarted_one_after_the_other(fields: Field, undisturbed: Undisturbed) -> None:
    """As for an upgrade: each hands its partitions and groups over, is away for a moment and comes back."""
    async with disturbed(
        fields,
        undisturbed,
        name="each broker restarted in turn (SIGTERM), leaders move away and back",
        promised="work goes on without an error that costs an item",
        portions=3,
    ) as trouble:
        for number, node in enumerate(fields.cluster.nodes):
            if number:
                await trouble.submit()
            await trouble.until((number + 0.2) / (number + 1))
            trouble.began()
            async with down(fields.cluster, [node], Node.stop):
                pass
            trouble.ended()
            await whole(fields.cluster)


async def test_writes_wait_while_two_of_three_brokers_are_down(
    fields: Field, undisturbed: Undisturbed, rng: random.Random
) -> None:
    async with disturbed(
        fields,
        undisturbed,
        name="two of three brokers killed (SIGKILL), back later",
        promised="nothing counts as written on one copy: stages wait, say why, and go on",
    ) as trouble:
        await trouble.until(0.1)
        trouble.began()
        async with down(fields.cluster, rng.sample(fields.cluster.nodes, 2)):
            await hindered(fields)
            assert await trouble.done() < trouble.submitted
        trouble.ended()


async def test_all_brokers_stand_still_for_longer_than_a_request_may_take(
    fields: Field, undisturbed: Undisturbed
) -> None:
    async with disturbed(
        fields,
        undisturbed,
        name="all brokers frozen for longer than the request timeout (SIGSTOP), then awake again",
        promised="stages wait, say why, and go on",
    ) as trouble:
        await trouble.until(0.1)
        trouble.began()
        async with suspended(fields.cluster.nodes):
            await hindered(fields)
            assert await trouble.done() < trouble.submitted
        trouble.ended()


async def hindered(fields: Field) -> None:
    """Wait until a stage has given up a request, and says that it cannot work for want of a broker."""

    async def said() -> bool:
        return any("broker" in reason for reason in (await fields.pipeline.stages.hindrances()).values())

    await eventually(said, "a stage says what hinders it", NOTICED_SECONDS)


async def whole(cluster: ApacheKafka) -> None:
    """Wait until every broker has caught up, as whoever upgrades a cluster does."""

    async def caught_up() -> bool:
        return await in_sync(cluster)

    await eventually(caught_up, "all brokers are in sync", SOUND_SECONDS)
