"""What a run comes to, as plain values: its stages and what they took, and what somebody should know of its result."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.deduplication.inputs.dates import OTHER_ORDER, UNPARSABLE
from services.deduplication.runs.store import Run, StageState

MEGABYTE = 1024 * 1024
SHOWN = 5


def seconds_of(state: StageState) -> float | None:
    """From its announcement to its last shard."""
    if not (state.started_at and state.ended_at):
        return None
    return max((state.ended_at - state.started_at).total_seconds(), 0.0)


def as_json(run: Run, stages: Sequence[StageState]) -> dict[str, Any]:
    """A run and its stages as plain values."""
    shown = run._asdict()
    del shown["rules"], shown["mapping"]
    return shown | {
        "seconds": round(elapsed(run), 3),
        "stages": [shown_stage(state) for state in stages if state.plan.needs],
    }


def shown_stage(state: StageState) -> dict[str, Any]:
    """What a stage has done and taken."""
    seconds = seconds_of(state)
    return {
        "stage": state.plan.stage,
        "done": state.done,
        "shards": state.plan.shards,
        "rows": state.rows,
        "bytes": state.bytes,
        "seconds": None if seconds is None else round(seconds, 3),
        "cpu_seconds": round(state.cpu_seconds, 3),
        "peak_mb": round(state.peak_bytes / MEGABYTE, 1),
    }


def elapsed(run: Run) -> float:
    """How long it has taken until now, or until its end."""
    return ((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds()


def notices(meta: Mapping[str, Any]) -> list[str]:
    """What somebody should know of a result, from its `review_meta`; of an older run it says nothing."""
    dates, unmatched = meta.get("dates", {}), meta.get("overrides", {}).get("unmatched", ())
    found = [_of_dates(reason, flaw, dates["order"]) for reason, flaw in dates.get("flaws", {}).items()]
    if unmatched:
        found.append(f"{len(unmatched):,} override(s) are about accounts in no group: {_some(unmatched)}")
    return found


def _of_dates(reason: str, flaw: Mapping[str, Any], order: str) -> str:
    what = {
        UNPARSABLE: "that cannot be read, and count as without one",
        OTHER_ORDER: f"that can only be read otherwise than the others, which have the {order}",
    }
    return f"{flaw['records']:,} record(s) have a date {what[reason]} ({_some(flaw['examples'])})"


def _some(values: Sequence[str]) -> str:
    return ", ".join([*values[:SHOWN], *(["…"] if len(values) > SHOWN else [])])
