"""What the API answers, as models: they write the page at /docs, and the answers are built from them."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, create_model

from shared.database.ledger import Batch
from shared.database.results import ResultRecord


class BatchAccepted(BaseModel):
    """A batch is registered and on its way."""

    message: str
    batch_id: str = Field(description="what to ask for progress and results with")
    trace_id: str = Field(description="W3C trace id of everything that happens to the batch")
    count: int = Field(description="how many indicators it has")
    llm_provider: str
    estimated_completion: datetime = Field(description="from what is waiting and how fast it was lately; a guess")


class BatchState(BaseModel):
    """A batch and how far it is. completed + needs_human + failed + pending = total."""

    batch_id: str
    status: Literal["running", "completed"]
    total: int
    completed: int
    needs_human: int
    failed: int
    pending: int
    percentage: float
    rate_per_second: float | None = Field(description="finished items over the time until the last of them")
    eta_seconds: float | None = Field(description="pending items at that rate")
    llm_provider: str
    started_at: datetime
    ended_at: datetime | None
    duration_ms: float | None
    avg_time_per_indicator_ms: float | None
    avg_confidence: float | None
    tokens_in: int
    tokens_out: int
    cost_usd: float
    trace_id: str

    @classmethod
    def of(cls, batch: Batch, default_provider: str) -> Self:
        """Describe a batch of the ledger."""
        finished = batch.completed + batch.needs_human + batch.dead_lettered
        rate = finished / batch.duration_ms * 1000 if batch.duration_ms else None
        running = batch.ended_at is None
        return cls(
            batch_id=batch.batch_id,
            status="running" if running else "completed",
            total=batch.total,
            completed=batch.completed,
            needs_human=batch.needs_human,
            failed=batch.dead_lettered,
            pending=batch.pending,
            percentage=round(100 * finished / batch.total, 1) if batch.total else 0.0,
            rate_per_second=round(rate, 2) if rate else None,
            eta_seconds=round(batch.pending / rate, 1) if rate and running else None,
            llm_provider=batch.provider or default_provider,
            started_at=batch.started_at,
            ended_at=batch.ended_at,
            duration_ms=batch.duration_ms,
            avg_time_per_indicator_ms=batch.avg_time_ms,
            avg_confidence=batch.avg_confidence,
            tokens_in=batch.tokens_in,
            tokens_out=batch.tokens_out,
            cost_usd=batch.cost_usd,
            trace_id=batch.trace_id,
        )


class BatchList(BaseModel):
    """The newest batches."""

    batches: list[BatchState]


_RESULT_FIELDS: dict[str, Any] = {name: (kind, ...) for name, kind in ResultRecord.__annotations__.items()}
Result = create_model(
    "Result",
    __doc__="An indicator of a batch with its final values, or with the reason why it has none.",
    **_RESULT_FIELDS,
)


class ResultPage(BaseModel):
    """A page of results, in the order of submission."""

    batch_id: str
    total: int = Field(description="rows over all pages")
    offset: int
    limit: int
    next_offset: int | None = Field(description="where the next page starts; null on the last one")
    results: list[Result]


class RowProblem(BaseModel):
    """What is wrong with one indicator of a request."""

    index: int = Field(description="position in `indicators`, from 0")
    indicator_id: str | None
    field: str
    problem: str
    remedy: str


class ProblemBody(BaseModel):
    """Why a request was refused, and what to do about it."""

    error: str
    message: str
    remedy: str
    rows: list[RowProblem] = Field(default=[], description="only where single indicators are at fault")


class Health(BaseModel):
    """That this process answers."""

    status: str
    timestamp: datetime
    service: str


class Readiness(BaseModel):
    """Whether work can be accepted now."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str] = Field(description="`ok`, or what is wrong")
