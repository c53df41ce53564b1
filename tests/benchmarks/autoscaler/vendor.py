"""A stage that asks a language model: replicas by lag beside replicas by calls in flight, under the vendor's limit."""

from dataclasses import dataclass

from deployment.scaling import CLEAR_SECONDS, calls_of_a_pod
from shared.settings import Settings
from tests.benchmarks.autoscaler.scaler import SYNC_SECONDS, Replicas, Rules, Scaler
from tests.benchmarks.autoscaler.traffic import STEP_SECONDS

ITEMS_A_CALL = 15
CALL_SECONDS = 2.0
BURST = 200_000


@dataclass(frozen=True)
class Burst:
    """How a burst was worked off."""

    minutes: float
    most_replicas: int
    pod_hours: float


def work_off(calls_a_minute: int, *, by_lag: bool) -> Burst:
    """Ask about a burst of items, all of them new questions."""
    concurrency = Settings.load({}).llm.concurrency
    alone = concurrency / CALL_SECONDS * ITEMS_A_CALL
    rules = Rules(alone * CLEAR_SECONDS) if by_lag else Rules(calls_of_a_pod(concurrency), even=False)
    scaler, replicas = Scaler(rules), Replicas(1)
    waiting, now, pods, most = float(BURST), 0.0, 0.0, 1
    while waiting > 0:
        calls = min(replicas.capacity(now, 1.0) * concurrency / CALL_SECONDS, calls_a_minute / 60)
        if now % SYNC_SECONDS == 0:
            replicas.scale_to(scaler.look(now, waiting if by_lag else calls * CALL_SECONDS), now)
        waiting -= calls * ITEMS_A_CALL * STEP_SECONDS
        now, pods, most = now + STEP_SECONDS, pods + replicas.running * STEP_SECONDS, max(most, replicas.running)
    return Burst(now / 60, most, pods / 3600)
