"""Estimates and what runs took, as figures: sums, errors, one line, tables."""

import io
import json

import pytest
from rich.console import Console

from services.cli.providers import asks_vendors
from services.cli.spending import Spending, as_json, as_table, in_a_line
from services.cli.summary import Usage, as_tables, summarise
from services.cli.summary import as_json as summary_as_json
from shared.llm.estimate import Estimate, StageEstimate
from shared.settings import Settings


def stage(question: str, calls: int, cost: float) -> StageEstimate:
    return StageEstimate(question, "openai", "gpt-4o-mini", 30, 20, 5, calls, 1_000, 400, 100, cost, measured=False)


ESTIMATE = Estimate(2_000, (stage("family", 2, 0.01), stage("type", 3, 0.03)), 61.0, cache_looked_at=True)
SPENT = Spending(2_000, 4, 1_900, 210, 0.05, calls=5, cached_share=0.41, estimate=ESTIMATE)


def shown(content: object) -> str:
    out = io.StringIO()
    Console(file=out, width=160, color_system=None).print(content)
    return " ".join(out.getvalue().split())


def test_an_estimate_adds_up() -> None:
    assert (ESTIMATE.calls, ESTIMATE.tokens_in, ESTIMATE.tokens_out) == (5, 2_000, 200)
    assert ESTIMATE.cost_usd == pytest.approx(0.04)
    assert in_a_line(ESTIMATE) == "estimate: 5 calls, 2,000 tokens in, 200 out, $0.0400, 1m01s at least"
    unknown = Estimate(1, (), 0.0, cache_looked_at=False)
    assert in_a_line(unknown).endswith("; answers that are kept were not looked at")
    assert "total - 60 40 10 5 2,000 800 200 0.0400" in shown(as_table(ESTIMATE))
    assert "none" in shown(as_table(unknown))
    found = json.loads(json.dumps(as_json(ESTIMATE)))
    assert (found["calls"], found["cost_per_thousand_usd"], len(found["stages"])) == (5, pytest.approx(0.02), 2)


def test_the_error_is_how_far_the_estimate_was_above() -> None:
    assert SPENT.error_percent == pytest.approx(-20)
    free = Spending(10, 1, 1_000, 100, 0.0, estimate=ESTIMATE)
    assert free.error_percent == pytest.approx(100)
    assert Spending(10, 1, 0, 0, 0.0, estimate=Estimate(10, (), 0.0, cache_looked_at=True)).error_percent == 0
    assert Spending(10, 1, 0, 0, 0.0, estimate=ESTIMATE).error_percent is None
    assert Spending(10, 1, 0, 0, 0.0).error_percent is None


def test_a_summary_tells_what_was_spent() -> None:
    summary = summarise([], Usage(), {}, SPENT)
    text = shown(as_tables(summary))
    assert "model calls 5 tokens 1,900 in (41% cached), 210 out" in text
    assert "per 1,000 $0.0250, $0.0125 a batch" in text
    assert "estimate $0.0400, 20.0 % below what it came to" in text
    spent = json.loads(summary_as_json(summary))["spending"]
    assert (spent["calls"], spent["estimate_error_percent"]) == (5, pytest.approx(-20))
    assert json.loads(summary_as_json(summarise([], Usage(), {})))["spending"] is None


def test_calls_are_left_out_where_others_were_calling() -> None:
    text = shown(as_tables(summarise([], Usage(), {}, Spending(10, 1, 1_000, 100, 0.1))))
    assert "model calls" not in text
    assert "tokens 1,000 in, 100 out" in text


@pytest.mark.parametrize(
    ("variables", "wish", "asks"),
    [
        ({}, "", False),
        ({"LLM_PROVIDER": "openai"}, "", True),
        ({"LLM_PROVIDER": "openai"}, "embedded", False),
        ({}, "cascade:openai", True),
        ({"LLM_PROVIDER_TIME": "openai"}, "embedded", True),
    ],
)
def test_whether_a_run_asks_vendors(variables: dict[str, str], wish: str, asks: bool) -> None:
    assert asks_vendors(Settings.load(variables).llm, wish, ["time", "family"]) is asks
