"""An object store on loopback: moto's stand-in for S3, in a process of its own."""

import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from shared.embedded.process import LOOPBACK, free_port, spawn, stop
from tests.contract.waiting import eventually

START_SECONDS = 60.0


@asynccontextmanager
async def object_store(log: Path) -> AsyncIterator[str]:
    """The address of a store without buckets."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    process = await spawn([sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)], log)
    try:
        async with httpx.AsyncClient() as client:

            async def answers() -> bool:
                try:
                    return (await client.get(url)).is_success
                except httpx.TransportError:
                    return False

            await eventually(answers, "the object store answers", START_SECONDS)
        yield url
    finally:
        await stop(process, signal.SIGTERM, grace=10)


def options(url: str) -> dict[str, Any]:
    """How s3fs reaches it. A call is made once: what is away shall be found out at once."""
    return {
        "endpoint_url": url,
        "key": "nobody",
        "secret": "in-particular",
        "client_kwargs": {"region_name": "eu-central-1"},
        "config_kwargs": {"connect_timeout": 2, "retries": {"max_attempts": 0}},
    }


def stored_in(url: str, place: str) -> dict[str, str]:
    """Settings of Sluice that name a bucket, and a prefix in it."""
    return {"SLUICE_DEDUPE_STORAGE": f"s3://{place}", "SLUICE_DEDUPE_STORAGE_OPTIONS": json.dumps(options(url))}
