"""The driver's many errors, mapped to what a caller can do about them."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from schemas.delivery import RejectCode
from shared.errors import PermanentError, SluiceError, TransientError
from shared.tls import distrust

_ITEM_CLASSES = {"22", "23"}
"""SQLSTATE classes that an item's own values cause: data exception, integrity constraint violation."""
_REMEDIES = {
    "25006": "the server takes no writes: point SLUICE_DATABASE_URL at the primary",
    "28000": "check the user in SLUICE_DATABASE_URL, and whether the server wants TLS (SLUICE_DATABASE_SSL_MODE)",
    "28": "check the user and the password in SLUICE_DATABASE_URL",
    "3D": "check the name of the database in SLUICE_DATABASE_URL",
    "42501": "grant the user of SLUICE_DATABASE_URL what it lacks",
    "42703": "run `sluice migrate`",
    "42883": "run `sluice migrate`",
    "42P01": "run `sluice migrate`",
    "53100": "make room on the server's disk",
    "53300": "raise max_connections, or lower SLUICE_DATABASE_POOL_MAX",
}
"""What a person can do, by SQLSTATE or its class."""


@contextmanager
def mapped() -> Iterator[None]:
    """Raise our errors for the driver's."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise _from_server(error) from error
    except asyncpg.InterfaceError as error:
        raise _from_driver(error) from error
    except ssl.SSLCertVerificationError as error:
        told = distrust(error, address="SLUICE_DATABASE_URL", cafile="SLUICE_DATABASE_SSL_CAFILE")
        raise TransientError(f"no connection to the database: {told}") from error
    except (OSError, TimeoutError, asyncpg.InternalClientError) as error:
        raise TransientError(f"the database is away: {error or type(error).__name__}{_without_tls(error)}") from error


def _without_tls(error: Exception) -> str:
    """What to do about a server without TLS; the driver has no other sign for it."""
    if "rejected SSL upgrade" not in str(error):
        return ""
    return "; turn on TLS at the server, or choose another SLUICE_DATABASE_SSL_MODE"


def _from_server(error: asyncpg.PostgresError) -> SluiceError:
    """Only what the item itself brings is final. A database that is set up wrong will be set right: keep the item."""
    state = error.sqlstate or ""
    if state[:2] in _ITEM_CLASSES:
        return PermanentError(RejectCode.INVALID_VALUE, f"the database refuses a value: {error}")
    remedy = _REMEDIES.get(state) or _REMEDIES.get(state[:2])
    return TransientError(f"the database cannot do it now: {error}" + (f"; {remedy}" if remedy else ""))


def _from_driver(error: asyncpg.InterfaceError) -> SluiceError:
    if isinstance(error, asyncpg.DataError):
        return PermanentError(RejectCode.INVALID_VALUE, str(error))
    return TransientError(f"the connection to the database cannot be used: {error}")
