"""Classification through a vendor's model: every item ends once, with its own answer, whatever the vendor does."""

import pytest

from tests.contract.waiting import eventually
from tests.integration.asked_pipeline import FINAL, QUICK, AskedPipeline, labelled


async def test_values_are_the_labels_and_cost_is_what_the_ledger_says(asked: AskedPipeline) -> None:
    rows, expected = labelled(0, 200)
    before = await asked.spent()
    batches = await asked.run(rows)
    assert await asked.differing(expected) == {}
    statuses = await asked.statuses(batches)
    assert statuses.keys() == expected.keys()
    assert all(len(found) == 1 and found[0] in FINAL for found in statuses.values())
    spent = await asked.spent() - before
    assert spent > 0
    assert sum(batch.cost_usd for batch in batches) == pytest.approx(spent, rel=1e-9)
    assert sum(batch.tokens_in for batch in batches) > 0

    calls = await asked.calls()
    again = await asked.run(rows)
    assert await asked.calls() == calls
    assert sum(batch.cost_usd for batch in again) == 0
    assert await asked.differing(expected) == {}


async def test_damaged_answers_change_no_value(asked: AskedPipeline) -> None:
    rows, expected = labelled(200, 400)
    before = await asked.spent()
    await asked.vendor.control(faults={"damaged": 0.05}, reset=True)
    try:
        batches = await asked.run(rows)
        stats = await asked.vendor.stats()
    finally:
        await asked.vendor.control(faults={"damaged": 0.0})
    assert sum(stats["faults"].values()) > 0
    assert await asked.differing(expected) == {}
    assert all(len(found) == 1 and found[0] in FINAL for found in (await asked.statuses(batches)).values())
    assert sum(batch.cost_usd for batch in batches) == pytest.approx(await asked.spent() - before, rel=1e-9)


async def test_a_killed_process_leads_to_the_same_table(asked: AskedPipeline) -> None:
    rows, expected = labelled(440, 540)
    family = asked.pipeline.child_of("family")
    await asked.vendor.control(latency_median=10.0)
    try:
        batch_ids = await asked.pipeline.submit(rows)
        pending = "SELECT count(*) > 0 FROM llm_call WHERE outcome = 'pending' AND question = 'family'"
        await eventually(lambda: asked.pipeline.database.fetchval(pending), "a call in flight")
        await asked.restart(family)
    finally:
        await asked.vendor.control(latency_median=QUICK)
    # What the dead process was asking about is free once its claims are over; here at once.
    await asked.pipeline.database.execute("UPDATE llm_claim SET expires_at = now()")
    batches = await asked.pipeline.finished(batch_ids)
    assert await asked.differing(expected) == {}
    assert all(len(found) == 1 and found[0] in FINAL for found in (await asked.statuses(batches)).values())
