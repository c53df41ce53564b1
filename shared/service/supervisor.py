"""All stages on one machine, dealt over a few processes."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

import httpx

from shared.embedded.process import free_port
from shared.runtime.declaration import Stage
from shared.service.child import ChildProcess, Say
from shared.settings import Settings

HEALTH_SECONDS = 5.0
"""More than a process takes to find out that its database does not answer."""


class Supervisor:
    """Runs stages in child processes for as long as the context lasts; `command` is how a child is started."""

    def __init__(self, settings: Settings, stages: Sequence[Stage], command: Sequence[str], say: Say) -> None:
        logs = settings.embedded.directory / "logs"
        pipeline = stages[0].pipeline
        self._exit = AsyncExitStack()
        self.children: list[ChildProcess] = []
        for number, share in enumerate(spread(stages, settings.runtime.worker_processes), start=1):
            names, port = [stage.full_name for stage in share], free_port()
            own = [*command, "run", *names, "--port", str(port)]
            name = f"stages {', '.join(stage.name for stage in share)}"
            self.children.append(ChildProcess(name, own, port, logs / f"{pipeline}-{number}.log", settings, say))

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            async with asyncio.TaskGroup() as group:
                for child in self.children:
                    group.create_task(child.__aenter__())
                    stack.push_async_exit(child)
            self._exit = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def hindrances(self) -> dict[str, str]:
        """Stages that do not work at the moment, and why; none of a process that does not answer."""
        async with httpx.AsyncClient(timeout=HEALTH_SECONDS) as client:
            found = await asyncio.gather(*(_reasons(client, child) for child in self.children))
        return {name: reason for reasons in found for name, reason in reasons.items()}


async def _reasons(client: httpx.AsyncClient, child: ChildProcess) -> dict[str, str]:
    with suppress(httpx.HTTPError, ValueError):
        answer = (await client.get(f"{child.address}/health/ready")).json()
        return {name: stage["reason"] for name, stage in answer["stages"].items() if stage["reason"]}
    return {}


def spread(stages: Sequence[Stage], processes: int) -> list[list[Stage]]:
    """Deal the stages over at most `processes` processes, round robin, so that neighbours work side by side."""
    count = max(1, min(processes, len(stages)))
    return [list(stages[start::count]) for start in range(count)]
