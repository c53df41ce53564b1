"""The keeper: owns the embedded servers for as long as any command uses them, and not a moment longer.

A command holds a connection to the keeper's socket. The kernel closes it when the command ends, even by SIGKILL, so the
keeper always learns that the last one has gone. Lines of JSON on that connection:
  command to keeper   {"need": ["broker", "database"], "start": true}, then {"leave": true}
                      start false: only the addresses of those that have been started for somebody
  keeper to command   {"said": text}, {"ready": {name: address}}, {"failed": text}, {"lost": text}, {"gone": others}
Should the keeper itself be killed, the kernel ends the servers (on Linux; elsewhere the next start does).
"""

import argparse
import asyncio
import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from shared.embedded.broker import Broker
from shared.embedded.postgres import Postgres
from shared.embedded.process import StartError


class Server(Protocol):
    """A server the keeper can own."""

    name: str
    process: asyncio.subprocess.Process | None

    async def start(self) -> str:
        """Start it and return its address."""

    async def stop(self) -> None:
        """End it."""


class Keeper:
    """Starts servers when a command needs them, tells every command, stops all when the last command leaves."""

    def __init__(self, servers: Iterable[Server]) -> None:
        self._servers = {server.name: server for server in servers}
        self._starts: dict[str, asyncio.Task[str]] = {}
        self._watches: list[asyncio.Task[None]] = []
        self._members: set[asyncio.StreamWriter] = set()
        self._leaving: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def serve(self, path: Path, first: socket.socket) -> None:
        """Serve the command that started us and all that come later, until the last one has left."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._over.set)
        server = await asyncio.start_unix_server(self._member, sock=_listen(path))
        reader, writer = await asyncio.open_unix_connection(sock=first)
        self._tasks.add(asyncio.create_task(self._member(reader, writer)))
        _tell(writer, listening=True)
        await self._over.wait()
        server.close()
        _forget(path)
        await self._stop_servers()
        await self._dismiss()

    async def _member(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._members.add(writer)
        with suppress(OSError):
            async for line in reader:
                message = json.loads(line)
                if "need" in message:
                    names = [name for name in message["need"] if message.get("start", True) or name in self._starts]
                    self._later(self._provide(writer, names))
                if "leave" in message:
                    self._leaving.append(writer)
                    break
        self._members.discard(writer)
        if not self._members:
            self._over.set()
        elif not self._over.is_set():
            _tell(writer, gone=len(self._members))
            writer.close()

    async def _provide(self, writer: asyncio.StreamWriter, names: list[str]) -> None:
        """Tell a command the addresses it needs, starting what does not run yet; all at the same time."""
        running = [name for name in names if name in self._starts and self._starts[name].done()]
        try:
            addresses = await asyncio.gather(*(self._address(name) for name in names))
        except (StartError, OSError) as error:
            _tell(writer, failed=str(error))
            return
        for name in running:
            _tell(writer, said=f"the embedded {name} is already running; using it")
        _tell(writer, ready=dict(zip(names, addresses, strict=True)))

    async def _address(self, name: str) -> str:
        if name not in self._starts:
            self._starts[name] = asyncio.create_task(self._start(self._servers[name]))
        try:
            return await asyncio.shield(self._starts[name])
        except (StartError, OSError):
            self._starts.pop(name, None)
            raise

    async def _start(self, server: Server) -> str:
        began = time.monotonic()
        address = await server.start()
        self._later(self._watch(server))
        place = address.rpartition("@")[2]
        for writer in self._members:
            _tell(writer, said=f"started the embedded {server.name} at {place} in {time.monotonic() - began:.2f} s")
        return address

    async def _watch(self, server: Server) -> None:
        """A server that ends by itself ends everything: half a stack is of no use to anybody."""
        if server.process is None:
            return
        code = await server.process.wait()
        if self._over.is_set():
            return
        for writer in self._members:
            _tell(writer, lost=f"the embedded {server.name} ended by itself (exit code {code})")
        self._over.set()

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop_servers(self) -> None:
        for start in self._starts.values():
            start.cancel()
        await asyncio.gather(*self._starts.values(), return_exceptions=True)
        await asyncio.gather(*(server.stop() for server in self._servers.values()), return_exceptions=True)

    async def _dismiss(self) -> None:
        for writer in (*self._leaving, *self._members):
            with suppress(OSError, RuntimeError):
                _tell(writer, gone=0)
                await writer.drain()
                writer.close()


def _tell(writer: asyncio.StreamWriter, **message: object) -> None:
    if not writer.is_closing():
        writer.write(json.dumps(message).encode() + b"\n")


def _only_one(lock: Path) -> int:
    """Wait until no other keeper of this state directory lives. The lock goes when we do."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)


def _listen(path: Path) -> socket.socket:
    _forget(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(64)
    return listener


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Owns Sluice's embedded servers. Started by Sluice, not by hand.")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--first", type=int, required=True, help="descriptor of the first command's connection")
    parser.add_argument("--broker", type=Path, help="the broker's program")
    parser.add_argument("--database", type=Path, help="folder of the database's programs")
    return parser.parse_args()


def main() -> None:
    """Run until the last command has left."""
    arguments = _arguments()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command; it will tell us when it is done
    first = socket.socket(fileno=arguments.first)
    lock = _only_one(arguments.state / "keeper.lock")
    servers: list[Server] = []
    if arguments.broker:
        servers.append(Broker(arguments.broker, arguments.state))
    if arguments.database:
        servers.append(Postgres(arguments.database, arguments.state))
    asyncio.run(Keeper(servers).serve(arguments.socket, first))
    os.close(lock)


if __name__ == "__main__":
    main()
