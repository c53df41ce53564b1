"""One run over an export of a few thousand rows, for all tests that look at one."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest

from services.deduplication.rules import Rules
from tests.companies import HEADERS, Companies, Row
from tests.unit.deduplication.runs import Cells, run

KEPT = ("survivors", "names", "tokens", "neighbours", "directory", "edges", "audit", "grouping")


@pytest.fixture(scope="session")
def companies() -> list[Row]:
    """Rows with the truth about them."""
    return Companies(41).rows(3_000)


@pytest.fixture(scope="session")
def export(companies: list[Row]) -> list[Cells]:
    """The rows as a file holds them: with an id that repeats, and one that is none."""
    rows: list[dict[str, str | None]] = [dict(zip(HEADERS, row.cells, strict=True)) for row in companies]
    rows[7]["Account ID"] = rows[3]["Account ID"]
    rows[9]["Account ID"] = "no id"
    return list(rows)


@pytest.fixture(scope="session")
def finished(export: list[Cells]) -> Mapping[str, pa.Table]:
    """A run in one part, with what it made on the way."""
    return run(export, keep=KEPT)


@pytest.fixture(scope="session")
def strict(export: list[Cells]) -> Mapping[str, pa.Table]:
    """The same by the rules of the tool that came before."""
    return run(export, Rules.of("strict"), keep=KEPT)


@pytest.fixture(scope="session")
def reviewed(finished: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
    """The rows of its review table."""
    rows: list[dict[str, Any]] = finished["review_ready"].to_pylist()
    return rows
