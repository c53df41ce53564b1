"""The ground of the scenarios with a vendor of language models."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.faults.asking import Asking, asking_ground


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def asked(fields_directory: Path) -> AsyncIterator[Asking]:
    """Stages that ask, and the vendor that they ask."""
    async with asking_ground(fields_directory / "asking") as asked:
        yield asked
