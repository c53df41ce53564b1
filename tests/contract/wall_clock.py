"""A wall clock that a test moves under processes that run: `python -m tests.contract.wall_clock FILE MODULE ARGUMENT…`
runs a module by a clock that is off by as many seconds as FILE says. Running time is what it is.
"""

import mmap
import runpy
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiokafka.producer.message_accumulator import BatchBuilder

SECONDS = struct.Struct("d")


class WallClock:
    """How far the clock of the processes that look at `path` is off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_bytes(SECONDS.pack(0.0))

    def words(self, module: str) -> list[str]:
        """What to tell Python so that it runs a module by this clock; the module's arguments follow."""
        return ["-m", "tests.contract.wall_clock", str(self._path), module]

    def jump(self, seconds: float) -> None:
        """Be so many seconds ahead of the machine's clock from now on; behind it, if negative."""
        with self._path.open("r+b") as file:
            file.write(SECONDS.pack(seconds))


def main() -> None:
    path, module, *arguments = sys.argv[1:]
    with Path(path).open("rb") as file:
        off = mmap.mmap(file.fileno(), SECONDS.size, prot=mmap.PROT_READ)
    real = time.time
    time.time = lambda: real() + SECONDS.unpack_from(off)[0]
    BatchBuilder.append = _stamped(BatchBuilder.append)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _stamped(append: Callable[..., Any]) -> Callable[..., Any]:
    """aiokafka would ask the machine itself what time it is, from C."""

    def stamped(batch: Any, *, timestamp: int | None, **record: Any) -> Any:
        return append(batch, timestamp=int(time.time() * 1000) if timestamp is None else timestamp, **record)

    return stamped


if __name__ == "__main__":
    main()
