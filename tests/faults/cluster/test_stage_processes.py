"""Stage processes that die, and such that stand still, are taken for dead, and wake up again."""

import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from shared.service.child import ChildProcess
from tests.contract.waiting import eventually
from tests.faults.brokers import members
from tests.faults.field import Field
from tests.faults.scenario import disturbed
from tests.integration.undisturbed import Undisturbed

TAKEN_FOR_DEAD_SECONDS = 60.0
KILLS = 2
FROZEN = ("join", "family", "complete")


async def test_every_stage_process_is_killed_again_and_again(
    fields: Field, undisturbed: Undisturbed, rng: random.Random
) -> None:
    victims = fields.pipeline.stages.children * KILLS
    moments = sorted(rng.uniform(0.02, 0.7) for _ in victims)
    rng.shuffle(victims)
    async with disturbed(
        fields,
        undisturbed,
        name=f"every stage process killed {KILLS} times (SIGKILL)",
        promised="its supervisor starts it again, the batch in hand is repeated",
    ) as trouble:
        for moment, victim in zip(moments, victims, strict=True):
            await trouble.until(moment)
            trouble.began()
            await kill(victim)
        trouble.ended()


async def test_frozen_processes_are_replaced_and_do_no_harm_when_they_wake(
    fields: Field, undisturbed: Undisturbed
) -> None:
    """What they still publish and commit is late: another replica has done it all by then."""
    children = [fields.pipeline.child_of(stage) for stage in FROZEN]
    async with (
        fields.replicas(*FROZEN),
        disturbed(
            fields,
            undisturbed,
            name="processes of three stages frozen for longer than the session timeout (SIGSTOP), then awake again",
            promised="other replicas take over; what the frozen ones do late changes nothing",
        ) as trouble,
    ):
        await trouble.until(0.1)
        trouble.began()
        with frozen(children):
            await taken_for_dead(fields, FROZEN)
            trouble.began()
        trouble.ended()


async def test_a_process_frozen_within_its_transaction_does_not_hold_up_the_others(
    fields: Field, undisturbed: Undisturbed
) -> None:
    async with (
        fields.replicas("complete"),
        disturbed(
            fields,
            undisturbed,
            name="a process frozen within a database transaction (SIGSTOP)",
            promised="the database gives its locks to the other replica after the statement timeout",
        ) as trouble,
    ):
        await trouble.until(0.1)
        with ExitStack() as cold:
            async with fields.pipeline.database.transaction() as transaction:
                lock = "SELECT FROM batches WHERE batch_id = ANY ($1) FOR UPDATE"
                await transaction.execute(lock, trouble.batch_ids)
                await both_wait(fields)
                trouble.began()
                cold.enter_context(frozen([fields.pipeline.child_of("complete")]))
            await trouble.until(1.0)
        trouble.ended()


async def kill(child: ChildProcess) -> None:
    """SIGKILL, once it runs."""

    async def running() -> bool:
        return child.process is not None and child.process.returncode is None

    await eventually(running, f"{child.name} runs")
    assert child.process
    child.process.kill()


@contextmanager
def frozen(children: Sequence[ChildProcess]) -> Iterator[None]:
    """These processes stand still for as long as the context lasts; their connections stay."""
    processes = [child.process for child in children if child.process]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


async def taken_for_dead(fields: Field, stages: Sequence[str]) -> None:
    """Wait until the group of each stage has one member left."""

    async def alone() -> bool:
        counts = [await members(fields.cluster, f"classification.{stage}") for stage in stages]
        return counts == [1] * len(stages)

    await eventually(alone, "the frozen processes are taken for dead", TAKEN_FOR_DEAD_SECONDS)


async def both_wait(fields: Field) -> None:
    """Wait until both replicas of the last stage are within a transaction, waiting for the rows of the batches."""
    query = """SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%finish_tickets%'"""

    async def waiting() -> bool:
        return int(await fields.pipeline.database.fetchval(query)) == 2

    await eventually(waiting, "both replicas wait")
