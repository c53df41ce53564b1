"""The driver's many errors, mapped to what a caller can do about them."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from schemas.delivery import RejectCode
from shared.errors import PermanentError, SluiceError, TransientError, UsageError

_TRANSIENT_CLASSES = {"08", "40", "53", "57", "58"}
"""SQLSTATE classes: connection, rollback (deadlock, serialization), resources (disk, memory, connections), operator
intervention (shutdown, cancelled by timeout), system error."""
_TRANSIENT_STATES = {"55P03", "25P03", "25P04"}
"""A lock not to be had, and transactions that took too long."""
_DATA_CLASSES = {"22", "23"}
"""Data exception, integrity constraint violation."""
_CONFIGURATION_CLASSES = {"28", "3D"}
"""Authorization, unknown database."""


@contextmanager
def mapped() -> Iterator[None]:
    """Raise our errors for the driver's."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _from_server(error) from error
    except asyncpg.InterfaceError as error:
        raise _from_driver(error) from error
    except (OSError, TimeoutError, asyncpg.InternalClientError) as error:
        raise TransientError(f"the database is away: {error or type(error).__name__}") from error


def _from_server(error: asyncpg.PostgresError) -> SluiceError:
    state = error.sqlstate or ""
    if state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES:
        return TransientError(f"the database is away or busy: {error}")
    if state[:2] in _CONFIGURATION_CLASSES:
        return UsageError(f"the database refuses us: {error}", remedy="Check SLUICE_DATABASE_URL.")
    code = RejectCode.INVALID_VALUE if state[:2] in _DATA_CLASSES else RejectCode.HANDLER_ERROR
    return PermanentError(code, f"the database refuses a statement: {error}")


def _from_driver(error: asyncpg.InterfaceError) -> SluiceError:
    if isinstance(error, asyncpg.DataError):
        return PermanentError(RejectCode.INVALID_VALUE, str(error))
    if "clos" in str(error) or "released" in str(error):  # connection or pool is closed, closing, was released
        return TransientError(f"the connection to the database is gone: {error}")
    return PermanentError(RejectCode.HANDLER_ERROR, str(error))
