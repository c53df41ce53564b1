"""`sluice evaluate`: what a provider is asked, how it is scored, what it cost; and what it says when it cannot."""

import json
from pathlib import Path

import pytest

from tests.integration.sluice_command import Sluice, runner
from tests.simulated_vendor import running_simulator

ROWS = [
    {
        "indicator_id": "a",
        "name": "Zorblax frobnication output",
        "units": "Tonnes",
        "label": {"family": "physical-fundamental", "indicator_type": "volume", "temporal_aggregation": "period-total"},
    },
    {
        "indicator_id": "b",
        "name": "Quuxian widget lending rate",
        "units": "%",
        "label": {"family": "price-value", "indicator_type": "rate", "temporal_aggregation": "period-average"},
    },
]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


@pytest.fixture
def sluice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> Sluice:
    return runner(monkeypatch, capsys, tmp_path, {"SLUICE_DATABASE_URL": database_url})


async def test_a_provider_is_scored_and_billed(sluice: Sluice, labelled: Path) -> None:
    async with running_simulator(latency_mean=0.0, rpm=0, tpm=0, labels=str(labelled)) as vendor:
        first = await sluice("evaluate", str(labelled), "--provider", "openai", "--json", **vendor.environment())
        again = await sluice("evaluate", str(labelled), "--provider", "openai")
        stats = await vendor.stats()
    assert first.code == 0, first.err
    assert first.json["fields"]["pair"] == {"right": 2, "total": 2, "share": 1.0}
    bill = first.json["bill"]
    assert (bill["unanswered"], bill["calls"]) == (0, stats["calls"])
    assert bill["calls"] >= 2
    assert bill["cost_usd"] > 0
    assert bill["tokens_in"] > bill["tokens_out"] > 0
    assert again.out.splitlines()[-1].split() == ["0", "0", "0", "0", "0.0000", "0"]


async def test_a_cascade_report_takes_the_provider_as_it_answers(sluice: Sluice, labelled: Path) -> None:
    async with running_simulator(latency_mean=0.0, rpm=0, tpm=0, labels=str(labelled)) as vendor:
        found = await sluice(
            "evaluate", str(labelled), "--provider", "openai", "--cascade-report", "--json", **vendor.environment()
        )
    assert found.code == 0, found.err
    assert (found.json["rows"], found.json["model"]) == (2, "gpt-4o-mini")
    strictest = found.json["lines"][-1]
    assert (strictest["threshold"], strictest["accuracy_by_provider"]) == (0.99, strictest["accuracy_by_labels"])


@pytest.mark.parametrize(
    ("provider", "why"),
    [("openai", "provider 'openai' has no key"), ("oracle", "provider 'oracle' is not known")],
)
async def test_a_provider_that_cannot_be_asked_is_refused_before_anything(
    sluice: Sluice, labelled: Path, provider: str, why: str
) -> None:
    refused = await sluice("evaluate", str(labelled), "--provider", provider, OPENAI_API_KEY="")
    assert refused.code == 2
    assert why in refused.err
    assert not refused.out
