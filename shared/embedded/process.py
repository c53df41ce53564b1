"""Child processes that never outlive us, their logs, and free ports. Standard library only."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

LOOPBACK = "127.0.0.1"
_PR_SET_PDEATHSIG = 1
_LOG_LIMIT = 5_000_000
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartError(RuntimeError):
    """A server did not start; the message holds the end of its log."""


class Account(NamedTuple):
    """The system user a server runs as when we are root."""

    name: str
    uid: int
    gid: int


async def spawn(
    command: Sequence[str | Path],
    log: Path,
    *,
    account: Account | None = None,
    env: dict[str, str] | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> asyncio.subprocess.Process:
    """Start a server whose output goes to `log` and which gets `death_signal` when this process dies.

    Call it from the main thread: the kernel sends the signal when the thread that started the child ends.
    """
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=env or {},
            start_new_session=True,
            preexec_fn=_die_with_parent(death_signal),
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """Runs after the change of user, which would clear the request, and before exec, which keeps it."""
    if _LIBC is None:
        return None
    parent = os.getpid()

    def ask() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # died before we could ask
            os.kill(os.getpid(), death_signal)

    return ask


async def run(
    command: Sequence[str | Path], log: Path, *, account: Account | None = None, env: dict[str, str] | None = None
) -> int:
    """Run a tool to its end and return its exit code."""
    process = await spawn(command, log, account=account, env={"LC_ALL": "C", **(env or {})})
    return await process.wait()


async def stop(process: asyncio.subprocess.Process, polite: signal.Signals, *, grace: float) -> None:
    """End a process: ask, wait as long as `grace`, then kill."""
    if process.returncode is not None:
        return
    process.send_signal(polite)
    try:
        await asyncio.wait_for(process.wait(), grace)
    except TimeoutError:
        process.kill()
        await process.wait()


def free_port() -> int:
    """A loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def fresh_log(path: Path) -> Path:
    """Keep one older log once the current one has grown long."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".old.log"))
    return path


def tail(log: Path, lines: int = 8) -> str:
    """The end of a log, for an error message."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
