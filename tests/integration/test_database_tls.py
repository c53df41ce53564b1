"""PostgreSQL over TLS: what each mode checks, and what is said if it is not as it should be.

The embedded server is built without TLS, so a door in front of it speaks it, as a proxy of a hosting provider does.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import pytest_asyncio
import trustme
from pydantic import SecretStr

from shared.database import Database
from shared.embedded.process import LOOPBACK
from shared.errors import TransientError
from shared.settings import DatabaseSettings
from tests.contract.proxy import Door
from tests.contract.replica import Replica
from tests.integration.sluice_command import runner
from tests.kafka.backend import broker_variables

PLEASE_ENCRYPT = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""How a client of PostgreSQL asks for TLS."""


class TlsDoor(Door):
    """A door that speaks TLS to the outside, and counts those who came in by it."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port)
        self._context = context
        self.encrypted = 0

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readexactly(len(PLEASE_ENCRYPT)) == PLEASE_ENCRYPT
            writer.write(b"S")
            await writer.start_tls(self._context)
        except (OSError, asyncio.IncompleteReadError):  # the client does not like our certificate
            writer.transport.abort()
            return
        self.encrypted += 1
        await super()._enter(reader, writer)


@dataclass
class TlsServer:
    """A database behind TLS, whose certificate is for 127.0.0.1."""

    door: TlsDoor
    database_url: str
    authority: Path
    stranger: Path

    def url(self, host: str = LOOPBACK) -> str:
        address = urlsplit(self.database_url)
        netloc = f"{address.username}:{address.password}@{host}:{self.door.port}"
        return urlunsplit(address._replace(netloc=netloc))

    def settings(self, mode: str | None, cafile: Path | None = None, host: str = LOOPBACK) -> DatabaseSettings:
        given = {"url": SecretStr(self.url(host)), "ssl_mode": mode, "ssl_cafile": cafile, "pool_max": 1}
        return DatabaseSettings.model_validate(given)

    @property
    def password(self) -> str:
        return urlsplit(self.database_url).password or ""


@pytest_asyncio.fixture(loop_scope="session")
async def server(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TlsServer]:
    monkeypatch.setenv("HOME", str(tmp_path))  # the driver would look for certificates of the user's own
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "stranger.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(LOOPBACK).configure_cert(context)
    address = urlsplit(database_url)
    async with TlsDoor(address.hostname or "", address.port or 0, context) as door:
        yield TlsServer(door, database_url, tmp_path / "authority.pem", tmp_path / "stranger.pem")


async def answers(settings: DatabaseSettings) -> bool:
    async with Database(settings) as database:
        return bool(await database.fetchval("SELECT true"))


@pytest.mark.parametrize("mode", [None, "prefer", "require", "no-verify"])
async def test_these_modes_encrypt_and_check_nothing(server: TlsServer, mode: str | None) -> None:
    assert await answers(server.settings(mode))
    assert await answers(server.settings(mode, host="localhost"))
    assert server.door.encrypted == 2


async def test_verify_ca_checks_who_issued_the_certificate_and_not_for_whom(server: TlsServer) -> None:
    assert await answers(server.settings("verify-ca", server.authority))
    assert await answers(server.settings("verify-ca", server.authority, host="localhost"))
    assert server.door.encrypted == 2
    await _refuses(server.settings("verify-ca", server.stranger), "set SLUICE_DATABASE_SSL_CAFILE")


async def test_verify_full_checks_both(server: TlsServer) -> None:
    assert await answers(server.settings("verify-full", server.authority))
    await _refuses(server.settings("verify-full", server.stranger), "set SLUICE_DATABASE_SSL_CAFILE")
    await _refuses(server.settings("verify-full", server.authority, "localhost"), "use the name in SLUICE_DATABASE_URL")
    assert server.door.encrypted == 1


async def test_without_an_authority_those_of_the_system_count(server: TlsServer) -> None:
    await _refuses(server.settings("verify-full"), "set SLUICE_DATABASE_SSL_CAFILE")
    await _refuses(server.settings("verify-ca"), "set SLUICE_DATABASE_SSL_CAFILE")


async def _refuses(settings: DatabaseSettings, remedy: str) -> None:
    with pytest.raises(TransientError, match=remedy):
        await answers(settings)


@pytest.mark.parametrize("mode", ["require", "no-verify", "verify-ca", "verify-full"])
async def test_a_server_without_tls_is_refused_where_tls_is_wanted(database_url: str, mode: str) -> None:
    settings = DatabaseSettings.model_validate({"url": SecretStr(database_url), "ssl_mode": mode})
    await _refuses(settings, "turn on TLS at the server, or choose another SLUICE_DATABASE_SSL_MODE")


@pytest.mark.parametrize("mode", [None, "prefer", "disable"])
async def test_a_server_without_tls_does_where_it_is_not(database_url: str, mode: str | None) -> None:
    assert await answers(DatabaseSettings.model_validate({"url": SecretStr(database_url), "ssl_mode": mode}))


async def test_commands_and_stages_say_what_is_wrong_and_nothing_secret(
    server: TlsServer, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = {
        "SLUICE_DATABASE_URL": server.url(),
        "SLUICE_DATABASE_SSL_MODE": "verify-full",
        "SLUICE_DATABASE_SSL_CAFILE": str(server.authority),
    }
    wrong = right | {"SLUICE_DATABASE_SSL_CAFILE": str(server.stranger)}
    sluice = runner(monkeypatch, capsys, tmp_path, right)
    assert (await sluice("batches")).code == 0
    refused = await sluice("batches", **wrong)
    assert refused.code == 1
    assert "set SLUICE_DATABASE_SSL_CAFILE" in refused.err

    words = ["-m", "services.cli.main", "run", "classification.complete", "--port", "PORT"]
    replica = await Replica.start(words, tmp_path / "stage.log", broker_variables(broker) | wrong)
    try:
        await replica.ready(503)
        await replica.reason("classification.complete", "starting", "set SLUICE_DATABASE_SSL_CAFILE")
        assert (await replica.health("live"))[0] == 200
    finally:
        await replica.kill()
    for said in (refused.err, (tmp_path / "stage.log").read_text()):
        assert "Traceback" not in said
        assert server.password not in said
