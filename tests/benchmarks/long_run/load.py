"""Indicators without end: those of the demo and of the tests over and over, each under an id that is its own."""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.end_to_end import load

TESTS = Path(__file__).resolve().parents[2] / "data" / "indicators.jsonl"
DEMO_ROWS = 10_000


def indicators(count: int) -> Iterator[tuple[str, str]]:
    """So many indicators as (id, JSON)."""
    rows = [json.loads(raw) for _, raw in load(DEMO_ROWS)]
    rows += [json.loads(line) for line in TESTS.read_text(encoding="utf-8").splitlines()]
    for number in range(count):
        row = rows[number % len(rows)]
        item_id = f"{row['indicator_id']}~{number}"
        yield item_id, json.dumps({**row, "indicator_id": item_id})
