"""A real language model on this machine, through the whole gateway. Its quality is not judged.

It proves that the SDK, the schema, the usage and the books get along with a server that is no simulation. Optional: the
model is a download of 200 MB, and answering takes a minute.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import cast

import httpx
import pytest
import pytest_asyncio

from schemas.classification import FamilyAssignment
from schemas.indicator import Indicator
from services.classification.family import FAMILY
from services.classification.in_memory import classify_in_memory
from shared.database import Database
from shared.embedded.process import free_port
from shared.runtime.envelope import Envelope, Envelopes, Record
from shared.service.models import make_gateway
from shared.settings import Settings

pytestmark = pytest.mark.skipif(
    os.environ.get("SLUICE_REAL_MODEL_TEST") != "1",
    reason="needs a real model: `make test-model` installs one and runs this (SLUICE_REAL_MODEL_TEST=1)",
)
START_SECONDS = 60.0
INDICATORS = [
    {"indicator_id": "1", "name": "Bank Lending Rate", "units": "%", "periodicity": "Monthly"},
    {"indicator_id": "2", "name": "Balance of Trade", "units": "USD Million", "periodicity": "Monthly"},
    {"indicator_id": "3", "name": "Population", "units": "Million", "periodicity": "Yearly"},
    {"indicator_id": "4", "name": "Manufacturing PMI", "units": "points", "periodicity": "Monthly"},
]


@pytest_asyncio.fixture(loop_scope="session")
async def local_server() -> AsyncIterator[str]:
    """Address of a llama.cpp server."""
    port = free_port()
    command = (sys.executable, "-m", "tests.real_model_server", str(port))
    quiet = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    try:
        url = f"http://127.0.0.1:{port}"
        await _ready(url, server)
        yield f"{url}/v1"
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def _ready(url: str, server: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(START_SECONDS):
        while server.returncode is None:
            try:
                if (await client.get("/health")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    raise RuntimeError(f"the server ended with exit code {server.returncode}; is everything installed?")


async def test_a_real_model_answers_or_says_why_not(
    local_server: str, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.load(
        {
            "LLM_PROVIDER_FAMILY": "local",
            "SLUICE_LOCAL_URL": local_server,
            "SLUICE_LOCAL_MODEL": "smollm2-135m-instruct",
            "SLUICE_LLM_BATCH_ITEMS": "2",
            "SLUICE_LLM_CONCURRENCY": "1",
            "SLUICE_LLM_TIMEOUT_SECONDS": "240",
            "SLUICE_KAFKA_MAX_POLL_INTERVAL_MS": "2700000",
        }
    )
    items = await classify_in_memory([Indicator.model_validate(record) for record in INDICATORS])
    envelopes = Envelopes(Envelope(record["indicator_id"], cast(Record, None), {}) for record in INDICATORS)
    started = time.monotonic()
    async with make_gateway(settings, database, []) as gateway:
        answers = await gateway.ask("family", envelopes)(FAMILY, items)
    took = time.monotonic() - started

    assert len(answers) == len(INDICATORS)
    for answer in answers:
        assert isinstance(answer.value, FamilyAssignment) or answer.reason
    calls = await database.fetch("SELECT outcome, tokens_in, tokens_out, latency_ms FROM llm_call")
    answered = [call for call in calls if call["outcome"] in {"ok", "invalid", "truncated"}]
    assert answered
    assert all(call["tokens_in"] > 500 and call["tokens_out"] > 0 for call in answered)
    with capsys.disabled():
        valid = sum(answer.value is not None for answer in answers)
        print(f"\n{valid} of {len(answers)} items with a valid answer, {len(calls)} calls, {took:.0f} s")
        print(*(dict(call) for call in calls), sep="\n")
        print(*(answer.value or answer.reason for answer in answers), sep="\n")
