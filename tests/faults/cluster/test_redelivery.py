"""Records that come again, in any order, while work goes on."""

import random
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.delivery import Header
from services.classification.pipeline import CLASSIFICATION, FACETS, JOINED, REVIEWED
from tests.contract.kafka import Sent
from tests.faults.field import Field
from tests.faults.scenario import disturbed
from tests.integration.undisturbed import Undisturbed
from tests.integration.whole_pipeline import PARTITIONS

BEGINNING = 0.0


async def test_records_of_every_kind_come_twice_and_in_another_order(
    fields: Field, undisturbed: Undisturbed, rng: random.Random
) -> None:
    async with disturbed(
        fields,
        undisturbed,
        name="what three topics hold written to them again, shuffled, in mid-run",
        promised="whatever comes again, in whatever order, counts once",
    ) as trouble:
        await trouble.until(0.2)
        trouble.began()
        for topic in (FACETS, JOINED, REVIEWED):
            await write_again(fields, topic.name, trouble.batch_ids, rng)
        trouble.ended()


async def test_groups_are_set_back(fields: Field, undisturbed: Undisturbed) -> None:
    """The last stage reads all that its topic has ever held once more, others what has come since the run began."""
    began = time.time()
    async with disturbed(
        fields,
        undisturbed,
        name="offsets of three groups set back: two to before the run, one to the beginning",
        promised="what has been done is done again and counts once",
    ) as trouble:
        await trouble.until(0.2)
        trouble.began()
        async with fields.pipeline.stopped("scale", "join", "complete"):
            await set_back(fields, "scale", began)
            await set_back(fields, "join", began)
            await set_back(fields, "complete", BEGINNING)
        trouble.ended()


async def write_again(fields: Field, topic: str, batch_ids: Sequence[str], rng: random.Random) -> None:
    """Write all records of these batches to their topic and partition again, in another order."""
    known = {batch_id.encode() for batch_id in batch_ids}
    records = [r for r in await fields.pipeline.kafka.read(topic) if dict(r.headers)[Header.BATCH_ID] in known]
    assert records
    rng.shuffle(records)
    await fields.pipeline.kafka.send(topic, [Sent(r.value, r.key, r.headers, r.partition) for r in records])


async def set_back(fields: Field, stage: str, moment: float) -> None:
    """Commit, for a group without members, the offsets of the first records since a moment."""
    found = CLASSIFICATION.find(stage)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=fields.cluster.address, group_id=found.full_name, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(found.reads.name, number) for number in range(PARTITIONS)]
        firsts = await consumer.offsets_for_times(dict.fromkeys(places, int(moment * 1000)))
        consumer.assign(places)
        await consumer.commit({place: first.offset for place, first in firsts.items() if first})
    finally:
        await consumer.stop()
