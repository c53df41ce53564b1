"""Submitting over HTTP: what is accepted, what is refused and how, and that nothing counts twice. Real servers."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from schemas.enums import ItemStatus
from services.api.serving import MAX_HEADER_BYTES
from shared.database import Database
from shared.database.ledger import batch, batches, items
from shared.runtime.declaration import Pipeline
from shared.settings import DatabaseSettings, Settings
from tests.integration.api_server import (
    DEADLINE,
    accepted,
    create_topic,
    finish,
    indicator,
    of_batch,
    own_pipeline,
    published,
    serving,
    settings_for,
    submission,
    submit,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return own_pipeline()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(broker: str, postgres_url: str, pipeline: Pipeline) -> Settings:
    found = settings_for(broker, postgres_url)
    await create_topic(found, pipeline)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(settings: Settings, pipeline: Pipeline) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings, pipeline) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ledger(postgres_url: str) -> AsyncIterator[Database]:
    async with Database(DatabaseSettings(url=SecretStr(postgres_url))) as database:
        yield database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def guarded(broker: str, postgres_url: str, pipeline: Pipeline) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that wants a key."""
    async with serving(
        settings_for(broker, postgres_url, SLUICE_API_KEYS="first-key,zweiter-schlüssel"), pipeline
    ) as client:
        yield client


class TestAccepted:
    async def test_the_answer_names_the_batch_and_when_it_may_be_done(self, api: httpx.AsyncClient) -> None:
        answer = await submit(api)
        body = answer.json()
        assert answer.status_code == 202
        assert body["count"] == 3
        assert body["llm_provider"] == "embedded"
        assert len(body["trace_id"]) == 32
        assert answer.headers["location"] == f"/batches/{body['batch_id']}"
        assert datetime.fromisoformat(body["estimated_completion"]).tzinfo

    async def test_every_indicator_is_registered_and_published_once(
        self, api: httpx.AsyncClient, ledger: Database, broker: str, pipeline: Pipeline
    ) -> None:
        sent = submission()
        batch_id = await accepted(api, sent)

        registered = await items(ledger, batch_id)
        assert [json.loads(item.payload or "") for item in registered] == sent["indicators"]
        records = of_batch(await published(broker, pipeline.edge.name), batch_id)
        assert {key: json.loads(record.value) for key, record in records.items()} == {
            row["indicator_id"]: row for row in sent["indicators"]
        }

    async def test_a_provider_that_was_asked_for_travels_along_and_the_default_does_not(
        self, api: httpx.AsyncClient, broker: str, pipeline: Pipeline
    ) -> None:
        chosen = await accepted(api, submission(1, llm_provider="embedded"))
        default = await accepted(api, submission(1))
        records = await published(broker, pipeline.edge.name)
        assert dict(of_batch(records, chosen)["id-0"].headers)["provider"] == b"embedded"
        assert "provider" not in dict(of_batch(records, default)["id-0"].headers)

    async def test_the_clients_trace_goes_on(self, api: httpx.AsyncClient, broker: str, pipeline: Pipeline) -> None:
        answer = await submit(api, traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
        assert answer.json()["trace_id"] == TRACE
        records = of_batch(await published(broker, pipeline.edge.name), answer.json()["batch_id"])
        assert TRACE.encode() in dict(records["id-0"].headers)["traceparent"]

    async def test_unknown_fields_are_kept(self, api: httpx.AsyncClient, ledger: Database) -> None:
        row = indicator(series_code="X.1", nested={"a": [1, None, "NaN and \\u0000 in words"]})
        batch_id = await accepted(api, {"indicators": [row]})
        (item,) = await items(ledger, batch_id)
        assert json.loads(item.payload or "") == row

    async def test_an_id_counts_without_the_blanks_around_it(self, api: httpx.AsyncClient, ledger: Database) -> None:
        batch_id = await accepted(api, {"indicators": [indicator(indicator_id=" padded ")]})
        assert [item.item_id for item in await items(ledger, batch_id)] == ["padded"]


async def send(api: httpx.AsyncClient, text: str | bytes, kind: str = "application/json") -> httpx.Response:
    return await api.post("/classify/batch", content=text, headers={"Content-Type": kind})


def one(fields: str) -> str:
    """A body with a good indicator and one that has these fields."""
    return f'{{"indicators": [{{"indicator_id": "good", "name": "x"}}, {{{fields}}}]}}'


class TestRefusedRows:
    @pytest.mark.parametrize(
        ("fields", "field", "words"),
        [
            ('"indicator_id": "b"', "name", "required"),
            ('"indicator_id": "b", "name": ""', "name", "at least 1"),
            ('"indicator_id": "b", "name": "x", "units": 5', "units", "string"),
            ('"indicator_id": "b", "name": "x", "sample_values": 5', "sample_values", "list"),
            (
                '"indicator_id": "b", "name": "x", "sample_values": [1, {"value": NaN}]',
                "sample_values.1.value",
                "finite",
            ),
            ('"indicator_id": "b", "name": "x", "sample_values": [-Infinity]', "sample_values.0", "dictionary"),
            ('"indicator_id": "b", "name": "x", "extra": {"a": [1e999]}', "extra.a.0", "finite"),
            ('"indicator_id": "b", "name": "x", "extra": "a\\u0000b"', "extra", "U+0000"),
            ('"indicator_id": "b", "name": "a\\u0000b"', "name", "U+0000"),
            ('"indicator_id": "b", "name": "x", "a\\u0000": 1', "", "U+0000"),
            ('"indicator_id": "good", "name": "x"', "indicator_id", "same id as row 0"),
        ],
    )
    async def test_the_answer_says_which_row_which_field_and_what_to_do(
        self, api: httpx.AsyncClient, fields: str, field: str, words: str
    ) -> None:
        answer = await send(api, one(fields))
        (row,) = answer.json()["rows"]
        assert answer.status_code == 400
        assert (row["index"], row["field"]) == (1, field)
        assert row["indicator_id"] in {"b", "good"}
        assert words in row["problem"]
        assert row["remedy"]

    async def test_a_misspelt_field_is_recognised(self, api: httpx.AsyncClient) -> None:
        (row,) = (await send(api, one('"indicatorId": "b", "name": "x"'))).json()["rows"]
        assert row["indicator_id"] is None
        assert row["remedy"] == "Rename `indicatorId` to it."

    async def test_every_wrong_row_is_named_and_none_is_accepted(
        self, api: httpx.AsyncClient, ledger: Database
    ) -> None:
        before = await batches(ledger, 1)
        answer = await submit(api, {"indicators": [{}, indicator(1), "text", {"indicator_id": "c", "name": None}]})
        assert answer.json()["message"] == "3 of 4 indicators are wrong; none was accepted"
        assert [row["index"] for row in answer.json()["rows"]] == [0, 0, 2, 3]
        assert await batches(ledger, 1) == before

    async def test_an_indicator_too_long_for_a_message_is_refused(self, settings: Settings, pipeline: Pipeline) -> None:
        wide = settings.model_copy(update={"api": settings.api.model_copy(update={"body_limit_bytes": 2**20})})
        async with serving(wide, pipeline) as api:
            answer = await submit(api, {"indicators": [indicator(notes="x" * 800_000)]})
        assert answer.status_code == 400
        assert "bytes" in answer.json()["rows"][0]["problem"]


class TestRefused:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("", "not JSON"),
            ("{", "not JSON"),
            (b'{"indicators": ["\xff"]}', "not JSON"),
            ("[" * 5_000, "not JSON"),
            ("[]", "not a JSON object"),
            ("{}", "no list `indicators`"),
            ('{"indicators": {}}', "no list `indicators`"),
            ('{"indicators": []}', "empty"),
            (json.dumps(submission(11)), "11 indicators are too many"),
            (json.dumps(submission(llm_provider=5)), "llm_provider"),
            (json.dumps(submission(llm_provider="")), "llm_provider"),
        ],
    )
    async def test_what_is_no_submission(self, api: httpx.AsyncClient, body: str | bytes, words: str) -> None:
        answer = await send(api, body)
        assert answer.status_code == 400
        assert answer.json()["error"] == "Bad Request"
        assert words in answer.json()["message"]
        assert answer.json()["remedy"]

    async def test_an_unknown_provider_is_refused_with_those_there_are(self, api: httpx.AsyncClient) -> None:
        answer = await submit(api, submission(llm_provider="<b>nobody</b>"))
        assert answer.status_code == 400
        assert "embedded" in answer.json()["remedy"]
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded"])
    async def test_another_content_type(self, api: httpx.AsyncClient, kind: str) -> None:
        assert (await send(api, json.dumps(submission()), kind)).status_code == 415

    async def test_json_by_any_of_its_names(self, api: httpx.AsyncClient) -> None:
        for kind in ("application/json; charset=utf-8", "Application/JSON", "application/ld+json"):
            assert (await send(api, json.dumps(submission()), kind)).status_code == 202

    async def test_a_body_announced_too_long_is_refused_before_it_is_sent(self, api: httpx.AsyncClient) -> None:
        status, body = await half_a_request(api, b"Content-Length: 100001\r\n\r\n")
        assert status == 413
        assert b"Request Entity Too Large" in body

    async def test_a_body_that_grows_too_long_is_refused_while_it_comes(self, api: httpx.AsyncClient) -> None:
        chunk = b"%x\r\n%s\r\n" % (60_000, b" " * 60_000)
        status, body = await half_a_request(api, b"Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk)
        assert status == 413
        assert b"Request Entity Too Large" in body

    async def test_a_body_that_does_not_come_is_not_waited_for(
        self, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.api.body.BODY_SECONDS", 0.2)
        status, body = await half_a_request(api, b"Content-Length: 1000\r\n\r\n{")
        assert status == 408
        assert b"Request Timeout" in body

    async def test_headers_too_long_are_refused_before_they_have_all_come(self, api: httpx.AsyncClient) -> None:
        status, _ = await half_a_request(api, b"X-Long: " + b"x" * (MAX_HEADER_BYTES + 1))
        assert status == 400

    async def test_routes_and_methods_there_are_not(self, api: httpx.AsyncClient) -> None:
        assert (await api.get("/<script>")).json()["error"] == "Not Found"
        answer = await api.get("/classify/batch")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def half_a_request(api: httpx.AsyncClient, rest: bytes) -> tuple[int, bytes]:
    """Send the beginning of a submission and read the answer that comes although the end never does."""
    reader, writer = await asyncio.open_connection(api.base_url.host, api.base_url.port)
    writer.write(b"POST /classify/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + rest)
    async with asyncio.timeout(DEADLINE):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


class TestKeys:
    @pytest.mark.parametrize(
        "headers",
        [
            {b"x-api-key": b"first-key"},
            {b"x-api-key": "zweiter-schlüssel".encode()},
            {b"Authorization": b"Bearer first-key"},
            {b"x-api-key": b"wrong", b"Authorization": b"bearer first-key"},
        ],
    )
    async def test_any_of_the_keys_opens(self, guarded: httpx.AsyncClient, headers: dict[bytes, bytes]) -> None:
        assert (await guarded.get("/batches", headers=headers)).status_code == 200

    @pytest.mark.parametrize(
        "headers", [{}, {"x-api-key": "first-ke"}, {"x-api-key": ""}, {"Authorization": "Basic first-key"}]
    )
    async def test_without_one_it_stays_shut(self, guarded: httpx.AsyncClient, headers: dict[str, str]) -> None:
        for method, path in (("POST", "/classify/batch"), ("GET", "/batches"), ("GET", "/batches/x/results")):
            answer = await guarded.request(method, path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"

    async def test_health_and_description_are_open(self, guarded: httpx.AsyncClient) -> None:
        for path in ("/health", "/health/live", "/metrics", "/docs", "/openapi.json"):
            assert (await guarded.get(path)).status_code == 200
        assert (await guarded.get("/health/ready")).status_code in {200, 503}


class TestIdempotency:
    async def test_a_repeated_request_is_the_same_batch(
        self, api: httpx.AsyncClient, broker: str, pipeline: Pipeline
    ) -> None:
        first = await submit(api, idempotency_key="again")
        second = await submit(api, idempotency_key="again")
        assert second.status_code == 202
        for name in ("batch_id", "trace_id", "count"):
            assert first.json()[name] == second.json()[name]
        assert second.headers["idempotency-replayed"] == "true"
        records = await published(broker, pipeline.edge.name)
        assert len(of_batch(records, first.json()["batch_id"])) == 3

    async def test_repeats_at_the_same_time_are_one_batch(
        self, api: httpx.AsyncClient, broker: str, pipeline: Pipeline
    ) -> None:
        answers = await asyncio.gather(*(submit(api, idempotency_key="at-once") for _ in range(8)))
        assert {answer.status_code for answer in answers} == {202}
        (batch_id,) = {answer.json()["batch_id"] for answer in answers}
        assert len(of_batch(await published(broker, pipeline.edge.name), batch_id)) == 3

    async def test_the_same_body_in_another_spelling_is_the_same(self, api: httpx.AsyncClient) -> None:
        batch_id = await accepted(api, idempotency_key="spelling")
        spelt = json.dumps(
            {"indicators": [dict(reversed(row.items())) for row in submission()["indicators"]]}, indent=3
        )
        headers = {"Content-Type": "application/json", "Idempotency-Key": "spelling"}
        answer = await api.post("/classify/batch", content=spelt, headers=headers)
        assert answer.json()["batch_id"] == batch_id

    @pytest.mark.parametrize("other", [submission(2), submission(4), submission(llm_provider="embedded")])
    async def test_another_body_under_the_same_key_is_refused(self, api: httpx.AsyncClient, other: Any) -> None:
        batch_id = await accepted(api, idempotency_key="other-body")
        answer = await submit(api, other, idempotency_key="other-body")
        assert answer.status_code == 422
        assert batch_id in answer.json()["message"]

    @pytest.mark.parametrize("key", ["with blank", "x" * 201, ""])
    async def test_what_is_no_key(self, api: httpx.AsyncClient, key: str) -> None:
        answer = await submit(api, idempotency_key=key)
        assert answer.status_code == 400
        assert "Idempotency-Key" in answer.json()["message"]

    async def test_a_repeat_after_the_end_still_answers(self, api: httpx.AsyncClient, ledger: Database) -> None:
        batch_id = await accepted(api, idempotency_key="done")
        await finish(ledger, batch_id, ItemStatus.COMPLETED, "id-0", "id-1", "id-2")
        answer = await submit(api, idempotency_key="done")
        ended = await batch(ledger, batch_id)
        assert answer.json()["batch_id"] == batch_id
        assert ended and datetime.fromisoformat(answer.json()["estimated_completion"]) == ended.ended_at
