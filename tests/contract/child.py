"""A stage process of the shop, started by tests: `python -m tests.contract.child NAME GATES PORT STAGE...`."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from shared.broker.producer import Publisher
from shared.errors import TransientError
from shared.runtime.envelope import OutRecord
from shared.service import process
from shared.settings import Settings
from shared.telemetry.logs import configure_logs
from tests.contract.shop import Gates, make_shop


def main() -> None:
    name, directory, port, *stages = sys.argv[1:]
    gates = Gates(Path(directory))
    settings = Settings.load()
    configure_logs(settings.log)

    class GatedPublisher(Publisher):
        """Publishes nothing while the gate `refuse` is set."""

        async def publish(self, records: Sequence[OutRecord]) -> None:
            if gates.is_set("sabotage"):
                _end_fetching()
            if gates.is_set("refuse"):
                gates.set("refused")
                raise TransientError("broker: not enough replicas")
            await super().publish(records)

    vars(process)["Publisher"] = GatedPublisher  # the one seam a test needs inside the process
    shop = make_shop(name, gates)
    process.run_stages([(shop, shop.find(stage)) for stage in stages], settings, "127.0.0.1", int(port), uvloop.run)


def _end_fetching() -> None:
    """End aiokafka's fetcher as an error in it would."""
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__name__", "") == "_fetch_requests_routine":
            task.cancel()


if __name__ == "__main__":
    main()
