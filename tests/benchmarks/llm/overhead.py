"""What the gateway itself costs: beside the vendor's SDK in the same run, and in memory."""

import asyncio
import gc
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

import psutil
from pydantic import SecretStr

from shared.database import Database
from shared.llm.admission import Budgets, Limits, PostgresAdmission
from shared.llm.calls import CallOutcome, Completion, Request, Tokens, Vendor
from shared.llm.pricing import Price, Prices
from shared.llm.rendering import parse_items
from shared.llm.store import AnswerStore
from shared.llm.vendor_provider import VendorProvider
from shared.llm.vendors import make_vendor
from shared.runtime.clock import SystemClock
from shared.settings import DatabaseSettings, Settings
from tests.benchmarks.llm.ground import VENDOR, Ground
from tests.benchmarks.llm.question import CODE, Thing, code_of
from tests.benchmarks.llm.report import Line
from tests.simulated_vendor import running_simulator

WARM, MEASURED, ROUNDS = 200, 1_000, 3
MEMORY_CALLS = 100_000
AT_ONCE = 128
FLAT = 1.10
MODEL = "gpt-4o-mini"


@dataclass
class Timed:
    """A vendor that notes how long each of its calls took."""

    vendor: Vendor
    seconds: list[float] = field(default_factory=list)

    @property
    def provider(self) -> str:
        return self.vendor.provider

    @property
    def model(self) -> str:
        return self.vendor.model

    async def complete(self, request: Request) -> Completion:
        began = time.perf_counter()
        try:
            return await self.vendor.complete(request)
        finally:
            self.seconds.append(time.perf_counter() - began)

    async def close(self) -> None:
        await self.vendor.close()


class Scripted:
    """A vendor without a network: it answers at once."""

    provider, model = "openai", MODEL

    async def complete(self, request: Request) -> Completion:
        await asyncio.sleep(0)
        found = parse_items(request.items)
        parts = ",".join(f'{{"id":"{key}","code":{code_of(str(facts["name"]))}}}' for key, facts in found)
        return Completion(f'{{"answers":[{parts}]}}', CallOutcome.OK, Tokens(200, 0, 0, 12 * len(found)), self.model)

    async def close(self) -> None:
        pass


@asynccontextmanager
async def _provider(url: str, make: Callable[[], Vendor], settings: Settings) -> AsyncIterator[VendorProvider]:
    clock = SystemClock()
    async with Database(DatabaseSettings(url=SecretStr(url))) as database:
        admission = PostgresAdmission(
            database,
            provider="openai",
            model=MODEL,
            limits=Limits(),
            concurrency=AT_ONCE,
            budgets=Budgets(),
            owner="bench",
            clock=clock,
        )
        async with VendorProvider(
            make,
            admission,
            AnswerStore(database, "bench"),
            Prices({MODEL: Price(input=0.15, output=0.6)}),
            settings.llm,
            clock=clock,
            jitter=random.Random(1),
            deadline_seconds=60,
        ) as provider:
            yield provider


async def overhead(ground: Ground) -> list[Line]:
    """One call after another, one item each, no linger: everything but the vendor's SDK and its network."""
    lines = []
    for coalesce in (True, False):
        rounds = [await _round(ground, coalesce=coalesce) for _ in range(ROUNDS)]
        middle, high, sdk = (median(figures) for figures in zip(*rounds, strict=True))
        path = "cache, claim, lease, settlement" if coalesce else "without cache and coalescing: lease and settlement"
        note = f"{path}; median of {ROUNDS} rounds; the SDK's own call beside it: {sdk:.1f} ms"
        met = (middle <= 5, high <= 15) if coalesce else (None, None)
        lines += [
            Line("gateway overhead a call, p50", "≤ 5 ms", f"{middle:.2f} ms", met[0], note),
            Line("gateway overhead a call, p99", "≤ 15 ms", f"{high:.2f} ms", met[1], note),
        ]
    return lines


async def _round(ground: Ground, *, coalesce: bool) -> tuple[float, float, float]:
    """Milliseconds: the gateway's own p50 and p99, and the median of the SDK's call."""
    whole, calls = await _timed(ground, coalesce=coalesce)
    own = sorted(all_ - call for all_, call in zip(whole, calls, strict=True))
    return own[len(own) // 2] * 1000, own[int(len(own) * 0.99)] * 1000, median(calls) * 1000


async def _timed(ground: Ground, *, coalesce: bool) -> tuple[Sequence[float], Sequence[float]]:
    url = await ground.new_database()
    async with running_simulator(process=True, module=VENDOR, rpm=0, tpm=0, latency_mean=0) as vendor:
        switch = str(coalesce).lower()
        given = {"SLUICE_LLM_LINGER_MS": "0", "SLUICE_LLM_CACHE": switch, "SLUICE_LLM_COALESCE": switch}
        settings = Settings.load({**vendor.environment(), **given})
        timed = Timed(make_vendor("openai", settings.llm))
        whole = []
        async with _provider(url, lambda: timed, settings) as provider:
            for number in range(WARM + MEASURED):
                began = time.perf_counter()
                await provider.answer(CODE, [Thing(number=number)])
                whole.append(time.perf_counter() - began)
    return whole[WARM:], timed.seconds[WARM:]


async def memory(ground: Ground) -> list[Line]:
    """Resident memory of the process over 100,000 calls, after the first tenth."""
    url = await ground.new_database()
    entries = {"SLUICE_LLM_CACHE_ENTRIES": "2000", "SLUICE_LLM_BATCH_ITEMS": "1", "SLUICE_LLM_LINGER_MS": "0"}
    process, seen = psutil.Process(), dict[int, float]()
    began = time.monotonic()
    async with _provider(url, Scripted, Settings.load(entries)) as provider:
        step = MEMORY_CALLS // 200
        for start in range(0, MEMORY_CALLS, step):
            await provider.answer(CODE, [Thing(number=number) for number in range(start, start + step)])
            gc.collect()
            seen[start + step] = process.memory_info().rss / 1e6
    early, late = seen[MEMORY_CALLS // 10], seen[MEMORY_CALLS]
    rate = MEMORY_CALLS / (time.monotonic() - began)
    note = f"scripted vendor, real Postgres, one process: {rate:,.0f} calls/s; LRU of 2,000"
    found = f"{early:.0f} MB after 10,000, {late:.0f} MB after 100,000"
    return [Line("memory over 100,000 calls", "flat", found, late <= FLAT * early, note)]
