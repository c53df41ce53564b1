"""`python -m tests.kafka.archive`: keep the classes that a broker loads, for all brokers to come."""

import asyncio
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kafka.apache import ARCHIVE, ApacheKafka


async def archive() -> None:
    """A broker writes them down when it ends. Without them brokers start all the same, in twice the time."""
    unfinished = ARCHIVE.with_suffix(".part")
    with TemporaryDirectory(prefix="sluice-archive-") as directory:
        cluster = ApacheKafka(Path(directory))
        await cluster.start()
        (node,) = cluster.nodes
        await node.stop()
        await node.start(f"-XX:ArchiveClassesAtExit={unfinished}")
        await node.answers(cluster.cluster)
        await node.stop()
        ended = node.process and node.process.returncode
    if ended == -signal.SIGKILL or not unfinished.exists():
        unfinished.unlink(missing_ok=True)
        print("this Java, or this machine, keeps no classes for other brokers")
        return
    unfinished.replace(ARCHIVE)
    print(f"{ARCHIVE.stat().st_size / 1e6:.0f} MB of classes in {ARCHIVE}")


if __name__ == "__main__":
    asyncio.run(archive())
