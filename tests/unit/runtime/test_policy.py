"""When a stage that rejects too much is stopped."""

import pytest

from shared.errors import HaltStage
from shared.runtime.policy import DeadLetterGuard, RetryPolicy

GOOD, BAD = False, True


def work(guard: DeadLetterGuard, rejected: list[bool]) -> None:
    guard.check("stage", rejected)
    guard.note(rejected)


def test_so_many_in_a_row_halt_over_batches() -> None:
    guard = DeadLetterGuard(max_in_a_row=5)
    work(guard, [GOOD, BAD, BAD])
    work(guard, [BAD, BAD])
    with pytest.raises(HaltStage, match="5 items in a row"):
        guard.check("stage", [BAD])
    work(guard, [GOOD, BAD])


def test_a_share_of_the_window_halts() -> None:
    guard = DeadLetterGuard(window=100, max_ratio=0.05)
    for _ in range(5):
        work(guard, [BAD] + [GOOD] * 9)
    with pytest.raises(HaltStage, match="6 of the last 60"):
        guard.check("stage", [BAD] + [GOOD] * 9)


def test_what_is_long_ago_is_forgotten() -> None:
    guard = DeadLetterGuard(window=100, max_ratio=0.05)
    for _ in range(50):
        work(guard, [BAD] + [GOOD] * 29)


def test_a_batch_that_comes_again_is_not_counted_again() -> None:
    guard = DeadLetterGuard(window=100, max_ratio=0.05, max_in_a_row=5)
    for _ in range(100):
        guard.check("stage", [BAD])
    work(guard, [BAD, BAD])


def test_the_longest_wait_is_known() -> None:
    assert RetryPolicy(topic_delays=(1.0, 7.0, 3.0)).longest_topic_delay == 7.0
    assert RetryPolicy(topic_delays=()).longest_topic_delay == 0.0
