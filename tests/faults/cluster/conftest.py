"""The ground of all scenarios that leave servers and settings as they were."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.faults.field import Field, field
from tests.integration.undisturbed import Undisturbed, undisturbed_run


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def fields(fields_directory: Path) -> AsyncIterator[Field]:
    """Three brokers, and every stage in a process of its own."""
    async with field(fields_directory) as ground:
        yield ground


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def undisturbed(fields: Field) -> Undisturbed:
    """What every disturbed run has to come to."""
    return await undisturbed_run(fields.pipeline, timeout=120)
