import statistics

import pytest

from services.simulator.tokens import PrefixCache, count_tokens
from tests.unit.simulator.asking import Bench

LONG = "alpha beta gamma delta " * 600


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("one two three", 3),
        ("internationalization", 3),
        ('{"id":"m1","name":"GDP"}', 4 + 7),
        ("Größe", 1),
        ("a.b", 3),
    ],
)
def test_words_and_marks_make_tokens(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_tokens_are_no_fixed_share_of_characters() -> None:
    texts = ["the state of the economy", "internationally denominated receivables", '{"a":1,"b":[2,3]}', "12 34 56"]
    assert statistics.pstdev(len(text) / count_tokens(text) for text in texts) > 0.5


def test_openai_caches_a_long_beginning_in_steps() -> None:
    bench = Bench()
    _, first = bench.openai("x", instructions=LONG)
    _, again = bench.openai("another", instructions=LONG)
    assert first["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    cached = again["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert (cached % 128, cached > 2000) == (0, True)
    assert cached <= again["usage"]["prompt_tokens"]


@pytest.mark.parametrize(
    ("instructions", "model", "seconds"), [(LONG + "!", None, 0), (LONG, "gpt-4o", 0), (LONG, None, 301)]
)
def test_another_beginning_model_or_time_is_not_cached(instructions: str, model: str | None, seconds: float) -> None:
    bench = Bench()
    bench.openai("x", instructions=LONG)
    bench.time += seconds
    _, again = bench.openai("x", instructions=instructions, model=model or "gpt-4o-mini")
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_a_short_beginning_is_not_cached() -> None:
    bench = Bench()
    for _ in range(2):
        _, body = bench.openai("x")
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_anthropic_writes_the_marked_beginning_and_then_reads_it() -> None:
    bench = Bench()
    _, first = bench.anthropic("x", instructions=LONG)
    _, again = bench.anthropic("x", instructions=LONG)
    written, read = first["usage"], again["usage"]
    assert written["cache_creation_input_tokens"] == read["cache_read_input_tokens"] > 2048
    assert written["cache_read_input_tokens"] == read["cache_creation_input_tokens"] == 0
    assert written["input_tokens"] == read["input_tokens"] < 100


def test_anthropic_caches_nothing_that_is_not_marked() -> None:
    bench = Bench()
    for _ in range(2):
        _, body = bench.anthropic("x", system=LONG)
    assert body["usage"]["cache_creation_input_tokens"] == body["usage"]["cache_read_input_tokens"] == 0
    assert body["usage"]["input_tokens"] > 2048


def test_stats_add_up_to_the_usage_told() -> None:
    bench = Bench()
    told = [bench.openai(name, instructions=LONG)[1]["usage"] for name in ("x", "y")]
    tokens = bench.simulator.stats.as_dict()["tokens"]
    assert tokens["input"] == sum(usage["prompt_tokens"] for usage in told)
    assert tokens["output"] == sum(usage["completion_tokens"] for usage in told)
    assert tokens["cached"] == told[1]["prompt_tokens_details"]["cached_tokens"] > 0


def test_the_prompt_cache_forgets_what_is_not_used() -> None:
    time = [0.0]
    cache = PrefixCache(lambda: time[0], seconds=10)
    assert [cache.use("a"), cache.use("a")] == [False, True]
    time[0] = 9
    assert cache.use("a")
    time[0] = 18
    assert cache.use("a")
    time[0] = 28
    assert not cache.use("a")
