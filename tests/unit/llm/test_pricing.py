"""What calls cost."""

import json
from pathlib import Path

import pytest

from shared.errors import UsageError
from shared.llm.calls import Tokens
from shared.llm.pricing import Prices, estimate_tokens

MILLION = 1_000_000


def test_default_models_cost_what_their_vendors_list() -> None:
    prices = Prices.load()
    both = Tokens(input=MILLION, output=MILLION)

    assert prices.cost("openai", "gpt-4o-mini", both) == pytest.approx(0.15 + 0.60)
    assert prices.cost("anthropic", "claude-haiku-4-5", both) == pytest.approx(1 + 5)
    assert prices.cost("google", "gemini-2.5-flash", both) == pytest.approx(0.30 + 2.50)


def test_a_dated_version_costs_what_its_model_costs() -> None:
    tokens = Tokens(input=1_000, output=100)

    assert Prices().cost("openai", "gpt-4o-mini-2024-07-18", tokens) == Prices().cost("openai", "gpt-4o-mini", tokens)


def test_tokens_in_the_vendors_cache_have_their_own_price() -> None:
    prices = Prices.load()
    tokens = Tokens(input=MILLION, cached=600_000, cache_written=200_000, output=0)

    assert prices.cost("openai", "gpt-4o-mini", Tokens(input=MILLION, cached=MILLION)) == pytest.approx(0.075)
    assert prices.cost("anthropic", "claude-haiku-4-5", tokens) == pytest.approx(0.2 * 1 + 0.6 * 0.1 + 0.2 * 1.25)


def test_a_price_that_depends_on_the_length_of_the_call_is_exact() -> None:
    prices = Prices.load()

    assert prices.cost("google", "gemini-2.5-pro", Tokens(input=100_000)) == pytest.approx(0.125)
    assert prices.cost("google", "gemini-2.5-pro", Tokens(input=MILLION)) == pytest.approx(2.50)


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_a_file_wins_over_the_built_in_prices(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"prices.{suffix}"
    if suffix == "toml":
        path.write_text('["gpt-4o-mini"]\ninput = 1\noutput = 2\n["own"]\ninput = 3\ncached_input = 0.5\noutput = 4\n')
    else:
        own = {"input": 3, "cached_input": 0.5, "output": 4}
        path.write_text(json.dumps({"gpt-4o-mini": {"input": 1, "output": 2}, "own": own}))
    prices = Prices.load(path)
    tokens = Tokens(input=MILLION, cached=500_000, cache_written=100_000, output=MILLION)

    prices.check("openai", "own")
    assert prices.cost("openai", "gpt-4o-mini", tokens) == pytest.approx(1 + 2)
    assert prices.cost("local", "own", tokens) == pytest.approx(0.4 * 3 + 0.5 * 0.5 + 0.1 * 3 + 4)
    assert prices.cost("anthropic", "claude-haiku-4-5", Tokens(input=MILLION)) == pytest.approx(1)


def test_own_models_are_free_and_always_known() -> None:
    Prices.load().check("local", "whatever")

    assert Prices.load().cost("local", "whatever", Tokens(input=MILLION, output=MILLION)) == 0


def test_a_model_nobody_knows_is_refused_with_the_remedy() -> None:
    with pytest.raises(UsageError, match="openai model 'gpt-9000' is not known") as caught:
        Prices.load().check("openai", "gpt-9000")

    assert "SLUICE_LLM_PRICES" in caught.value.remedy
    with pytest.raises(LookupError):
        Prices.load().cost("openai", "gpt-9000", Tokens(input=1))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.toml", "[own\n"),
        ("p.json", "{"),
        ("p.toml", "[own]\ninput = 1\n"),
        ("p.toml", "[own]\ninput = -1\noutput = 1\n"),
        ("p.toml", "[own]\ninput = 1\noutput = 1\ntypo = 1\n"),
        ("p.toml", "[own]\ninput = nan\noutput = 1\n"),
        ("p.json", "[]"),
        ("p.json", "[" * 3_000),
        ("p.toml", "a = " + "[" * 3_000),
        ("p.json", '{"own": {"input": 1e308, "output": 1}}'),
        ("absent.toml", None),
    ],
)
def test_an_unusable_file_is_refused_by_its_name(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)

    with pytest.raises(UsageError, match=name):
        Prices.load(tmp_path / name)


def test_tokens_are_estimated_from_characters_with_caution() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("a" * 400) == 110
    assert estimate_tokens("abc") == 1
