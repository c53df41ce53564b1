"""The sentences in which progress is told."""

from collections.abc import Sequence

from services.cli.progress.events import Pending
from services.cli.progress.meter import Meter, Reading
from shared.terminal.shown import duration, printable, rate, tally

MAX_PENDING_SHOWN = 100
MAX_TRACE_IDS_SHOWN = 5
MAX_REASON_SHOWN = 500


def progress_line(reading: Reading) -> str:
    """Progress: 10/20 (50%) - 15s elapsed, 0.7 indicators/s, ETA 15s."""
    pace = f"{duration(reading.elapsed)} elapsed, {rate(reading.rate)}"
    if reading.total is None:
        return f"Progress: {reading.done:,} - {pace}"
    share = f"{reading.done:,}/{reading.total:,} ({reading.percent}%)"
    return f"Progress: {share} - {pace}, ETA {duration(reading.remaining)}"


def stuck_lines(pending: Sequence[Pending]) -> list[str]:
    """What is known of each pending indicator."""
    lines = [f"No progress: {len(pending):,} indicators pending"]
    lines += [_pending_line(indicator) for indicator in pending[:MAX_PENDING_SHOWN]]
    if len(pending) > MAX_PENDING_SHOWN:
        lines.append(f"  … and {len(pending) - MAX_PENDING_SHOWN:,} more")
    return lines


def waits_line(stage: str, reason: str) -> str:
    """The reason, in one line."""
    return f"{stage} waits: {printable(reason, MAX_REASON_SHOWN)}"


def final_lines(meter: Meter, indicators: int, trace_ids: Sequence[str]) -> list[str]:
    """Indicators, batches, trace ids."""
    reading = meter.reading()
    outcome = f": {tally(reading.counts)}" if reading.done else ""
    more = f" … and {len(trace_ids) - MAX_TRACE_IDS_SHOWN:,} more" if len(trace_ids) > MAX_TRACE_IDS_SHOWN else ""
    return [
        f"Finished after {duration(reading.elapsed)}, {rate(meter.average())}{outcome}",
        f"Indicators: {indicators:,}",
        f"Batches: {len(trace_ids):,}",
        f"Trace ids: {', '.join(trace_ids[:MAX_TRACE_IDS_SHOWN]) or 'none'}{more}",
    ]


def of(number: int, total: int | None) -> str:
    """2/5, or 2 if nobody knows of how many."""
    return f"{number}" if total is None else f"{number}/{total}"


def _pending_line(indicator: Pending) -> str:
    name = f"{printable(indicator.indicator_id)} ({printable(indicator.name, 60)})"
    if indicator.stage is None:
        return f"  {name}: no stage has reported it"
    error = f", error: {printable(indicator.error)}" if indicator.error else ""
    return f"  {name}: last stage {indicator.stage}, status {indicator.status or 'unknown'}{error}"
