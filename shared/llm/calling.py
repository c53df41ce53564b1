"""A group of items to one model, until each has a reply or a reason why there is none.

One call for the group. What comes back valid is done; the rest is asked again by itself. If nothing was usable the
model is told so once, then the group is halved, down to single items. A failure that may pass is tried again with full
jitter, never earlier than the vendor asks for. Every attempt is booked.
"""

import asyncio
import json
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from schemas.base import Contract
from shared.errors import TransientError
from shared.llm.calls import (
    MISCONFIGURED,
    PASSING,
    PATIENCE_SECONDS,
    Admission,
    CallOutcome,
    Closed,
    Completion,
    Permit,
    Plan,
    Request,
    Result,
    Tokens,
    Vendor,
    VendorError,
    limited_tokens,
)
from shared.llm.pricing import Prices, estimate_tokens
from shared.llm.question import Question
from shared.llm.reading import Read, read_answers
from shared.llm.rendering import item_ids, render_item, render_items, reply_schema
from shared.runtime.clock import Clock
from shared.telemetry import metrics
from shared.telemetry.gen_ai import answered, call_span

log = structlog.get_logger()

MOST_CALLS_AN_ITEM = 7
"""Enough to be halved out of a group of fifteen with one word of complaint; a model that fails longer never will."""
BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 30.0
SCHEMA_TOKENS = 60
"""Of the answer's frame, beside the items."""
ROOM_FOR_REPLIES = 4
"""A reply may be so many times as long as usual before it is cut."""
ROOM_FOR_ECHOES = 2
"""The same for a reply that says its item again."""
BYTES_A_TOKEN_AT_LEAST = 2
LEARNING_RATE = 0.2


@dataclass(slots=True, eq=False)
class Item:
    """One thing to ask about, and what came of it: a reply, or the reason why there is none."""

    key: bytes
    facts: Mapping[str, Any]
    accept: Callable[[Contract], object]
    reply: Contract | None = None
    reason: str = ""
    down: Closed | None = None
    """Nobody could be asked; the item is not to blame."""
    calls: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    """Its share of all calls made for it."""
    cost_usd: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether there is nothing left to ask."""
        return self.reply is not None or bool(self.reason) or self.down is not None


class Caller:
    """Calls one model with one question."""

    def __init__(  # noqa: PLR0913 -- the wiring of a call; everything is injected
        self,
        vendor: Vendor,
        admission: Admission,
        prices: Prices,
        question: Question[Any, Any],
        *,
        attempts: int,
        timeout_seconds: float,
        clock: Clock,
        jitter: random.Random,
    ) -> None:
        self._vendor = vendor
        self._admission = admission
        self._prices = prices
        if question.prompt is None:
            raise LookupError(f"no language model can be asked {question.name}")
        self._question = question.name
        self._prompt = question.prompt
        self._attempts = attempts
        self._timeout = timeout_seconds
        self._clock = clock
        self._jitter = jitter
        self._never = asyncio.Event()
        self._outputs: deque[float] = deque(maxlen=200)
        self._counted = 1.0
        """Input tokens that count against the limit, over our estimate of them."""

    async def solve(self, items: Sequence[Item]) -> None:
        """Settle every item. Raises TransientError if the database is away."""
        await self._solve(items, complained=False)

    async def _solve(self, items: Sequence[Item], *, complained: bool) -> None:
        completion, read = await self._ask(items, None)
        left = [item for item in items if not item.settled]
        if len(left) == len(items) and read is not None and not complained:
            metrics.LLM_REASKS.labels(self._question).inc()
            completion, read = await self._ask(items, (completion.text if completion else "", read.complaint()))
            left = [item for item in items if not item.settled]
        if not left:
            return
        if len(left) < len(items):
            await self._solve(left, complained=False)
        elif len(left) == 1:
            _give_up(left[0], next(iter(read.problems.values())) if read else "the model refuses to answer")
        else:
            middle = len(left) // 2
            await self._solve(left[:middle], complained=True)
            await self._solve(left[middle:], complained=True)

    # --- one answer ---------------------------------------------------------------------------

    async def _ask(
        self, items: Sequence[Item], rejected: tuple[str, str] | None
    ) -> tuple[Completion | None, Read | None]:
        """One completion and what it says; None for what cannot be improved by saying what was wrong."""
        request, plan = self._request(items, rejected)
        completion, permit, began = await self._complete(request, plan, items)
        if completion is None:
            return None, None
        if completion.finish is CallOutcome.REFUSED:
            await self._book(permit, items, completion, CallOutcome.REFUSED, began)
            return completion, None
        read = self._read(completion, items)
        outcome = completion.finish if read.replies or completion.finish is not CallOutcome.OK else CallOutcome.INVALID
        await self._book(permit, items, completion, outcome, began)
        self._learn(estimate_tokens(_text(request)), completion.tokens, len(items))
        self._note(items, read)
        return completion, read

    def _request(self, items: Sequence[Item], rejected: tuple[str, str] | None) -> tuple[Request, Plan]:
        ids = item_ids(len(items))
        message = render_items([render_item(item_id, item.facts) for item_id, item in zip(ids, items, strict=True)])
        most = ROOM_FOR_REPLIES * self._prompt.output_tokens * len(items) + SCHEMA_TOKENS
        most += ROOM_FOR_ECHOES * estimate_tokens(message) if self._prompt.echoes else 0
        request = Request(
            question=self._question,
            instructions=self._prompt.instructions,
            items=message,
            schema=reply_schema(self._prompt.reply, ids),
            max_output_tokens=most,
            timeout_seconds=self._timeout,
            rejected=rejected,
        )
        text = _text(request)
        most_read = len(text.encode()) + len(json.dumps(request.schema))
        bound = Tokens(input=most_read // BYTES_A_TOKEN_AT_LEAST, output=most)
        plan = Plan(
            provider=self._vendor.provider,
            model=self._vendor.model,
            question=self._question,
            items=len(items),
            tokens=int(estimate_tokens(text) * self._counted) + int(self._usual_output() * len(items)),
            max_cost_usd=self._prices.cost(self._vendor.provider, self._vendor.model, bound),
        )
        return request, plan

    def _usual_output(self) -> float:
        """Tokens of one reply: the 90th percentile of what was seen, so that the limiter reserves enough."""
        if not self._outputs:
            return self._prompt.output_tokens
        return sorted(self._outputs)[int(0.9 * (len(self._outputs) - 1))]

    def _read(self, completion: Completion, items: Sequence[Item]) -> Read:
        ids = item_ids(len(items))
        by_id = dict(zip(ids, items, strict=True))
        read = read_answers(
            completion.text,
            ids,
            self._prompt.reply,
            lambda item_id, reply: by_id[item_id].accept(reply),
            cut=completion.finish is CallOutcome.TRUNCATED,
        )
        for reason, count in read.dropped.items():
            metrics.LLM_REJECTED_ITEMS.labels(reason).inc(count)
        return read

    def _learn(self, guess: int, tokens: Tokens, count: int) -> None:
        """What calls really take, for the next estimate: replies get longer or shorter, prompts are cached."""
        self._outputs.append(tokens.output / count)
        seen = limited_tokens(self._vendor.provider, tokens) - tokens.output
        self._counted += LEARNING_RATE * (seen / max(guess, 1) - self._counted)

    def _note(self, items: Sequence[Item], read: Read) -> None:
        for item_id, item in zip(item_ids(len(items)), items, strict=True):
            item.reply = read.replies.get(item_id)
            if item.reply is None and item.calls >= MOST_CALLS_AN_ITEM:
                _give_up(item, read.problems.get(item_id, "no usable answer"))

    # --- one call, tried until it succeeds or is hopeless --------------------------------------

    async def _complete(
        self, request: Request, plan: Plan, items: Sequence[Item]
    ) -> tuple[Completion | None, Permit, float]:
        """A completion with its open permit; without one the items know why."""
        failures = 0
        while True:
            try:
                permit = await self._admission.enter(plan)
            except Closed as closed:
                _close(items, closed)
                return None, Permit("", plan), 0.0
            began = self._clock.monotonic()
            try:
                return await self._spanned(request, plan), permit, began
            except VendorError as error:
                await self._book_failure(permit, error, began)
                failures += 1
                if not await self._may_pass(error, failures, items):
                    return None, permit, began
            except BaseException:
                await asyncio.shield(self._book_failure(permit, VendorError(CallOutcome.LOST, "cut short"), began))
                raise

    async def _spanned(self, request: Request, plan: Plan) -> Completion:
        with call_span(plan.provider, plan.model, plan.question, plan.items) as span:
            found = await self._vendor.complete(request)
            tokens = found.tokens
            answered(
                span,
                model=found.model,
                response_id=found.request_id,
                input_tokens=tokens.input,
                output_tokens=tokens.output,
            )
            return found

    async def _may_pass(self, error: VendorError, failures: int, items: Sequence[Item]) -> bool:
        """Wait before the next attempt; False if there is none, and the items know why."""
        where = f"{self._vendor.provider} ({self._vendor.model})"
        if error.outcome in MISCONFIGURED:
            _close(items, Closed(f"{where}: {error}", error.retry_after))
        elif error.outcome not in PASSING:
            _blame(items, str(error))
        elif failures >= self._attempts:
            _close(items, Closed(f"{where} failed {failures} times: {error}", error.retry_after))
        elif (error.retry_after or 0.0) > PATIENCE_SECONDS:
            _close(items, Closed(f"{where} wants to be left alone: {error}", error.retry_after))
        else:
            # Of a rate limit the admission makes everybody wait; here only what it does not know of.
            ceiling = min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** (failures - 1))
            wait = 0.0 if error.outcome is CallOutcome.RATE_LIMITED else self._jitter.uniform(0, ceiling)
            await self._clock.wait(max(wait, error.retry_after or 0.0), self._never)
            return True
        return False

    async def _book(
        self, permit: Permit, items: Sequence[Item], completion: Completion, outcome: CallOutcome, began: float
    ) -> None:
        cost = self._prices.cost(self._vendor.provider, self._vendor.model, completion.tokens)
        for number, item in enumerate(items):
            item.calls += 1
            item.tokens = _sum(item.tokens, _share(completion.tokens, number, len(items)))
            item.cost_usd += cost / len(items)
        result = Result(
            outcome=outcome,
            latency_seconds=self._clock.monotonic() - began,
            tokens=completion.tokens,
            cost_usd=cost,
            request_id=completion.request_id,
            announced=completion.announced,
        )
        await self._settle(permit, result)

    async def _book_failure(self, permit: Permit, error: VendorError, began: float) -> None:
        result = Result(
            outcome=error.outcome,
            latency_seconds=self._clock.monotonic() - began,
            request_id=error.request_id,
            announced=error.announced,
            retry_after=error.retry_after,
            error=str(error),
        )
        await self._settle(permit, result)

    async def _settle(self, permit: Permit, result: Result) -> None:
        """Book an end. With the database away the sweep will book it; what was paid for is used all the same."""
        try:
            await self._admission.settle(permit, result)
        except TransientError as error:
            log.warning("a call is not booked", question=self._question, outcome=result.outcome, reason=str(error))


def _text(request: Request) -> str:
    return request.instructions + request.items + "".join(request.rejected or ())


def _close(items: Sequence[Item], closed: Closed) -> None:
    for item in items:
        item.down = closed


def _blame(items: Sequence[Item], reason: str) -> None:
    """The vendor will not take this call: if it holds several items, only one of them may be at fault."""
    if len(items) == 1:
        _give_up(items[0], reason)


def _give_up(item: Item, reason: str) -> None:
    item.reason = reason


def _share(tokens: Tokens, number: int, count: int) -> Tokens:
    """Item `number`'s part of whole tokens: the parts add up exactly."""
    parts = {name: _part(getattr(tokens, name), number, count) for name in Tokens.__dataclass_fields__}
    return replace(tokens, **parts)


def _part(total: int, number: int, count: int) -> int:
    return total * (number + 1) // count - total * number // count


def _sum(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(
        one.input + other.input,
        one.cached + other.cached,
        one.cache_written + other.cache_written,
        one.output + other.output,
    )
