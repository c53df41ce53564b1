"""What a stage process is made of: settings in, workers out."""

from collections.abc import Callable, Sequence
from typing import Any

from schemas.indicator import MAX_MESSAGE_BYTES
from shared.broker.producer import Publisher
from shared.database import Database
from shared.llm.gateway import Ask, Gateway
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.declaration import Pipeline, Stage
from shared.runtime.envelope import Envelopes
from shared.runtime.outbox import Outbox
from shared.runtime.policy import DeadLetterGuard, RetryPolicy
from shared.runtime.sizes import INNER_INPUT_BYTES
from shared.runtime.worker import StageWorker, WorkerLimits
from shared.settings import CorrectionSettings, LlmSettings, RuntimeSettings, Settings

NO_ENVELOPES = Envelopes()


class Resources:
    """Everything a stage may ask for, by type."""

    def __init__(self, settings: Settings, database: Database, publisher: Publisher, gateway: Gateway) -> None:
        self._clock = SystemClock()
        self._makers: dict[type, Callable[[Stage, Envelopes], Any]] = {
            Envelopes: lambda _, envelopes: envelopes,
            Ask: lambda stage, envelopes: gateway.ask(stage.name, envelopes),
            Gateway: lambda *_: gateway,
            Database: lambda *_: database,
            Settings: lambda *_: settings,
            RuntimeSettings: lambda *_: settings.runtime,
            LlmSettings: lambda *_: settings.llm,
            CorrectionSettings: lambda *_: settings.correction,
            Clock: lambda *_: self._clock,
            Outbox: lambda stage, _: Outbox(stage, publisher.publish, self._clock),
        }

    def __call__(self, kind: type, stage: Stage, envelopes: Envelopes = NO_ENVELOPES) -> Any:
        """The resource of type `kind` for one call of `stage`. Raises LookupError for a type nobody provides."""
        if kind not in self._makers:
            raise LookupError(f"{stage.full_name} asks for {kind.__name__}, which the stage process does not provide")
        return self._makers[kind](stage, envelopes)


def uses_database(stages: Sequence[Stage]) -> bool:
    """Whether any of the stages, or its sweeps, asks for the database."""
    return any(Database in stage.resources.values() or stage.sweeps for stage in stages)


def make_worker(
    pipeline: Pipeline, stage: Stage, publisher: Publisher, resources: Resources, settings: Settings
) -> StageWorker:
    """The worker of `stage`."""
    runtime = settings.runtime
    return StageWorker(
        stage,
        pipeline.key,
        publisher.publish,
        resources,
        clock=SystemClock(),
        retry=retry_policy(runtime),
        guard=DeadLetterGuard(runtime.dead_letter_window, runtime.dead_letter_share, runtime.dead_letter_in_row),
        limits=WorkerLimits(
            message_bytes=MAX_MESSAGE_BYTES if stage.edge else INNER_INPUT_BYTES,
            call_seconds=settings.kafka.max_poll_interval_ms / 3000,
            trace_ratio=settings.tracing.ratio,
        ),
    )


def retry_policy(runtime: RuntimeSettings) -> RetryPolicy:
    """The two retry ladders as the settings have them; the last topic delay repeats."""
    delays = runtime.retry_delays_seconds
    rounds = [delays[min(index, len(delays) - 1)] for index in range(runtime.retry_attempts)] if delays else []
    return RetryPolicy(
        in_place_budget=runtime.retry_budget_seconds,
        base_delay=runtime.retry_first_delay_seconds,
        max_delay=runtime.retry_max_delay_seconds,
        topic_delays=tuple(rounds),
    )
