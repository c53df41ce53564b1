"""The final summary, for people and for programs."""

import io
import json

from rich.console import Console

from services.cli.results import ResultRow, RowStatus
from services.cli.summary import Usage, as_json, as_tables, counts_table, summarise


def row(family: str | None, kind: str | None, status: RowStatus, review: str | None = None) -> ResultRow:
    return ResultRow("A", "x", family=family, indicator_type=kind, review_status=review, status=status, cost_usd=0.25)


ROWS = [
    row("price-value", "price", RowStatus.COMPLETED, "passed"),
    row("price-value", "rate", RowStatus.COMPLETED, "corrected"),
    row("other", None, RowStatus.NEEDS_HUMAN),
    row(None, None, RowStatus.REJECTED),
]
SUMMARY = summarise(ROWS, Usage(2.0, 0.5), {"output": "[x]/out.csv"})


def test_rows_are_counted_by_what_was_decided() -> None:
    assert SUMMARY.by_status == {"completed": 2, "needs_human": 1, "rejected": 1}
    assert SUMMARY.by_family == {"price-value": 2, "other": 1}
    assert SUMMARY.by_type == {"other/(none)": 1, "price-value/price": 1, "price-value/rate": 1}
    assert SUMMARY.by_review_status == {"(none)": 1, "corrected": 1, "passed": 1}
    assert (SUMMARY.indicators, SUMMARY.cost_usd, SUMMARY.per_second, SUMMARY.cpu_ms_each) == (4, 1.0, 2.0, 125.0)
    assert not SUMMARY.all_completed
    assert summarise(ROWS[:2], Usage(), {}).all_completed


def test_json_is_one_object() -> None:
    content = json.loads(as_json(SUMMARY))
    assert content["by_family"] == {"price-value": 2, "other": 1}
    assert content["elapsed_seconds"] == 2.0
    assert content["indicators_per_second"] == 2.0
    assert content["places"] == {"output": "[x]/out.csv"}
    assert content["all_completed"] is False


def shown(content: object) -> str:
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(content)
    return out.getvalue()


def test_tables_show_counts_shares_and_figures() -> None:
    text = shown(as_tables(SUMMARY))
    assert "│ price-value │     2 │ 66.7% │" in text
    assert "needs human 1" in " ".join(text.split())
    for expected in ("2.0 indicators/s", "0.5 s, 125.00 ms an indicator", "$1.0000", "[x]/out.csv"):
        assert expected in text


def test_an_empty_run_has_figures_only() -> None:
    text = shown(as_tables(summarise([], Usage(), {})))
    assert "Family" not in text
    assert "? indicators/s" in text


def test_a_long_table_ends_with_the_others() -> None:
    text = shown(counts_table("Type", {f"t{number}": 10 - number for number in range(5)}, limit=3))
    assert "t2" in text
    assert "2 others" in text
    assert "t3" not in text
