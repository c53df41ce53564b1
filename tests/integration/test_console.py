"""The console over HTTP: every page, hostile names, who is let in, and what its forms do. Real servers."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from services.api.console.visitors import COOKIE
from services.api.keys import ApiKey, digest_of
from services.classification.pipeline import CLASSIFICATION
from shared.database import Database
from shared.database.dead_letters import record_dead_letters
from shared.settings import DatabaseSettings
from tests.integration.api_server import serving, settings_for
from tests.integration.console_history import HOSTILE_ID
from tests.integration.console_pages import expect_whole, text_of
from tests.integration.own_broker import end_of
from tests.integration.seeded import DONE, OPEN, letter

KEY = "ein Schlüssel"
PAGES = (
    "/console",
    "/console?live=false",
    "/console/batches",
    f"/console/batch?id={OPEN}",
    f"/console/batch?id={OPEN}&status=failed",
    f"/console/batch?id={DONE}&offset=100",
    "/console/indicators",
    "/console/indicators?text=trade",
    "/console/indicator?id=A",
    "/console/indicator?id=C",
    "/console/dead-letters",
    "/console/dead-letters?unresolved=false&stage=classification.family&code=handler-error",
    "/console/dead-letters/1",
    "/console/reviews",
    "/console/duplicates",
    "/console/duplicates/decisions",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(console_url: str) -> AsyncIterator[Database]:
    async with Database(DatabaseSettings(url=SecretStr(console_url))) as database:
        yield database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def console(console_broker: str, console_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that knows no key, at a console that wants none."""
    async with serving(settings_for(console_broker, console_url), CLASSIFICATION) as client:
        client.headers["origin"] = str(client.base_url)
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def guarded(console_broker: str, console_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at a console that wants a key."""
    async with serving(settings_for(console_broker, console_url, SLUICE_API_KEYS=KEY), CLASSIFICATION) as client:
        client.headers["origin"] = str(client.base_url)
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_whole_and_lets_a_browser_run_nothing_but_our_files(
    console: httpx.AsyncClient, path: str
) -> None:
    expect_whole(await console.get(path))


@pytest.mark.parametrize(
    "path",
    [
        "/console/batch?id=b%3Ci%3E",
        "/console/batches",
        "/console/indicators?text=%3Cscript%3E",
        "/console/reviews",
        "/console/dead-letters",
        "/console/dead-letters/2",
        "/console/indicator",
    ],
)
async def test_hostile_names_are_shown_as_they_are(console: httpx.AsyncClient, path: str) -> None:
    parameters = {"id": HOSTILE_ID} if path.endswith("/indicator") else None
    answer = await console.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    assert "&lt;" in answer.text
    for raw in ("<script>alert", "<img", "<b>", "<i>"):
        assert raw not in answer.text


async def test_a_hostile_id_leads_to_its_page(console: httpx.AsyncClient) -> None:
    page = (await console.get("/console/indicators", params={"text": "<script>alert"})).text
    (address,) = re.findall(r'<th scope="row">\s*<a href="(/console/indicator\?[^"]+)"', page)
    answer = await console.get(address.replace("&amp;", "&"))
    assert answer.status_code == 200
    assert "no rule settles family" in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/console/batch?id=none", 404),
        ("/console/batch?id=%00", 400),
        (f"/console/batch?id={OPEN}&offset=-1", 400),
        (f"/console/batch?id={OPEN}&status=<b>", 400),
        ("/console/indicator?id=nobody<b>", 404),
        ("/console/indicator?id=%00", 400),
        ("/console/indicators?text=%00", 400),
        ("/console/dead-letters?stage=%00", 400),
        ("/console/indicators?text=%25_%5C", 200),
        ("/console/dead-letters/99999", 404),
        ("/console/dead-letters/x", 400),
        ("/console/static/../routes.py", 404),
        ("/console/static/secrets", 404),
    ],
)
async def test_what_makes_no_sense_is_answered_by_a_page(console: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await console.get(path)
    assert answer.status_code == status
    assert "<b>" not in answer.text


async def test_the_flow_shows_what_waits(console: httpx.AsyncClient) -> None:
    said = text_of(await console.get("/console"))
    for stage in CLASSIFICATION.stages:
        assert stage.name in said
    assert "records/s" in said
    assert "Dead letters" in said


async def test_an_indicators_page_has_its_values_reasons_way_and_failures(console: httpx.AsyncClient) -> None:
    said = text_of(await console.get("/console/indicator?id=read"))
    for part in ("Bank Lending Rate", "numeric-measurement", "a rule", "no rule settles family", "rule 4: interest"):
        assert part in said
    failed = text_of(await console.get("/console/indicator?id=C"))
    assert "the model had no answer" in failed


class TestEntering:
    async def test_nobody_without_a_key_sees_anything(self, guarded: httpx.AsyncClient) -> None:
        guarded.cookies.clear()
        for path in PAGES:
            answer = await guarded.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/console/key")
        part = await guarded.get("/console", headers={"hx-request": "true"})
        assert (part.status_code, part.headers["hx-redirect"]) == (401, "/console/key")
        for path, form in (("reviews/accept", {"id": "plain"}), ("duplicates/add-terms", {"terms": "x"})):
            assert (await guarded.post(f"/console/{path}", data=form)).status_code == 303
        assert (await guarded.get("/console/static/console.css")).status_code == 200

    async def test_a_key_opens_it_and_leaving_closes_it(self, guarded: httpx.AsyncClient) -> None:
        guarded.cookies.clear()
        wrong = await guarded.post("/console/key", data={"key": "another"})
        assert wrong.status_code == 403
        assert COOKIE not in guarded.cookies
        entered = await guarded.post("/console/key", data={"key": KEY})
        assert (entered.status_code, entered.headers["location"]) == (303, "/console")
        kept = entered.headers["set-cookie"].lower()
        assert "httponly" in kept
        assert "samesite=strict" in kept
        assert "path=/console" in kept
        assert (await guarded.get("/console")).status_code == 200
        assert (await guarded.get("/batches")).status_code == 401, "the cookie opens the console alone"
        left = await guarded.post("/console/leave")
        assert left.status_code == 303
        assert (await guarded.get("/console")).status_code == 303

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://elsewhere.example"},
            {"origin": "null"},
            {"origin": "", "sec-fetch-site": "cross-site"},
            {"origin": "", "sec-fetch-site": "same-site"},
            {"origin": ""},
        ],
    )
    async def test_another_site_can_change_nothing(
        self, console: httpx.AsyncClient, database: Database, headers: dict[str, str]
    ) -> None:
        before = await database.fetchval("SELECT count(*) FROM human_reviews")
        for path, form in (("reviews/accept", {"id": "plain"}), ("dead-letters/replay", {"letter": "1"})):
            answer = await console.post(f"/console/{path}", data=form, headers=headers)
            assert answer.status_code == 403
        assert await database.fetchval("SELECT count(*) FROM human_reviews") == before

    @pytest.mark.parametrize("cookie", ["", ".", "bm8=", "bm8", "*", "ZWlu"])
    async def test_a_cookie_that_is_no_key_opens_nothing(self, guarded: httpx.AsyncClient, cookie: str) -> None:
        guarded.cookies.clear()
        answer = await guarded.get("/console", headers={"cookie": f"{COOKIE}={cookie}"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/key")

    async def test_a_cookie_ends_with_its_key(self, console_broker: str, console_url: str, tmp_path: Path) -> None:
        file, ours, theirs = tmp_path / "keys", "sluice_ours", "sluice_theirs"
        lines = [ApiKey(key, digest_of(key.encode())).line() for key in (ours, theirs)]
        file.write_text("\n".join(lines))
        settings = settings_for(console_broker, console_url, SLUICE_API_KEYS_FILE=str(file))
        async with serving(settings, CLASSIFICATION) as client:
            client.headers["origin"] = str(client.base_url)
            assert (await client.post("/console/key", data={"key": ours})).status_code == 303
            assert (await client.get("/console")).status_code == 200
            file.write_text(lines[1])
            assert (await client.get("/console")).status_code == 303


class TestActing:
    async def test_a_row_is_corrected_and_rules_are_heard(self, console: httpx.AsyncClient, database: Database) -> None:
        page = (await console.get("/console/indicator?id=plain")).text
        form = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
        assert form["was.family"] == "numeric-measurement"
        now = {name.removeprefix("was."): value for name, value in form.items()}
        illegal = await console.post("/console/reviews/correct", data={**form, **now, "family": "price-value"})
        assert illegal.status_code == 422
        assert "has no type" in text_of(illegal)
        chosen = {**form, **now, "family": "price-value", "indicator_type": "rate", "reason": "it <b>is</b> interest"}
        done = await console.post("/console/reviews/correct", data={**chosen, "reviewer": "Ann", "force": "yes"})
        assert done.status_code == 200, text_of(done)
        assert "plain: corrected, family=price-value, indicator_type=rate" in text_of(done)
        assert "it &lt;b&gt;is&lt;/b&gt; interest" in done.text
        row = await database.fetchrow("SELECT family, review_status FROM classifications WHERE indicator_id = 'plain'")
        assert row is not None
        assert tuple(row) == ("price-value", "corrected")

    async def test_a_row_is_accepted_and_waits_no_longer(self, console: httpx.AsyncClient) -> None:
        assert "Discount Rate" in (await console.get("/console/reviews")).text
        done = await console.post("/console/reviews/accept", data={"id": "right"})
        assert done.status_code == 200, text_of(done)
        assert "right: accepted" in text_of(done)
        assert "Discount Rate" not in done.text
        again = await console.post("/console/reviews/accept", data={"id": "nobody"})
        assert again.status_code == 422
        assert "has no classification" in text_of(again)

    @pytest.mark.parametrize("body", ["id=%00", "id=%ff", "id=" + "x" * 70_000, "&".join(["a=1"] * 2_000)])
    async def test_what_no_form_sends_is_refused(self, console: httpx.AsyncClient, body: str) -> None:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        for path in ("reviews/accept", "reviews/correct", "dead-letters/replay"):
            answer = await console.post(f"/console/{path}", content=body, headers=kind)
            assert answer.status_code in {400, 413}, answer.text
            assert answer.text.startswith("<!doctype html>")
        assert (await console.post("/console/reviews/accept", json={"id": "plain"})).status_code == 415

    async def test_a_dead_letter_is_replayed_once(
        self, console: httpx.AsyncClient, database: Database, console_broker: str, console_url: str
    ) -> None:
        kafka = settings_for(console_broker, console_url).kafka
        (wanted,) = await record_dead_letters(database, [letter(50, partition=1)])
        before = await end_of(kafka, "classification.joined", 1)
        done = await console.post("/console/dead-letters/replay", data={"letter": str(wanted)})
        assert "1 sent on their way again." in text_of(done)
        again = await console.post("/console/dead-letters/replay", data={"letter": str(wanted)})
        assert f"{wanted}: it is replayed already" in text_of(again)
        assert await end_of(kafka, "classification.joined", 1) > before
        nothing = await console.post("/console/dead-letters/replay", data={})
        assert nothing.status_code in {400, 415}
        unknown = await console.post("/console/dead-letters/replay", data={"letter": "99999"})
        assert unknown.status_code == 404


async def test_without_its_servers_a_page_says_so_and_tries_again(console_url: str) -> None:
    async with serving(settings_for("127.0.0.1:1", console_url), CLASSIFICATION) as client:
        answer = await client.get("/console")
        assert answer.status_code == 200
        assert "The broker does not answer" in text_of(answer)
