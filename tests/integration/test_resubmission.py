"""An indicator that is submitted again, with other data, within one batch: the newest version wins. Real server."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from schemas.classification import NormalizedIndicator
from schemas.delivery import Header
from schemas.indicator import Indicator
from services.classification.final_row import Effort, final_row
from services.classification.in_memory import classify_in_memory
from services.classification.normalize import MAX_BATCH_ID, normalize, own_batch_id
from services.classification.pipeline import CLASSIFICATION
from services.classification.store import upsert_classifications
from shared.broker.producer import Publisher
from shared.database import Database
from shared.database.ledger import NewBatch, batch, items, open_batch, register_items
from shared.feeding import Feeder, Submission
from shared.llm.gateway import EmbeddedProvider, Gateway, Routes
from shared.runtime.envelope import MEANINGFUL, Envelope, Envelopes, OutRecord, Record
from shared.runtime.outcome import Reject
from shared.settings import FeedSettings

NOW = datetime.now(UTC)
GATEWAY = Gateway({"embedded": EmbeddedProvider()}, Routes())


def payload(name: str, units: str = "%") -> str:
    return json.dumps({"indicator_id": name, "name": "Policy rate", "units": units})


def envelope(text: str, batch_id: str) -> Envelope:
    record = cast(Record, SimpleNamespace(value=text.encode()))
    return Envelope(json.loads(text)["indicator_id"], record, {Header.BATCH_ID: batch_id.encode()})


async def fetch(database: Database, batch_id: str, *texts: str) -> list[tuple[str, str]]:
    """What `normalize` makes of one fetch: the batch of each item, and the units it goes on with."""
    envelopes = Envelopes(envelope(text, batch_id) for text in texts)
    outcomes: Sequence[Any] = await normalize(
        [Indicator.model_validate_json(text) for text in texts], envelopes, database, GATEWAY
    )
    normalized = [cast(NormalizedIndicator, outcome.messages[0]) for outcome in outcomes]
    return [(one.batch_id, item.subject.units) for one, item in zip(envelopes, normalized, strict=True)]


async def test_another_version_has_a_batch_of_its_own(database: Database) -> None:
    first, second = payload("a"), payload("a", "USD")
    own = own_batch_id("hour", second)
    assert await fetch(database, "hour", first, payload("b")) == [("hour", "%"), ("hour", "%")]
    for _ in ("submitted", "delivered again"):
        assert await fetch(database, "hour", second) == [(own, "USD")]
    assert await fetch(database, "hour", first) == [("hour", "%")]

    found, old = await batch(database, own), await batch(database, "hour")
    assert found and old
    assert (found.total, found.declared, old.total) == (1, False, 2)
    assert [item.payload for item in await items(database, own)] == [second]


async def test_versions_in_one_fetch_are_told_apart(database: Database) -> None:
    texts = [payload("a"), payload("a", "USD"), payload("a"), payload("a", "EUR")]
    found = await fetch(database, "hour", *texts)
    assert found == [
        ("hour", "%"),
        (own_batch_id("hour", texts[1]), "USD"),
        ("hour", "%"),
        (own_batch_id("hour", texts[3]), "EUR"),
    ]


async def test_a_stranger_to_a_declared_batch_does_not_fill_it(database: Database) -> None:
    known, stranger = payload("a"), payload("b")
    await open_batch(database, NewBatch("declared", "classification", 1))
    await register_items(database, "classification", batch_ids=["declared"], item_ids=["a"], payloads=[known])
    assert await fetch(database, "declared", known, stranger) == [
        ("declared", "%"),
        (own_batch_id("declared", stranger), "%"),
    ]


async def test_a_word_in_a_text_does_not_make_another_version(database: Database) -> None:
    text = '{"indicator_id": "a", "name": "Infinity NaNo index",  "units": "%"}'
    await open_batch(database, NewBatch("declared", "classification", 1))
    await register_items(database, "classification", batch_ids=["declared"], item_ids=["a"], payloads=[text])
    assert await fetch(database, "declared", text) == [("declared", "%")]


async def test_a_version_that_is_rejected_is_accounted_in_its_own_batch(database: Database) -> None:
    await fetch(database, "hour", payload("a"))
    second = payload("a", "USD")
    wish = envelope(second, "hour")
    wish.headers[Header.PROVIDER] = b"oracle"
    (outcome,) = await normalize([Indicator.model_validate_json(second)], Envelopes([wish]), database, GATEWAY)
    assert isinstance(outcome, Reject)
    assert wish.batch_id == own_batch_id("hour", second)
    assert await batch(database, wish.batch_id)


async def test_what_is_published_again_is_as_old_as_it_is(database: Database) -> None:
    published: list[OutRecord] = []

    async def publish(records: Sequence[OutRecord]) -> None:
        published.extend(records)

    feeder = Feeder(CLASSIFICATION, database, cast(Publisher, SimpleNamespace(publish=publish)), FeedSettings())
    opened = (await feeder.submit(Submission([("a", payload("a"))]))).batch
    await database.execute("UPDATE batches SET batch_start_time = batch_start_time - interval '1 day'")
    old = await batch(database, opened.batch_id)
    assert old
    await feeder.resume(old, await items(database, old.batch_id))
    first, again = (float(dict(record.headers)[Header.INGESTED_AT]) for record in published)
    assert 86_300 < first - again < 86_500


def test_a_name_that_is_as_long_as_can_be_stays_a_name() -> None:
    name = own_batch_id("b" * MAX_BATCH_ID, "{}")
    assert len(name) == MAX_BATCH_ID
    assert MEANINGFUL[Header.BATCH_ID].fullmatch(name.encode())


async def test_the_newest_submission_stays_whatever_the_order(database: Database) -> None:
    async def row(units: str, submitted: datetime) -> tuple[object, ...]:
        (item,) = await classify_in_memory([Indicator.model_validate_json(payload("a", units))])
        return final_row(item, units, Effort(1.0, "embedded", "m", 0, 0, 0.0), submitted)

    async def stored() -> str:
        return str(await database.fetchval("SELECT original_units FROM classifications"))

    old, new = await row("%", NOW - timedelta(minutes=1)), await row("USD", NOW)
    await upsert_classifications(database, [new, old])
    assert await stored() == "USD"
    await upsert_classifications(database, [old])
    assert await stored() == "USD"
    await upsert_classifications(database, [await row("EUR", NOW)])
    assert await stored() == "EUR"
    await database.execute("UPDATE classifications SET submitted_at = NULL")
    await upsert_classifications(database, [old])
    assert await stored() == "%"
