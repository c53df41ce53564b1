"""A vendor's server for the session, as good as new for each test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.unit.llm.wire import VendorServer, serving


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def vendor_server() -> AsyncIterator[VendorServer]:
    async with serving() as server:
        yield server


@pytest.fixture
def server(vendor_server: VendorServer) -> VendorServer:
    vendor_server.forget()
    return vendor_server
