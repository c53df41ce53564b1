import random

import pytest

from services.simulator.limits import Bucket, RateLimits
from services.simulator.stats import most_within
from tests.unit.simulator.asking import Bench, headers_of


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_a_bucket_holds_its_burst_and_refills_at_its_rate() -> None:
    clock = Clock()
    bucket = Bucket(600, burst_seconds=1.0, clock=clock)
    assert bucket.remaining == 10
    bucket.take(10)
    assert bucket.remaining == 0
    assert bucket.lacking(1) == pytest.approx(0.1)
    clock.time += 0.5
    assert (bucket.remaining, bucket.lacking(1)) == (5, 0.0)
    clock.time += 60
    assert (bucket.remaining, bucket.seconds_to_full) == (10, 0.0)


def test_a_call_larger_than_the_bucket_passes_when_it_is_full_and_is_paid_off() -> None:
    clock = Clock()
    bucket = Bucket(6000, burst_seconds=1.0, clock=clock)
    assert bucket.lacking(1000) == 0.0
    bucket.take(1000)
    assert bucket.lacking(1) == pytest.approx(9.01)
    assert bucket.remaining == 0


def test_a_call_that_one_bucket_refuses_takes_nothing_from_the_other() -> None:
    limits = RateLimits({"requests": 600, "tokens": 60, "free": 0}, 1.0, Clock())
    assert limits.admit({"requests": 1, "tokens": 1}) is None
    refused = limits.admit({"requests": 1, "tokens": 1})
    assert refused is not None
    assert refused[0] == "tokens"
    assert refused[1] == pytest.approx(1.0)
    assert limits.buckets["requests"].remaining == 9
    assert "free" not in limits.buckets


@pytest.mark.parametrize("seed", range(5))
def test_no_minute_sees_more_than_the_limit_and_a_burst(seed: int) -> None:
    """However calls arrive."""
    chance, bench = random.Random(seed), Bench(rpm=120, tpm=0)
    admitted = []
    for _ in range(600):
        bench.time += chance.choice((0, 0, 0, 0.05, 0.3, 2.0))
        reply, _ = bench.openai("x")
        if reply.status == 200:
            admitted.append(bench.time)
        else:
            wait = float(headers_of(reply)["retry-after-ms"]) / 1000
            assert 0 < wait <= 0.501  # rounded up to milliseconds
            bench.time += wait
            assert bench.openai("x")[0].status == 200  # whoever waits as told is served
            admitted.append(bench.time)
    assert most_within(admitted, 60.0) <= 120 + 2
    assert most_within(admitted, 1.0) <= 2 + 2


def test_openai_headers_and_its_429() -> None:
    bench = Bench(rpm=60, tpm=600_000)
    first, body = bench.openai("x")
    headers = headers_of(first)
    taken = body["usage"]["total_tokens"]
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("60", "0")
    assert headers["x-ratelimit-reset-requests"] == "1s"
    assert headers["x-ratelimit-limit-tokens"] == "600000"
    assert headers["x-ratelimit-remaining-tokens"] == str(10_000 - taken)
    bench.time += 0.25
    second, error = bench.openai("x")
    assert (second.status, error["error"]["type"], error["error"]["code"]) == (429, "requests", "rate_limit_exceeded")
    assert "0.75" in error["error"]["message"] or "750ms" in error["error"]["message"]
    assert (headers_of(second)["retry-after"], headers_of(second)["retry-after-ms"]) == ("1", "750")


def test_anthropic_counts_what_goes_in_and_out_apart() -> None:
    bench = Bench(rpm=600, tpm=60_000, output_tpm=6_000)
    reply, body = bench.anthropic("x")
    headers, used = headers_of(reply), body["usage"]
    assert headers["anthropic-ratelimit-requests-remaining"] == "9"
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == str(1000 - used["input_tokens"])
    assert headers["anthropic-ratelimit-output-tokens-remaining"] == str(max(0, 100 - used["output_tokens"]))
    assert headers["anthropic-ratelimit-output-tokens-limit"] == "6000"
    assert headers["anthropic-ratelimit-tokens-limit"] in {"60000", "6000"}
    assert headers["anthropic-ratelimit-requests-reset"].startswith("2023-11-14T22:13:20.1")
    assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")


def test_anthropic_429_has_the_vendors_words() -> None:
    bench = Bench(rpm=60, tpm=0)
    bench.anthropic("x")
    reply, body = bench.anthropic("x")
    assert (reply.status, body["type"], body["error"]["type"]) == (429, "error", "rate_limit_error")
    assert headers_of(reply)["retry-after"] == "1"  # whole seconds, and never too few


def test_time_scale_makes_limits_larger_latency_shorter_and_waits_exact() -> None:
    bench = Bench(rpm=60, tpm=0, time_scale=20, latency_median=2.0, latency_sigma=0)
    reply, _ = bench.openai("x")
    assert headers_of(reply)["x-ratelimit-limit-requests"] == "1200"
    assert bench.slept == [pytest.approx(0.1)]
    reply, _ = bench.openai("x")
    assert headers_of(reply)["retry-after"] == "0.050"


def test_limits_need_not_be_announced() -> None:
    bench = Bench(rpm=60, announce=False)
    statuses = [bench.openai("x"), bench.openai("x")]
    assert [reply.status for reply, _ in statuses] == [200, 429]
    assert not [name for reply, _ in statuses for name in headers_of(reply) if "ratelimit" in name]
    assert headers_of(statuses[1][0])["retry-after-ms"] == "1000"


def test_vendors_have_limits_of_their_own() -> None:
    bench = Bench(rpm=60)
    assert [bench.openai("x")[0].status, bench.anthropic("x")[0].status] == [200, 200]


def test_calls_turned_away_are_counted_and_never_slept_for() -> None:
    bench = Bench(rpm=60, latency_mean=1.0)
    for _ in range(3):
        bench.openai("x")
    stats = bench.simulator.stats.as_dict()
    assert (stats["calls"], stats["admitted"], stats["rate_limited"]) == (3, 1, 2)
    assert stats["by_status"] == {"200": 1, "429": 2}
    assert len(bench.slept) == 1


def test_the_busiest_window_is_half_open() -> None:
    assert most_within([0.0, 0.5, 0.9, 1.0, 1.4], 1.0) == 4
    assert most_within([], 1.0) == 0
