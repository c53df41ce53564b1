"""Headless Chromium, steered over a pipe by its DevTools protocol: NUL-terminated JSON both ways."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.contract.waiting import eventually

ANSWER_SECONDS = 60.0
LARGEST_MESSAGE = 64 * 1024 * 1024
DESKTOP, PHONE = (1280, 900), (390, 844)
TROUBLE = {"warning", "error"}
KEYS = {"Tab": 9, "Enter": 13, " ": 32}


class Page:
    """One tab. `problems` are what its console says and what its policy refuses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session: str | None = None
        self.problems: list[str] = []

    async def attach(self) -> None:
        """Take hold of the tab that Chromium opens with."""
        targets = (await self.call("Target.getTargets"))["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        attached = await self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.call(f"{domain}.enable")

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask for something and return the answer."""
        number = len(self._waiting)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._writer.write(json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await answer
        assert "error" not in found, found
        result: dict[str, Any] = found["result"]
        return result

    async def listen(self) -> None:
        """Sort what comes, until Chromium ends."""
        while line := await self._reader.readuntil(b"\0"):
            message = json.loads(line[:-1])
            if "id" in message:
                self._waiting[message["id"]].set_result(message)
            elif message["method"] == "Log.entryAdded" and message["params"]["entry"]["level"] in TROUBLE:
                self.problems.append(message["params"]["entry"]["text"])
            elif message["method"] == "Runtime.exceptionThrown":
                self.problems.append(str(message["params"]["exceptionDetails"]))

    async def open(self, url: str) -> None:
        """Go to an address and wait until its page has loaded."""
        await self.call("Page.navigate", url=url)
        await self.until(f"document.readyState === 'complete' && location.href !== 'about:blank' && {url!r} !== ''")

    async def run(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, expression: str, timeout: float = 60.0) -> None:
        """Wait until a JavaScript expression is true; a page that is being left counts as not yet."""

        async def look() -> bool:
            found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
            return bool(found["result"].get("value"))

        await eventually(look, expression, timeout)

    async def press(self, key: str) -> None:
        """A key, down and up."""
        about = {"key": key, "windowsVirtualKeyCode": KEYS[key], "code": "Space" if key == " " else key}
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    async def type(self, text: str) -> None:
        """Text into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def size(self, width: int, height: int) -> None:
        """The window's size; below 500 it is a phone."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    async def picture(self, path: Path, *, whole: bool = False) -> None:
        """What is to be seen, or the whole page, as a PNG."""
        found = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(found["data"]))


@asynccontextmanager
async def chromium() -> AsyncIterator[Page]:
    """A browser with a fresh profile."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "Chromium is not installed: apt-get install chromium"
    profile = tempfile.mkdtemp(prefix="sluice-chromium-")
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    script = f'exec 3<&{theirs_in} 4>&{theirs_out}; exec "$@"'
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script, "chromium", program, *flags),
        *("--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"),
        pass_fds=(theirs_in, theirs_out),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        async with _page(ours_in, ours_out) as page:
            yield page
            with contextlib.suppress(TimeoutError, AssertionError):
                await page.call("Browser.close")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        await asyncio.to_thread(shutil.rmtree, profile, ignore_errors=True)


@asynccontextmanager
async def _page(incoming: int, outgoing: int) -> AsyncIterator[Page]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LARGEST_MESSAGE)
    source, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(incoming, "rb"))
    sink, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(outgoing, "wb"))
    page = Page(reader, asyncio.StreamWriter(sink, protocol, reader, loop))
    listening = asyncio.create_task(page.listen())
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await page.attach()
        yield page
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        sink.close()
        source.close()
