"""Groups that never come to rest: replicas join and leave, one way and the other, while work goes on."""

import random

from services.classification.pipeline import CLASSIFICATION
from tests.faults.field import Field
from tests.faults.scenario import disturbed
from tests.integration.undisturbed import Undisturbed

ROUNDS = 3
CROWD = 4


async def test_replicas_join_and_leave_all_the_time(
    fields: Field, undisturbed: Undisturbed, rng: random.Random
) -> None:
    """Every round some stages get a second process, which works for a moment and is then killed or told to stop."""
    names = [stage.name for stage in CLASSIFICATION.stages if stage.name not in {"final-review", "dead-letter"}]
    async with disturbed(
        fields,
        undisturbed,
        name=f"{ROUNDS * CROWD} replicas of all kinds join and leave (SIGTERM and SIGKILL by turns)",
        promised="every rebalance hands over committed work or repeats it",
        portions=2 * ROUNDS,
    ) as trouble:
        for round_number in range(ROUNDS):
            if round_number:
                await trouble.submit()
            async with fields.replicas(*rng.sample(names, CROWD)) as crowd:
                await trouble.submit()
                await trouble.until((trouble.submitted - 100) / trouble.submitted)
                trouble.began()
                for child in rng.sample(crowd.children, CROWD // 2):
                    assert child.process
                    child.process.kill()
                    await child.process.wait()
        trouble.ended()
