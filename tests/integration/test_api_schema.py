"""The API keeps to its OpenAPI document: cases made of the document by Schemathesis, sent to a real server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from schemas.enums import ItemStatus
from shared.database import Database
from tests.integration.api_server import (
    DEADLINE,
    accepted,
    create_topic,
    finish,
    own_pipeline,
    serving,
    settings_for,
)

EXAMPLES = 20
NO_HTTP = "Invalid HTTP request received."
"""What uvicorn itself answers, in plain text, to a header that HTTP does not allow: the API never sees the request."""
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
Operation = schemathesis.APIOperation[Any, Any, Any, Any]
POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE


@pytest_asyncio.fixture(loop_scope="session")
async def api(broker: str, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    pipeline = own_pipeline()
    settings = settings_for(broker, database_url)
    await create_topic(settings, pipeline)
    async with serving(settings, pipeline) as client:
        yield client


class Conversation:
    """Cases of one mode, sent from a thread beside the server."""

    def __init__(self, url: str, document: dict[str, Any], batch_id: str) -> None:
        load_all_checks()
        self._url = url
        self._checks: Any = CHECKS.get_by_names(list(CHECKED))
        self._document = document
        self._batch_id = batch_id
        self.statuses: dict[str, Counter[int]] = {}

    def hold(self, mode: schemathesis.GenerationMode) -> None:
        for operation in self._operations():
            if mode is NEGATIVE and not self._takes_anything(operation):
                continue  # nothing can be wrong with it
            seen = self.statuses.setdefault(operation.label, Counter())
            self._try(operation.as_strategy(generation_mode=mode), seen)

    def _operations(self) -> Iterator[Operation]:
        for found in schemathesis.openapi.from_dict(self._document).get_all_operations():
            assert isinstance(found, Ok), found.err()
            yield found.ok()

    def _takes_anything(self, operation: Operation) -> bool:
        described = self._document["paths"][operation.path][operation.method]
        return bool(described.get("parameters") or "requestBody" in described)

    def _try(self, cases: st.SearchStrategy[schemathesis.Case[Any]], seen: Counter[int]) -> None:
        # The same cases in every run: this test holds the API to its document, `make fuzz` looks for new trouble.
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases, known=st.booleans())
        def exchange(case: schemathesis.Case[Any], known: bool) -> None:
            if known and "batch_id" in case.path_parameters:
                case.path_parameters["batch_id"] = self._batch_id
            answer = case.call(base_url=self._url, timeout=DEADLINE)
            if answer.status_code == 400 and answer.text == NO_HTTP:
                return
            seen[answer.status_code] += 1
            case.validate_response(answer, checks=self._checks)

        exchange()


async def _talk(api: httpx.AsyncClient, database: Database, mode: schemathesis.GenerationMode) -> Conversation:
    batch_id = await accepted(api)
    await finish(database, batch_id, ItemStatus.COMPLETED, "id-0", "id-1", "id-2")
    document = (await api.get("/openapi.json")).json()
    conversation = Conversation(str(api.base_url), document, batch_id)
    await asyncio.to_thread(conversation.hold, mode)
    return conversation


async def test_what_the_document_allows_is_answered_as_it_says(api: httpx.AsyncClient, database: Database) -> None:
    seen = (await _talk(api, database, POSITIVE)).statuses
    assert len(seen) == 9
    assert seen["POST /classify/batch"][202] > 0
    for label in ("GET /batches/{batch_id}", "GET /batches/{batch_id}/results", "GET /batches/{batch_id}/events"):
        assert seen[label].keys() >= {200, 404}, label


async def test_what_the_document_forbids_is_refused_as_it_says(api: httpx.AsyncClient, database: Database) -> None:
    seen = (await _talk(api, database, NEGATIVE)).statuses
    assert seen["POST /classify/batch"].keys() >= {400}
    assert seen["GET /batches"].keys() >= {400}


async def test_who_asks_too_often_is_refused_as_it_says(broker: str, database_url: str, database: Database) -> None:
    settings = settings_for(broker, database_url, SLUICE_API_REQUESTS_PER_MINUTE="1")
    pipeline = own_pipeline()
    await create_topic(settings, pipeline)
    async with serving(settings, pipeline) as api:
        seen = (await _talk(api, database, POSITIVE)).statuses
    for label, statuses in seen.items():
        limited = "/batch" in label
        assert (429 in statuses) == limited, label
