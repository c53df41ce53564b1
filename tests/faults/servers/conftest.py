"""The ground of the scenarios that hurt database, broker and network."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.faults.fragile import Fragile, fragile
from tests.integration.undisturbed import Undisturbed, undisturbed_run


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def ground(fields_directory: Path) -> AsyncIterator[Fragile]:
    """Servers on small disks of their own, and the stages behind lines."""
    async with fragile(fields_directory / "fragile") as ground:
        yield ground


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def before(ground: Fragile) -> Undisturbed:
    """What a run on that ground has to come to."""
    return await undisturbed_run(ground.field.pipeline, timeout=120)
