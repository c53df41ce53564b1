"""The whole path through a language model that knows the labels: every row ends with its label, whatever comes back."""

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.classification import ReviewedIndicator
from schemas.enums import ReviewStatus
from services.classification.evaluation_by_provider import ByProvider, ask_about
from services.classification.model.dataset import LabelledRow, read_labelled
from services.classification.review_row import objections, row_of
from shared.database import Database
from shared.embedded.process import free_port
from shared.service.models import make_gateway
from shared.settings import Settings
from tests.simulated_vendor import running_simulator

QUICK: dict[str, Any] = {"latency_mean": 0.0, "rpm": 0, "tpm": 0}
UNLIMITED = {f"SLUICE_{vendor}_{limit}": "0" for vendor in ("OPENAI", "ANTHROPIC") for limit in ("RPM", "TPM")}
ANSWERED = ("family", "indicator_type", "temporal_aggregation", "heat_map_orientation")
EVERY = 12
"""Of the rows, where each is reviewed: that asks more than twice as much."""


async def evaluated(
    database: Database,
    rows: Sequence[LabelledRow],
    provider: str = "openai",
    damaged: float = 0.0,
    *,
    port: int = 0,
    **env: str,
) -> tuple[ByProvider, dict[str, Any]]:
    """What comes of the rows, and what the vendor says of itself. A vendor at another port is another vendor."""
    async with running_simulator(**QUICK, port=port, faults={"damaged": damaged}) as vendor:
        settings = Settings.load({**vendor.environment(), **UNLIMITED, **env})
        async with make_gateway(settings, database, ()) as gateway:
            found = await ask_about(rows, provider, settings.llm, gateway, database, print)
        return found, await vendor.stats()


def final_of(found: ByProvider) -> list[ReviewedIndicator]:
    items = [one[0] for one in found.final if one]
    assert len(items) == len(found.final), "some rows have no answer"
    return items


def differing(rows: Sequence[LabelledRow], items: Sequence[ReviewedIndicator]) -> list[tuple[str, tuple[str, ...]]]:
    """Rows that did not end with their labels."""
    expected = [tuple(getattr(row.label, name) for name in ANSWERED) for row in rows]
    given = [_values(item) for item in items]
    return [(row.name, got) for row, want, got in zip(rows, expected, given, strict=True) if got != want]


def _values(item: ReviewedIndicator) -> tuple[str, ...]:
    kind = item.type
    return item.family.family, kind.indicator_type, kind.temporal_aggregation, kind.heat_map_orientation


@pytest.mark.parametrize("damaged", [0.0, 0.05])
async def test_every_labelled_row_ends_with_its_label(database: Database, damaged: float) -> None:
    rows = read_labelled()
    found, _ = await evaluated(database, rows, damaged=damaged)
    items = final_of(found)
    assert differing(rows, items) == []
    contradictory = [item for item in items if objections(row_of(item))]
    assert contradictory, "some labels contradict a rule"
    assert all(item.review_status is ReviewStatus.NEEDS_HUMAN for item in contradictory)
    assert found.bill.unanswered == 0
    assert found.bill.calls >= 2 * len(rows) / 15
    assert found.bill.cost_usd > 0


async def test_with_every_row_reviewed_and_another_vendor_it_is_the_same(database: Database) -> None:
    rows = read_labelled()[::EVERY]
    found, _ = await evaluated(database, rows, "anthropic", 0.05, SLUICE_REVIEW="all")
    items = final_of(found)
    assert differing(rows, items) == []
    assert {usage.provider for _, spent in filter(None, found.final) for usage in spent} == {"anthropic"}


async def test_facets_are_asked_too_where_their_own_settings_say_so(database: Database) -> None:
    rows = read_labelled()[::EVERY]
    own: dict[str, Any] = {f"LLM_PROVIDER_{stage}": "openai" for stage in ("TIME", "SCALE", "CURRENCY")}
    found, vendor = await evaluated(database, rows, damaged=0.05, **own)
    items = final_of(found)
    assert differing(rows, items) == []
    assert [item.time.time_basis for item in items] == [row.label.time_basis for row in rows]
    money = [item.currency.is_currency_denominated for item in items]
    assert money == [row.label.is_currency_denominated for row in rows]
    assert {"time", "scale", "currency"} <= set(vendor["by_question"])


async def test_what_was_asked_once_costs_nothing_again(database: Database) -> None:
    rows = read_labelled()[:60]
    port = free_port()
    first, _ = await evaluated(database, rows, port=port)
    second, vendor = await evaluated(database, rows, port=port)
    assert first.bill.calls > 0
    assert (second.bill.calls, second.bill.cost_usd, vendor["calls"]) == (0, 0.0, 0)
    assert second.predictions == first.predictions
