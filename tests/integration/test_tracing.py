"""One trace from the request to the last row, over real processes, as a collector gets it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.telemetry import gen_ai, messaging
from tests.contract.waiting import eventually
from tests.integration.whole_pipeline import STAGES
from tests.open_directory import open_directory
from tests.otlp.receiver import Span
from tests.otlp.traced import LAST, Traced, traced

TRACE, CLIENT_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
QUIET_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
WORDS = "Zzunspeakable balance of trade"


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with open_directory("traced") as directory:
        yield directory


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(directory: Path) -> AsyncIterator[Traced]:
    async with traced(directory) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def spans(running: Traced) -> list[Span]:
    """The trace of one indicator whose client wants it recorded."""
    row = {"indicator_id": "BOT:AW", "name": WORDS, "units": "AWG Million"}
    await running.classify(f"00-{TRACE}-{CLIENT_SPAN}-01", row)
    return await running.whole(TRACE)


def named(spans: list[Span], start: str) -> list[Span]:
    return [span for span in spans if span.name.startswith(start)]


def test_one_trace_leads_from_the_request_through_every_stage_to_the_row(spans: list[Span]) -> None:
    by_id = {span.span_id: span for span in spans}
    (request,) = named(spans, "POST /classify/batch")
    assert (request.parent_id, request.kind, request.service) == (CLIENT_SPAN, "SERVER", "sluice-api")
    assert request.attributes["http.response.status_code"] == 202
    for span in spans:
        way = [span]
        while way[-1] is not request:
            way.append(by_id[way[-1].parent_id])
    stages = {span.attributes[messaging.STAGE].removeprefix("classification.") for span in named(spans, "process ")}
    assert stages >= STAGES
    (last,) = named(spans, LAST)
    statements = {span.name for span in spans if span.parent_id == last.span_id}
    assert {"upsert_classifications", "COMMIT"} <= statements


def test_spans_of_messages_are_named_as_conventions_ask(spans: list[Span]) -> None:
    (first,) = named(spans, "process indicators.ingest")
    assert first.kind == "CONSUMER"
    assert (
        first.attributes.items()
        >= {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": "indicators.ingest",
            "messaging.consumer.group.name": "classification.normalize",
            "messaging.kafka.message.key": "BOT:AW",
            "sluice.outcome": "emitted",
        }.items()
    )
    sent = named(spans, "send ")
    assert {span.kind for span in sent} == {"PRODUCER"}
    assert "send indicators.ingest" in {span.name for span in sent}


def test_calls_of_models_are_part_of_it(spans: list[Span]) -> None:
    calls = named(spans, "chat ")
    assert {call.attributes[gen_ai.QUESTION] for call in calls} >= {"family", "type"}
    assert all(call.attributes[gen_ai.INPUT_TOKENS] > 0 and call.kind == "CLIENT" for call in calls)


async def test_a_batch_of_unsampled_items_has_spans_of_batches_alone(running: Traced) -> None:
    rows = [{"indicator_id": f"quiet-{n}", "name": f"{WORDS} {n}", "units": "%"} for n in range(20)]
    await running.classify(f"00-{QUIET_TRACE}-{CLIENT_SPAN}-00", *rows)

    async def arrived() -> list[Span]:
        batches = [span for span in running.receiver.spans if QUIET_TRACE in {trace for trace, _ in span.links}]
        ended = sum(span.attributes[messaging.BATCH_COUNT] for span in named(batches, LAST))
        return batches if ended == len(rows) else []

    batches = await eventually(arrived, "the spans of the batches arrive", 60.0)
    assert {span.kind for span in batches} == {"CONSUMER"}
    assert running.receiver.trace(QUIET_TRACE) == []
    keys = {str(span.attributes.get(messaging.KEY, "")) for span in running.receiver.spans}
    assert not any(key.startswith("quiet-") for key in keys)


async def test_no_span_holds_text_of_a_message_or_a_secret(running: Traced, spans: list[Span]) -> None:
    sent = b"".join(running.receiver.bodies)
    assert b"BOT:AW" in sent  # it would be found
    for hidden in (b"Zzunspeakable", b"AWG Million", b"zz-key-of-the", b"zz-of-the-collector", b"postgresql://"):
        assert hidden not in sent
