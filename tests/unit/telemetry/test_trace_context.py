"""W3C trace contexts: what is understood, what is not, and who is recorded."""

import re

import pytest
from opentelemetry.trace import SpanContext, TraceFlags

from shared.telemetry.trace_context import is_sampled, new_traceparent, read_traceparent, write_traceparent

GIVEN = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_what_is_read_is_written_again() -> None:
    context = read_traceparent(GIVEN)
    assert context == SpanContext(int(TRACE, 16), 0xB7AD6B7169203331, is_remote=True, trace_flags=TraceFlags(1))
    assert write_traceparent(context) == GIVEN


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        b"",
        b"\xff\x00",
        GIVEN[:-1],
        GIVEN.upper(),
        GIVEN + b"-more",
        b"ff" + GIVEN[2:],
        b"00-" + b"0" * 32 + GIVEN[35:],
        GIVEN[:36] + b"0" * 16 + b"-01",
    ],
)
def test_nonsense_names_no_context(nonsense: bytes | None) -> None:
    assert read_traceparent(nonsense) is None


@pytest.mark.parametrize(("flags", "sampled"), [(b"00", False), (b"01", True), (b"02", False), (b"03", True)])
def test_the_lowest_flag_says_whether_it_is_recorded(flags: bytes, sampled: bool) -> None:
    assert is_sampled(GIVEN[:-2] + flags) is sampled
    assert not is_sampled(None)


def test_a_new_context_is_valid_and_recorded_as_often_as_is_asked_for() -> None:
    made = [new_traceparent(0.25) for _ in range(4_000)]
    assert all(map(read_traceparent, made))
    assert len(set(made)) == len(made)
    assert 800 < sum(map(is_sampled, made)) < 1_200
    assert not any(is_sampled(new_traceparent()) for _ in range(100))
    assert all(is_sampled(new_traceparent(1.0)) for _ in range(100))


def test_whether_a_trace_is_recorded_follows_from_its_id() -> None:
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-01", new_traceparent(0.6, TRACE).decode())
    assert not is_sampled(new_traceparent(0.4, TRACE))
