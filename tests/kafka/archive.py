"""`python -m tests.kafka.archive`: keep the classes that a broker loads, for all brokers to come."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kafka.apache import ARCHIVE, ApacheKafka


async def archive() -> None:
    """A broker writes them down when it ends."""
    with TemporaryDirectory(prefix="sluice-archive-") as directory:
        cluster = ApacheKafka(Path(directory))
        await cluster.start()
        (node,) = cluster.nodes
        await node.stop()
        await node.start(f"-XX:ArchiveClassesAtExit={ARCHIVE}")
        await node.answers(cluster.cluster)
        await node.stop()
        print(f"{ARCHIVE.stat().st_size / 1e6:.0f} MB in {ARCHIVE}")


if __name__ == "__main__":
    asyncio.run(archive())
