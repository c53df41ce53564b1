"""`python -m tests.browser FOLDER`: pictures of the console while `sluice classify` runs in another process."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.broker.producer import Publisher
from shared.embedded.process import free_port
from shared.embedded.stack import embedded_stack
from shared.runtime.envelope import OutRecord
from shared.settings import Settings
from tests.browser.chromium import DESKTOP, PHONE, Page, chromium
from tests.companies import HEADERS, Companies, write_csv
from tests.contract.waiting import eventually

INDICATORS = Path("services/classification/model/data/labelled.jsonl")
SLUICE = (sys.executable, "-m", "services.cli.main")
BROKEN = (b'{"indicator_id": "no-name"}', b"not JSON", b'{"indicator_id": "X:AW", "name": ""}')
START_SECONDS = 120.0
ACCOUNTS = 10_000
TALL = (1280, 1850)
CLASSIFIED_SOME = "Number(document.querySelectorAll('.figures dd')[2].innerText.replace(',', '')) > 300"


async def main(folder: Path, directory: Path) -> None:
    """Start everything, let it work, and look."""
    port = free_port()
    variables = {"SLUICE_STATE_DIR": str(directory), "SLUICE_API_PORT": str(port), "SLUICE_API_KEYS": ""}
    environment = {**os.environ, **variables}
    rows = directory / "rows.jsonl"
    await asyncio.to_thread(shutil.copyfile, INDICATORS, rows)
    async with _running(environment, "up"), chromium() as page:
        await _break_some(Settings.load(variables))
        await page.size(*DESKTOP)
        base = f"http://127.0.0.1:{port}/console"
        async with _running(environment, "classify", str(rows), "--quiet", wait_for=b""):
            await page.open(base)
            await page.until("document.querySelectorAll('.stage.behind').length > 2")
            await page.until(CLASSIFIED_SOME)
            await page.picture(folder / "console-flow.png")
            await page.size(*PHONE)
            await page.open(base)
            await page.picture(folder / "console-phone.png")
        await page.size(*DESKTOP)
        await _still(page, base, folder)
        await _duplicates(page, base, folder, directory, environment)


async def _still(page: Page, base: str, folder: Path) -> None:
    async def something_waits() -> bool:
        await page.open(f"{base}/reviews")
        return bool(await page.run("document.querySelectorAll('.cards a').length > 2"))

    await eventually(something_waits, "something waits for a person", START_SECONDS)
    await page.picture(folder / "console-reviews.png")
    await page.run("document.querySelector('.cards a').click()")
    await page.until("location.pathname.endsWith('/indicator') && document.readyState === 'complete'")
    await page.picture(folder / "console-indicator.png", whole=True)


async def _duplicates(page: Page, base: str, folder: Path, directory: Path, environment: dict[str, str]) -> None:
    accounts = directory / "accounts.csv"
    write_csv(accounts, HEADERS, (row.cells for row in Companies(1).rows(ACCOUNTS)))
    words = "dedupe", str(accounts), "--output", str(directory / "results"), "--quiet"
    process = await asyncio.create_subprocess_exec(*SLUICE, *words, env=environment)
    assert await process.wait() == 0
    await page.open(f"{base}/duplicates")
    await page.run("document.querySelector('tbody th a').click()")
    await page.until("location.pathname.endsWith('/run') && document.readyState === 'complete'")
    run = await page.run("new URLSearchParams(location.search).get('run')")
    await page.size(*TALL)
    await page.open(f"{base}/duplicates/groups?run={run}&threshold=92&min_size=6&mismatch=yes&order=ascending")
    await page.run("document.querySelectorAll('.groups tbody a')[1].click()")
    await page.until("document.querySelector('.more details')?.open")
    await page.picture(folder / "console-duplicates.png")


async def _break_some(settings: Settings) -> None:
    """Records that no stage can work on."""
    async with embedded_stack(settings, servers=["broker"], start=False) as stack:
        kafka = stack.settings.kafka
        async with Publisher(kafka, kafka.partitions) as publisher:
            await publisher.publish([OutRecord("indicators.ingest", b"broken", value, []) for value in BROKEN])


@asynccontextmanager
async def _running(environment: dict[str, str], *arguments: str, wait_for: bytes = b"\nrunning") -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(*SLUICE, *arguments, env=environment, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    said = b""

    async def heard() -> bool:
        nonlocal said
        said += await process.stdout.readline() if process.stdout else b""
        return wait_for in said

    try:
        if wait_for:
            await eventually(heard, "it runs", START_SECONDS)
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


if __name__ == "__main__":
    state = Path(tempfile.mkdtemp(prefix="sluice-pictures-"))
    state.chmod(0o755)
    asyncio.run(main(Path(sys.argv[1]), state))
    shutil.rmtree(state)
