"""Who may ask the API, and how often: keys that come and go while it serves, limits of each client. A real server."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from schemas.enums import ItemStatus
from services.api import keys_editing
from services.api.keys import ApiKey, digest_of
from shared.database import Database
from tests.contract.waiting import eventually
from tests.integration.api_server import (
    accepted,
    create_topic,
    events,
    finish,
    own_pipeline,
    serving,
    settings_for,
    submission,
    submit,
)

HERS, HIS, NEWER = "hers-of-old", "his-of-old", "hers-of-today"
HEALTH = ("/health", "/health/live", "/metrics")
Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Clock:
    """The time of the server's limits and expiries, which stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("limits.aio.storage.memory.time", clock)  # the library takes no clock
    return clock


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A file of keys with one of hers and one of his."""
    path = tmp_path / "keys"
    for name, key in (("hers", HERS), ("his", HIS)):
        keys_editing.add(path, ApiKey(name, digest_of(key.encode())))
    return path


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines))


@pytest_asyncio.fixture(loop_scope="session")
async def serve(broker: str, database_url: str, clock: Clock) -> Serve:
    """Starts the API with settings of a test's own."""
    pipeline = own_pipeline()
    await create_topic(settings_for(broker, database_url), pipeline)

    def with_settings(**variables: object) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        given = {name: str(value) for name, value in variables.items()}
        return serving(settings_for(broker, database_url, **given), pipeline, clock.time)

    return with_settings


async def status(api: httpx.AsyncClient, key: str = "", path: str = "/batches", **headers: str) -> int:
    return (await ask(api, key, path, **headers)).status_code


async def ask(api: httpx.AsyncClient, key: str = "", path: str = "/batches", **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.get(path, headers={**({"x-api-key": key} if key else {}), **given})


class TestKeys:
    async def test_keys_of_the_file_and_of_the_environment_open_and_no_others(self, serve: Serve, keys: Path) -> None:
        async with serve(SLUICE_API_KEYS_FILE=keys, SLUICE_API_KEYS="plain,other") as api:
            found = [await status(api, key) for key in (HERS, HIS, "plain", "other", "hers", "none", "")]
        assert found == [200, 200, 200, 200, 401, 401, 401]

    async def test_a_rotation_costs_no_request_and_a_revoked_key_is_refused_at_once(
        self, serve: Serve, keys: Path, clock: Clock
    ) -> None:
        until = datetime.fromtimestamp(clock.now, UTC) + timedelta(days=1)
        newer = ApiKey("hers", digest_of(NEWER.encode()))
        async with serve(SLUICE_API_KEYS_FILE=keys) as api, asking(api, HERS) as old, asking(api, HIS) as his:
            keys_editing.rotate(keys, newer, until)
            assert await status(api, NEWER) == await status(api, HERS) == 200
            async with asking(api, NEWER) as new:
                keys_editing.revoke(keys, "hers")
                assert await status(api, HERS) == await status(api, NEWER) == 401
        # Not one refusal before a key was revoked, nothing else after it, and none at all for the other client.
        assert [code for code, _ in groupby(his)] == [200]
        assert [code for code, _ in groupby(old)] == [code for code, _ in groupby(new)] == [200, 401]

    async def test_what_a_revoked_key_is_reading_goes_on_to_its_end(
        self, serve: Serve, keys: Path, database: Database
    ) -> None:
        async with serve(SLUICE_API_KEYS_FILE=keys) as api:
            api.headers["x-api-key"] = HERS
            batch_id = await accepted(api, submission(1))
            async with aclosing(events(api, batch_id)) as stream:
                assert (await anext(stream))["event"] == "progress"
                keys_editing.revoke(keys, "hers")
                assert await status(api) == 401
                await finish(database, batch_id, ItemStatus.COMPLETED, "id-0")
                assert [event["event"] async for event in stream] == ["completed"]

    async def test_a_key_expires_while_the_server_runs(self, serve: Serve, keys: Path, clock: Clock) -> None:
        soon = datetime.fromtimestamp(clock.now, UTC) + timedelta(seconds=60)
        keys_editing.rotate(keys, ApiKey("hers", digest_of(NEWER.encode())), soon)
        async with serve(SLUICE_API_KEYS_FILE=keys) as api:
            assert await status(api, HERS) == 200
            clock.now += 61
            refused = await ask(api, HERS)
            assert (refused.status_code, refused.json()["message"]) == (401, "the key has expired")
            assert await status(api, NEWER) == await status(api, HERS, authorization=f"Bearer {NEWER}") == 200

    async def test_a_broken_file_shuts_nobody_out(self, serve: Serve, keys: Path) -> None:
        hers, his = lines_of(keys)
        async with serve(SLUICE_API_KEYS_FILE=keys) as api:
            write(keys, hers, his, "prices:plain-key")
            assert [await status(api, key) for key in (HERS, HIS, "plain-key")] == [200, 200, 401]
            write(keys, hers)
            assert [await status(api, key) for key in (HERS, HIS)] == [200, 401]

    async def test_the_log_has_names_and_never_keys(self, serve: Serve, keys: Path) -> None:
        with capture_logs() as logs:
            async with serve(SLUICE_API_KEYS_FILE=keys, SLUICE_API_KEYS="plain") as api:
                for key in (HERS, "plain", "a-wrong-one"):
                    await submit(api, x_api_key=key)
        assert [event["client"] for event in logs if event["event"] == "accepted"] == ["hers", "env:1"]
        assert sum(event["event"] == "wrong API key" for event in logs) == 1
        secrets = [word for key in (HERS, "plain", "a-wrong-one") for word in (key, digest_of(key.encode()).hex())]
        assert not any(secret in str(logs) for secret in secrets)


@asynccontextmanager
async def asking(api: httpx.AsyncClient, key: str) -> AsyncIterator[list[int]]:
    """A client that asks without a pause, when the context is entered and when it is left. What it is answered."""
    answered: list[int] = []
    ended = asyncio.Event()

    async def go_on() -> None:
        while not ended.is_set():
            answered.append(await status(api, key))

    async def some_more(wanted: int) -> None:
        async def enough() -> bool:
            return len(answered) >= wanted

        await eventually(enough, f"{wanted} answers")

    running = asyncio.create_task(go_on())
    try:
        await some_more(5)
        yield answered
        await some_more(len(answered) + 5)
    finally:
        ended.set()
        await running


class TestRates:
    async def test_each_key_has_its_own_requests_and_gets_them_back_when_told(
        self, serve: Serve, keys: Path, clock: Clock
    ) -> None:
        async with serve(SLUICE_API_KEYS_FILE=keys, SLUICE_API_REQUESTS_PER_MINUTE=3) as api:
            assert [await status(api, HERS) for _ in range(3)] == [200, 200, 200]
            clock.now += 20.5
            refused = await ask(api, HERS)
            wait = int(refused.headers["retry-after"])
            assert (refused.status_code, wait) == (429, 40)
            assert refused.json()["error"] == "Too Many Requests"
            assert "3 requests in a minute" in refused.json()["message"]
            assert "Retry-After" in refused.json()["remedy"]
            assert [await status(api, HIS) for _ in range(3)] == [200, 200, 200]
            assert {await status(api, HERS, path) for path in HEALTH} == {200}
            clock.now += wait - 1
            assert await status(api, HERS) == 429
            clock.now += 1
            assert await status(api, HERS) == 200

    async def test_a_new_key_of_the_same_name_is_no_new_allowance(self, serve: Serve, keys: Path, clock: Clock) -> None:
        async with serve(SLUICE_API_KEYS_FILE=keys, SLUICE_API_REQUESTS_PER_MINUTE=1) as api:
            assert await status(api, HERS) == 200
            until = datetime.fromtimestamp(clock.now, UTC) + timedelta(days=1)
            keys_editing.rotate(keys, ApiKey("hers", digest_of(NEWER.encode())), until)
            assert [await status(api, key) for key in (HERS, NEWER, HIS)] == [429, 429, 200]

    async def test_indicators_are_counted_too(self, serve: Serve, keys: Path, clock: Clock) -> None:
        async with serve(SLUICE_API_KEYS_FILE=keys, SLUICE_API_INDICATORS_PER_MINUTE=10) as api:
            assert (await submit(api, submission(10), x_api_key=HERS)).status_code == 202
            refused = await submit(api, submission(1), x_api_key=HERS)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
            assert "10 indicators in a minute" in refused.json()["message"]
            assert (await submit(api, submission(1), x_api_key=HIS)).status_code == 202
            clock.now += 60
            assert (await submit(api, submission(1), x_api_key=HERS)).status_code == 202

    async def test_without_keys_each_address_has_its_own_requests(self, serve: Serve) -> None:
        """The proxy is on this machine, so that what it says of the client is believed."""
        async with serve(SLUICE_API_REQUESTS_PER_MINUTE=1) as api:
            found = [await status(api, x_forwarded_for=address) for address in ("10.0.0.1", "10.0.0.2", "10.0.0.1")]
        assert found == [200, 200, 429]

    async def test_without_a_setting_nothing_is_limited(self, serve: Serve) -> None:
        async with serve() as api:
            assert {await status(api) for _ in range(100)} == {200}


class TestGuessing:
    async def test_an_address_that_tries_many_keys_may_try_no_more_that_people_chose(
        self, serve: Serve, keys: Path, clock: Clock
    ) -> None:
        variables = {"SLUICE_API_KEYS": "plain", "SLUICE_API_WRONG_KEYS_PER_MINUTE": 3}
        async with serve(SLUICE_API_KEYS_FILE=keys, **variables) as api:
            assert [await status(api, f"guess-{number}") for number in range(4)] == [401, 401, 401, 429]
            refused = await ask(api, "plain")
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
            assert "3 wrong keys" in refused.json()["message"]
            assert await status(api, HERS) == 200, "nobody guesses those of the file"
            assert await status(api, "plain", x_forwarded_for="10.0.0.1") == 200
            clock.now += 60
            assert await status(api, "plain") == 200

    async def test_a_client_with_an_old_key_shuts_out_none_of_its_neighbours(self, serve: Serve) -> None:
        async with serve(SLUICE_API_KEYS="plain", SLUICE_API_WRONG_KEYS_PER_MINUTE=3) as api:
            assert {await status(api, "of-last-year") for _ in range(20)} == {401}
            assert {await status(api) for _ in range(20)} == {401}
            assert await status(api, "plain") == 200


class TestIdempotency:
    async def test_an_idempotency_key_means_what_its_own_client_sent(self, serve: Serve, keys: Path) -> None:
        async with serve(SLUICE_API_KEYS_FILE=keys, SLUICE_API_KEYS="plain") as api:
            answers = [
                await submit(api, submission(count), x_api_key=key, idempotency_key="again")
                for key, count in ((HERS, 1), (HIS, 2), ("plain", 3), (HERS, 1), (HIS, 2), ("plain", 3))
            ]
        assert {answer.status_code for answer in answers} == {202}
        ids = [answer.json()["batch_id"] for answer in answers]
        assert len(set(ids)) == 3
        assert ids[:3] == ids[3:]

    async def test_it_outlives_a_rotation(self, serve: Serve, keys: Path, clock: Clock) -> None:
        async with serve(SLUICE_API_KEYS_FILE=keys) as api:
            first = await submit(api, x_api_key=HERS, idempotency_key="again")
            keys_editing.rotate(keys, ApiKey("hers", digest_of(NEWER.encode())), datetime.fromtimestamp(clock.now, UTC))
            assert await status(api, HERS) == 401
            second = await submit(api, x_api_key=NEWER, idempotency_key="again")
        assert first.json()["batch_id"] == second.json()["batch_id"]
