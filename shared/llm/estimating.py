"""From what would be asked to calls, tokens, dollars and time: packed as the gateway packs, priced as it is billed."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import NamedTuple

from shared.database import Executor
from shared.llm.calls import Tokens
from shared.llm.estimate import Estimate, StageEstimate
from shared.llm.packing import pack
from shared.llm.pricing import Prices, estimate_tokens
from shared.llm.rehearsal import Asked, Rehearsal
from shared.llm.rendering import item_ids, render_items, reply_schema
from shared.llm.store import queries
from shared.settings import LlmSettings

MEASURED_DAYS = 30
ENOUGH_CALLS = 5
"""Fewer say little about the next ones."""
PROSE_CHARACTERS = 4.7
"""Characters a token of English text, by the vocabularies of today; JSON has more marks, and so more tokens."""
USABLE_SHARE = 0.95
"""Of a limit; the limiter uses no more."""
TYPICAL_LATENCY = 2.0
"""Seconds of a call, until some have been measured."""
FRAME_TOKENS = 8
"""Of an answer, around its items."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What calls of one question really took, summed up."""

    calls: int
    items: int
    estimated: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    latency: float

    @property
    def input_ratio(self) -> float:
        """Real tokens in over estimated ones; the estimate that is booked includes the answer."""
        return self.tokens_in / max(1, self.estimated - self.tokens_out)

    @property
    def cached_share(self) -> float:
        """Of the tokens in."""
        return self.tokens_cached / max(1, self.tokens_in)

    @property
    def output_tokens(self) -> float:
        """Of one item."""
        return self.tokens_out / max(1, self.items)


@dataclass(frozen=True, slots=True)
class PromptCache:
    """How a vendor keeps beginnings of prompts: from so many tokens on, in steps; whether it charges for writing."""

    least: int
    step: int = 1
    charged: bool = False


PROMPT_CACHES: Mapping[str, PromptCache] = {
    "openai": PromptCache(1024, 128),
    "anthropic": PromptCache(2048, charged=True),
}
Key = tuple[str, str, str]
"""(provider, model, question)."""


class CallsMade(NamedTuple):
    """What was called in a span of time; the median of the seconds that calls took, and what one in twenty exceeded."""

    calls: int
    tokens_in: int
    tokens_cached: int
    cost_usd: float
    p50_seconds: float | None
    p95_seconds: float | None


async def moment(executor: Executor) -> datetime:
    """The time by the clock of the books."""
    now: datetime = await executor.fetchval(queries()["moment"])
    return now


async def calls_since(executor: Executor, since: datetime) -> CallsMade:
    """What was called since then, whoever asked for it."""
    (row,) = await executor.fetch(queries()["calls_since"], since)
    return CallsMade(*row)


async def measured_calls(executor: Executor) -> dict[Key, Measured]:
    """What the ledger knows of calls, by provider, model and question; too few are left out."""
    rows = [dict(row) for row in await executor.fetch(queries()["measured_calls"], MEASURED_DAYS)]
    return {
        (row.pop("provider"), row.pop("model"), row.pop("question")): Measured(**row)
        for row in rows
        if row["calls"] >= ENOUGH_CALLS
    }


def summed_up(
    indicators: int,
    rehearsals: Sequence[Rehearsal],
    settings: LlmSettings,
    measured: Mapping[Key, Measured],
    *,
    cache_looked_at: bool,
) -> Estimate:
    """The estimate of a run that was rehearsed."""
    prices = Prices.load(settings.prices)
    stages = [
        _stage(rehearsal, asked, settings, prices, measured.get((rehearsal.provider, rehearsal.model, name)))
        for rehearsal in rehearsals
        for name, asked in rehearsal.asked.items()
    ]
    return Estimate(indicators, tuple(stages), _seconds(stages, settings, measured), cache_looked_at)


def _stage(
    rehearsal: Rehearsal, asked: Asked, settings: LlmSettings, prices: Prices, measured: Measured | None
) -> StageEstimate:
    # Items of different batches rarely come within the moment that one waits for company.
    groups = [
        [sizes[place] for place in places]
        for sizes in asked.sizes
        for places in pack(sizes, settings.batch_items, settings.batch_tokens)
    ]
    tokens = _tokens(rehearsal.provider, asked, groups, measured)
    return StageEstimate(
        question=asked.question.name,
        provider=rehearsal.provider,
        model=rehearsal.model,
        items=asked.items,
        distinct=asked.distinct,
        cached=asked.cached,
        calls=len(groups),
        tokens_in=tokens.input,
        tokens_cached=tokens.cached,
        tokens_out=tokens.output,
        cost_usd=prices.cost(rehearsal.provider, rehearsal.model, tokens),
        measured=measured is not None,
    )


def _tokens(provider: str, asked: Asked, groups: Sequence[Sequence[int]], measured: Measured | None) -> Tokens:
    around = estimate_tokens(render_items([]))
    texts = sum(map(sum, groups)) + around * len(groups)
    if measured:
        given = round(measured.input_ratio * (texts + estimate_tokens(asked.prompt.instructions) * len(groups)))
        output = round(measured.output_tokens * sum(map(len, groups)))
    else:
        given = texts + sum(_prefix(asked, len(group)) for group in groups)
        output = asked.output + FRAME_TOKENS * len(groups)
    cached, written = _cached(provider, asked, [len(group) for group in groups])
    if measured and measured.calls >= len(groups):
        cached, written = round(measured.cached_share * given), 0
    return Tokens(input=given, cached=min(cached, given), cache_written=min(written, given - cached), output=output)


def _prefix(asked: Asked, count: int) -> int:
    """Tokens of what stands before the items: instructions, and the schema of `count` replies."""
    schema = json.dumps(reply_schema(asked.prompt.reply, item_ids(count)), separators=(",", ":"))
    return ceil(len(asked.prompt.instructions) / PROSE_CHARACTERS) + estimate_tokens(schema)


def _cached(provider: str, asked: Asked, sizes: Sequence[int]) -> tuple[int, int]:
    """Tokens read from and written to the vendor's cache: the first call of each size fills it for the others."""
    kept = PROMPT_CACHES.get(provider)
    if kept is None:
        return 0, 0
    read = written = 0
    for size in set(sizes):
        prefix = _prefix(asked, size)
        if prefix >= kept.least:
            read += (sizes.count(size) - 1) * (prefix // kept.step * kept.step)
            written += prefix if kept.charged else 0
    return read, written


def _seconds(stages: Sequence[StageEstimate], settings: LlmSettings, measured: Mapping[Key, Measured]) -> float:
    """The slowest of calls a minute, tokens a minute and calls at a time, by model; then once through all questions."""
    by_model: defaultdict[tuple[str, str], list[StageEstimate]] = defaultdict(list)
    for stage in stages:
        if stage.calls:
            by_model[stage.provider, stage.model].append(stage)
    longest = through = 0.0
    for (provider, _), asked in by_model.items():
        rpm, tpm = settings.limits_for(provider)
        latencies = [_latency(stage, measured) for stage in asked]
        calls = sum(stage.calls for stage in asked)
        tokens = sum(stage.tokens_in + stage.tokens_out for stage in asked)
        busy = sum(stage.calls * latency for stage, latency in zip(asked, latencies, strict=True))
        limits = [60 * count / (USABLE_SHARE * limit) for count, limit in ((calls, rpm), (tokens, tpm)) if limit]
        longest = max(longest, busy / settings.concurrency, *limits)
        through += sum(latencies)
    return longest + through


def _latency(stage: StageEstimate, measured: Mapping[Key, Measured]) -> float:
    found = measured.get((stage.provider, stage.model, stage.question))
    return found.latency if found else TYPICAL_LATENCY
