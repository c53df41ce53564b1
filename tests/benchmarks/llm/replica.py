"""One replica: a process with its own provider, pool and admission. `python -m tests.benchmarks.llm.replica SETUP`.

Reads chunks of numbers, one JSON object a line, and writes what came of each: {"chunk": …, "wrong": …, "parked": …}.
"""

import asyncio
import json
import random
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import count
from typing import Any

import uvloop
from pydantic import SecretStr

from shared.database import Database
from shared.errors import TransientError
from shared.llm.admission import BreakerPolicy, Budgets, Limits, PostgresAdmission
from shared.llm.gateway import Answer, Down
from shared.llm.pricing import Prices
from shared.llm.store import AnswerStore
from shared.llm.vendor_provider import VendorProvider
from shared.llm.vendors import make_vendor
from shared.runtime.clock import SystemClock
from shared.runtime.policy import RetryPolicy
from shared.settings import DatabaseSettings, Settings
from shared.telemetry.logs import configure_logs
from tests.benchmarks.llm.question import CODE, Thing, code_of, name_of


@dataclass(frozen=True)
class Setup:
    """What a replica is told. `variables`: Sluice's own settings."""

    name: str
    database_url: str
    variables: Mapping[str, str]
    budget_usd: float = 0.0
    breaker: Mapping[str, float] = field(default_factory=dict)
    gives_up: bool = False
    """What is down is not asked again."""

    def as_json(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))


def provider_of(setup: Setup, database: Database) -> VendorProvider:
    """Put together as the stage process does it."""
    llm = Settings.load(dict(setup.variables)).llm
    rpm, tpm = llm.limits_for("openai")
    admission = PostgresAdmission(
        database,
        provider="openai",
        model=llm.openai_model,
        limits=Limits(rpm, tpm),
        concurrency=llm.concurrency,
        budgets=Budgets(day_usd=setup.budget_usd),
        owner=setup.name,
        clock=SystemClock(),
        breaker=BreakerPolicy(**setup.breaker) if setup.breaker else None,  # type: ignore[arg-type] # as JSON gave them
    )
    return VendorProvider(
        partial(make_vendor, "openai", llm),
        admission,
        AnswerStore(database, setup.name),
        Prices.load(),
        llm,
        clock=SystemClock(),
        jitter=random.Random(setup.name),
        deadline_seconds=60.0,
    )


class Replica:
    """Works on what it is given until its input ends, and waits where the worker of a stage would."""

    def __init__(self, provider: VendorProvider, gives_up: bool) -> None:
        self._provider = provider
        self._gives_up = gives_up
        self._policy, self._jitter = RetryPolicy(), random.Random(gives_up)

    async def work(self, lines: asyncio.StreamReader) -> None:
        """All chunks at once; whoever gives them out decides how many there are."""
        async with asyncio.TaskGroup() as group:
            while line := await lines.readline():
                group.create_task(self._chunk(json.loads(line)))

    async def _chunk(self, chunk: dict[str, Any]) -> None:
        numbers = chunk["numbers"]
        answers = await self._answers(numbers)
        said = dict(zip(numbers, answers, strict=True))
        wrong = sum(_is_wrong(number, answer) for number, answer in said.items())
        parked = [answer.reason for answer in answers if isinstance(answer, Down) or answer.value is None]
        print(json.dumps({"chunk": chunk["id"], "wrong": wrong, "parked": parked}), flush=True)

    async def _answers(self, numbers: list[int]) -> list[Answer[Any] | Down]:
        things = [Thing(number=number) for number in numbers]
        for failures in count(1):
            answers = await self._tried(things)
            down = [answer for answer in answers if isinstance(answer, Down)]
            if self._gives_up or not down:
                break
            await asyncio.sleep(self._policy.in_place_delay(failures, down[-1].retry_after, self._jitter))
        return answers

    async def _tried(self, things: list[Thing]) -> list[Answer[Any] | Down]:
        try:
            return list(await self._provider.answer(CODE, things))
        except TransientError as error:
            return [Down(str(error), error.retry_after)] * len(things)


def _is_wrong(number: int, answer: Answer[Any] | Down) -> bool:
    return isinstance(answer, Answer) and answer.value is not None and answer.value.code != code_of(name_of(number))


async def main() -> None:
    setup = Setup(**json.loads(sys.argv[1]))
    configure_logs(Settings.load({"LOG_LEVEL": "ERROR"}).log)
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(DatabaseSettings(url=SecretStr(setup.database_url))))
        provider = await stack.enter_async_context(provider_of(setup, database))
        await provider.answer(CODE, [])  # loads the SDK
        print("ready", flush=True)
        await Replica(provider, setup.gives_up).work(lines)


if __name__ == "__main__":
    uvloop.run(main())
