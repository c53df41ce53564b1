"""What is shown while a command runs, with a clock that the test moves."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from services.cli.progress import (
    LiveProgress,
    Pending,
    PlainProgress,
    Progress,
    QuietProgress,
    StallWatch,
    Totals,
    progress_for,
)
from services.cli.progress.meter import Meter
from shared.terminal.shown import duration, printable, rate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def run_through(progress: Progress, clock: Clock) -> None:
    """Twenty indicators in two batches of one group, one of which never comes."""
    with progress:
        progress.begin(Totals(20, 2, 1))
        progress.group_started(1, 2)
        progress.batch_started(1, 1, 10)
        progress.batch_accepted(1, "trace-a")
        progress.batch_started(2, 11, 20)
        progress.batch_accepted(2, "trace-b")
        progress.queued(20)
        for seconds, completed, failed in ((5, 1, 0), (10, 2, 0), (15, 9, 1), (16, 10, 1), (18, 17, 2)):
            clock.now = 100.0 + seconds
            progress.advanced({"completed": completed, "failed": failed})
        clock.now = 140.0
        progress.stuck([Pending("X-1", "GDP", "family", "started", "model\nis away")])
        progress.group_completed(1)
        progress.finished(20, ["trace-a", "trace-b"])


GOLDEN = """\
Group 1/1: starting 2 concurrent batches
Batch 1/2: indicators 1\N{EN DASH}10
Batch 1/2: accepted (trace trace-a)
Batch 2/2: indicators 11\N{EN DASH}20
Batch 2/2: accepted (trace trace-b)
20 indicators queued
Progress: 2/20 (10%) - 10s elapsed, 0.2 indicators/s, ETA 1m30s
Progress: 10/20 (50%) - 15s elapsed, 0.7 indicators/s, ETA 15s
Progress: 19/20 (95%) - 18s elapsed, 1.1 indicators/s, ETA 1s
No progress: 1 indicators pending
  X-1 (GDP): last stage family, status started, error: model is away
Group 1 completed
Finished after 40s, 0.5 indicators/s: completed 17, failed 2
Indicators: 20
Batches: 2
Trace ids: trace-a, trace-b
"""


def test_plain_lines() -> None:
    clock, lines = Clock(), list[str]()
    run_through(PlainProgress(lines.append, clock), clock)
    assert "\n".join(lines) + "\n" == GOLDEN


def test_plain_lines_without_totals() -> None:
    clock, lines = Clock(), list[str]()
    progress = PlainProgress(lines.append, clock)
    progress.begin(Totals())
    progress.group_started(3, 1)
    progress.batch_started(7, 601, 700)
    progress.batch_failed(7, "the broker\x1b[2J is away")
    clock.now += 2
    for done in (999, 1_000, 1_500, 2_100):
        progress.advanced({"completed": done})
    progress.finished(0, [])
    assert lines == [
        "Group 3: starting 1 concurrent batches",
        "Batch 7: indicators 601\N{EN DASH}700",
        "Batch 7: not accepted: the broker [2J is away",
        "Progress: 1,000 - 2s elapsed, 500 indicators/s",
        "Progress: 2,100 - 2s elapsed, 1,050 indicators/s",
        "Finished after 2s, 1,050 indicators/s: completed 2,100",
        "Indicators: 0",
        "Batches: 0",
        "Trace ids: none",
    ]


def test_long_lists_are_cut() -> None:
    lines = list[str]()
    progress = PlainProgress(lines.append, Clock())
    progress.stuck([Pending(str(number), "GDP") for number in range(1_150)])
    assert lines[1] == "  0 (GDP): no stage has reported it"
    assert lines[-1] == "  … and 1,050 more"
    progress.finished(5, [str(number) for number in range(30)])
    assert lines[-1].endswith("3, 4 … and 25 more")


def terminal() -> tuple[Console, Callable[[], str]]:
    out = io.StringIO()
    return Console(file=out, force_terminal=True, width=140, color_system=None), out.getvalue


def test_the_bar_shows_share_rate_time_and_counts() -> None:
    console, shown = terminal()
    clock = Clock()
    run_through(LiveProgress(console, clock, auto_refresh=False), clock)
    assert "95% 19/20 · 0.5 indicators/s · 40s elapsed · ETA 2s · completed 17, failed 2" in shown()
    assert "Group 1/1" in shown()
    assert "X-1 (GDP): last stage family" in shown()
    assert shown().rstrip().endswith("Trace ids: trace-a, trace-b")


def test_the_bar_takes_text_as_it_is_and_needs_no_total() -> None:
    console, shown = terminal()
    clock = Clock()
    with LiveProgress(console, clock, auto_refresh=False) as progress:
        progress.begin(Totals())
        progress.batch_failed(1, "[red]oops[/red]")
        clock.now += 1
        progress.advanced({"completed": 5})
    assert "Batch 1: not accepted: [red]oops[/red]" in shown()
    assert "5 · 5.0 indicators/s · 1s elapsed · completed 5" in shown()


def test_the_display_suits_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    console, _ = terminal()
    clock = Clock()
    assert isinstance(progress_for(console, clock), LiveProgress)
    assert type(progress_for(console, clock, quiet=True)) is QuietProgress
    out = io.StringIO()
    run_through(progress_for(Console(file=out, width=40), clock), clock)
    assert out.getvalue() == GOLDEN
    run_through(QuietProgress(), clock)
    assert capsys.readouterr().out == ""


@given(steps=st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50)), max_size=30), extra=st.integers(0, 10))
def test_readings_are_always_plausible(steps: list[tuple[float, int]], extra: int) -> None:
    clock, total = Clock(), sum(count for _, count in steps) + extra
    meter, done = Meter(clock, total), 0
    for seconds, count in steps:
        clock.now += seconds
        done += count
        reading = meter.update({"completed": done})
        assert reading.percent is not None
        assert 0 <= reading.percent <= 100
        assert (reading.percent == 100) == (done == total)
        assert reading.rate is None or reading.rate > 0
        assert reading.remaining is None or reading.remaining >= 0


def test_the_rate_is_that_of_late() -> None:
    clock = Clock()
    meter = Meter(clock, 10_000)
    clock.now += 60  # starting up
    for done in range(100, 4_100, 100):
        clock.now += 1
        reading = meter.update({"completed": done})
    assert (reading.rate, reading.remaining) == (100.0, 60.0)
    assert meter.average() == 40.0


def test_a_stall_is_told_after_ten_idle_polls_and_again_after_ten_more() -> None:
    watch = StallWatch()
    polls = [watch.stuck(done) for done in [0] * 9 + [5] + [5] * 25]
    assert [number for number, stuck in enumerate(polls) if stuck] == [19, 29]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "?"), (-1.0, "0s"), (59.4, "59s"), (59.6, "1m00s"), (125.0, "2m05s"), (3_720, "1h02m")],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_rates_and_foreign_text() -> None:
    assert [rate(None), rate(9.94), rate(1_250.4)] == ["? indicators/s", "9.9 indicators/s", "1,250 indicators/s"]
    assert printable("a\x1b]0;x\x07b\u202e", 20) == "a ]0;x b "
    assert printable("x" * 30, 10) == "xxxxxxxxx…"
