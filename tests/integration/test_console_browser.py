"""The console in a real browser: it renews itself, a keyboard is enough, a phone is wide enough. /docs, too."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from services.classification.pipeline import CLASSIFICATION
from shared.database import Database
from shared.database.ledger import NewBatch, open_batch
from shared.settings import Settings
from tests.browser.chromium import DESKTOP, PHONE, Page, chromium
from tests.integration.api_server import serving, settings_for
from tests.integration.dedupe_here import Here

KEY = "the key"
PATHS = ("", "/batches", "/batch?id=b%3Ci%3E", "/indicator?id=read", "/dead-letters", "/dead-letters/2", "/reviews")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(console_broker: str, console_url: str, console_run: Here) -> Settings:
    storage = {"SLUICE_DEDUPE_STORAGE": console_run.place.address}
    return settings_for(console_broker, console_url, SLUICE_API_KEYS=KEY, **storage)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings, CLASSIFICATION) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(server: httpx.AsyncClient) -> AsyncIterator[Page]:
    """A browser whose person has entered with a key, typed and sent by keyboard alone."""
    async with chromium() as page:
        await page.open(f"{server.base_url}/console")
        await page.until("document.activeElement.id === 'key'")
        await page.type(KEY)
        await page.press("Enter")
        await page.until("document.title.startsWith('Flow')")
        yield page
        assert page.problems == []


async def focus(page: Page, selector: str) -> None:
    """Tab until something has the focus."""
    for _ in range(80):
        if await page.run(f"document.activeElement.matches({selector!r})"):
            return
        await page.press("Tab")
    raise AssertionError(f"no way to {selector} by keyboard")


async def test_it_renews_itself(page: Page, server: httpx.AsyncClient, settings: Settings) -> None:
    await page.open(f"{server.base_url}/console/batches")
    await page.run("window.same = true")
    async with Database(settings.database) as database:
        await open_batch(database, NewBatch("live-batch", "classification", 7))
    await page.until("document.body.innerText.includes('live-batch')")
    assert await page.run("window.same"), "the page was loaded anew"


async def test_a_keyboard_is_enough(page: Page, server: httpx.AsyncClient) -> None:
    await page.open(f"{server.base_url}/console/reviews")
    await page.press("Tab")
    assert await page.run("document.activeElement.className") == "skip"
    await focus(page, 'a[href="/console/indicator?id=live#decide"]')
    await page.press("Enter")
    await page.until("location.pathname === '/console/indicator' && document.readyState === 'complete'")
    await focus(page, "#reason")
    await page.type("seen by keyboard")
    await focus(page, "form.decide button")
    await page.press("Enter")
    await page.until("document.querySelector('[role=status]')?.innerText.includes('live: accepted')")
    await page.until("document.activeElement.getAttribute('role') === 'status'")  # what happened is read out
    assert await page.run("document.body.innerText.includes('seen by keyboard')")


async def test_a_group_of_duplicates_is_looked_at_and_decided_about_in_its_list(
    page: Page, server: httpx.AsyncClient, console_run: Here, tmp_path: Path
) -> None:
    few = "threshold=92&min_size=6&order=ascending"
    await page.open(f"{server.base_url}/console/duplicates/groups?run={console_run.run.run_id}&{few}")
    await focus(page, ".groups tbody a")
    await page.press("Enter")
    await page.until("document.querySelector('.more details')?.open")
    await focus(page, ".more .tabs a[href*='view=complete']")
    await page.press("Enter")
    await page.until("document.querySelector('.more caption')?.innerText.startsWith('Cluster 1')")
    await focus(page, ".more input[name=reason]")
    await page.type("seen in its list")
    await focus(page, ".more form button")
    await page.press("Enter")
    await page.until("document.querySelector('.more [role=status]')?.innerText.includes('are to be Keep')")
    assert await page.run("location.pathname") == "/console/duplicates/groups"
    await page.picture(tmp_path / "group.png", whole=True)
    assert (tmp_path / "group.png").stat().st_size > 10_000


async def test_every_page_fits_a_phone_and_its_controls_have_names(
    page: Page, server: httpx.AsyncClient, console_run: Here
) -> None:
    await page.size(*PHONE)
    groups = f"/duplicates/groups?run={console_run.run.run_id}&threshold="
    for path in (*PATHS, "/duplicates", groups, "/duplicates/decisions", "/duplicates/maintenance"):
        await page.open(f"{server.base_url}/console{path}")
        assert await page.run("document.documentElement.scrollWidth <= innerWidth"), path
        nameless = "[...document.querySelectorAll('a, button')].filter(one => !one.innerText.trim()).length"
        assert await page.run(nameless) == 0, path
        tree = (await page.call("Accessibility.getFullAXTree"))["nodes"]
        roles = {node["role"]["value"] for node in tree if not node["ignored"] and "role" in node}
        assert {"main", "navigation", "banner", "heading"} <= roles, path
    await page.size(*DESKTOP)


async def test_the_page_of_the_api_needs_nothing_from_elsewhere(page: Page, server: httpx.AsyncClient) -> None:
    await page.open(f"{server.base_url}/docs")
    await page.until("document.querySelectorAll('.opblock').length > 5")
    loaded = await page.run("performance.getEntriesByType('resource').map(one => one.name)")
    assert len(loaded) > 2
    assert [name for name in loaded if not name.startswith(str(server.base_url))] == []
