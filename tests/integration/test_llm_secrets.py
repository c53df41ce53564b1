"""A vendor's key appears nowhere: logs, health, metrics, settings, messages, tables, spans; whatever happens."""

import asyncio
import sys

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from services.classification.pipeline import CLASSIFICATION
from shared.llm.calls import Request, VendorError
from shared.llm.vendors import make_vendor
from shared.settings import Settings
from shared.telemetry import gen_ai
from tests.contract.waiting import eventually
from tests.integration.asked_pipeline import AskedPipeline, labelled
from tests.simulated_vendor import KEY, running_simulator

FORBIDDEN = "zzforbiddenzz"
TEXTS = """SELECT table_schema AS place, table_name AS name, column_name AS field, data_type AS kind
           FROM information_schema.columns
           WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"""


async def test_a_wrong_key_pauses_the_stage_and_no_key_is_found_anywhere(asked: AskedPipeline) -> None:
    """401 first, then 429, 500 and a dead letter. Nothing is lost."""
    rows, expected = labelled(900, 911)
    await asked.vendor.control(key="another-key", reset=True)
    batch_ids = await asked.pipeline.submit([*rows, rows[0] | {"indicator_id": "refused", "name": FORBIDDEN}])
    seen = [reason := await asked.paused("time")]
    assert "openai" in reason
    assert "the key is not accepted" in reason
    waiting = [await asked.pipeline.batch(batch_id) for batch_id in batch_ids]
    assert sum(batch.pending for batch in waiting) == len(rows) + 1

    await asked.vendor.control(key=KEY, refuse_text=FORBIDDEN, faults={"rate_limited": 1.0})
    await asked.restart(asked.pipeline.child_of("time"))  # as whoever sets the right key does
    await eventually(lambda: _met(asked, "429"), "a 429")
    await asked.vendor.control(faults={"rate_limited": 0.0, "server_error": 1.0})
    await eventually(lambda: _met(asked, "500"), "a 500")
    await asked.vendor.control(faults={"server_error": 0.0})
    batches = await asked.pipeline.finished(batch_ids)
    await asked.vendor.control(refuse_text="")
    assert await asked.differing(expected) == {}
    assert sum(batch.dead_lettered for batch in batches) == 1
    letters = [letter for batch in batches for letter in await asked.pipeline.letters(batch.batch_id)]
    assert "refuse" in str(letters)
    assert await _met(asked, "401")
    outcomes = await asked.pipeline.database.fetch("SELECT DISTINCT outcome FROM llm_call")
    assert {"ok", "unauthorized", "rate-limited", "server-error"} <= {row["outcome"] for row in outcomes}

    seen += [str(letter) for letter in letters]
    seen += [
        path.read_text(errors="replace")
        for path in (asked.pipeline.settings.embedded.directory / "logs").glob("stages*.log")
    ]
    seen += await _served(asked)
    seen += await _records(asked)
    seen.append(await _printed_settings(asked))
    assert all(seen)
    assert [text for text in seen if KEY in text] == []
    assert await _tables_with(asked, KEY) == []
    assert await _tables_with(asked, FORBIDDEN) != []  # it would be found


async def _met(asked: AskedPipeline, status: str) -> bool:
    """Whether the vendor has answered so."""
    return status in (await asked.vendor.stats())["by_status"]


async def _served(asked: AskedPipeline) -> list[str]:
    """What each process says of itself over HTTP."""
    texts: list[str] = []
    async with httpx.AsyncClient(timeout=5) as client:
        for child in asked.pipeline.stages.children:
            for path in ("/metrics/", "/health/ready", "/health/live"):
                answer = await client.get(f"{child.address}{path}")
                texts.append(answer.text)
    return texts


async def _records(asked: AskedPipeline) -> list[str]:
    """Every record of every topic that has any, headers included."""
    kafka, texts = asked.pipeline.kafka, []
    for topic in CLASSIFICATION.topic_names():
        texts += [f"{record.headers} {record.value!r}" for record in await kafka.read(topic)]
    return texts


async def _printed_settings(asked: AskedPipeline) -> str:
    command = [sys.executable, "-m", "services.cli.main", "config"]
    process = await asyncio.create_subprocess_exec(
        *command,
        env=asked.pipeline.settings.as_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert "OPENAI_API_KEY" in output.decode()
    return output.decode()


async def _tables_with(asked: AskedPipeline, text: str) -> list[str]:
    """Columns that hold the text somewhere, whatever their type."""
    database, found = asked.pipeline.database, []
    for column in await database.fetch(TEXTS):
        field = f'"{column["field"]}"'
        has = (
            f"position($1::text::bytea IN {field}) > 0"
            if column["kind"] == "bytea"
            else f"position($1 IN {field}::text) > 0"
        )
        place = f'"{column["place"]}"."{column["name"]}"'
        if await database.fetchval(f"SELECT EXISTS (SELECT 1 FROM {place} WHERE {has})", text):
            found.append(f"{place}.{field}")
    return found


@pytest.mark.parametrize("options", [{"key": "another-key"}, {"rpm": 1}, {"faults": {"server_error": 1.0}}])
async def test_spans_and_errors_do_not_hold_the_key(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(gen_ai, "_tracer", provider.get_tracer("test"))
    given: dict[str, object] = {"key": KEY, "latency_mean": 0, **options}
    async with running_simulator(**given) as simulator:  # type: ignore[arg-type]  # options are plain JSON
        settings = Settings.load(simulator.environment(KEY))
        vendor = make_vendor("openai", settings.llm)
        request = Request("family", "Say something.", "nothing", {"type": "object", "properties": {}}, 10, 5.0)
        errors = []
        for _ in range(2):
            try:
                with gen_ai.call_span("openai", vendor.model, "family", 1):
                    await vendor.complete(request)
            except VendorError as error:
                errors.append(f"{error!s} {error!r} {error.__cause__!r} {error.__context__!r}")
        await vendor.close()
    assert errors
    told = [span.to_json() for span in spans.get_finished_spans()]
    assert len(told) == 2
    assert [text for text in (*told, *errors, repr(settings), repr(vendor)) if KEY in text] == []
    assert SecretStr(KEY) == settings.llm.openai_api_key
