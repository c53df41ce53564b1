"""The vendor: takes a call as bytes and headers, and says what goes back and when."""

import json
import random
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, NamedTuple

from services.simulator.answering import Answers
from services.simulator.anthropic_wire import AnthropicWire
from services.simulator.calls import Call, Headers, Rejection, Reply, Used
from services.simulator.dice import Dice
from services.simulator.limits import Clock, RateLimits
from services.simulator.model import SimulatedModel, mentions
from services.simulator.openai_wire import OpenAIWire
from services.simulator.options import SimulatorOptions
from services.simulator.requests import RequestReader
from services.simulator.stats import Stats
from services.simulator.tokens import PrefixCache
from services.simulator.wire import HeaderList, Payload, Wire

LIMITS = ("rpm", "tpm", "output_tpm", "burst_seconds", "time_scale")
PRETENDED_WAIT = (0.2, 2.0)
"""Seconds that a 429 asks to wait for if the limit was not reached: the fault `rate_limited`."""

Sleep = Callable[[float], Awaitable[object]]


class _Luck(NamedTuple):
    """What chance has in store for a call."""

    chance: random.Random
    seconds: float
    struck: Collection[str]


class _Limited(Exception):  # noqa: N818 - an answer that a vendor gives, not a fault of ours
    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(what)
        self.what = what
        self.seconds = seconds


class Simulator:
    """One vendor account: its limits, its caches, its moods. Time is injected, chance is seeded."""

    def __init__(
        self,
        options: SimulatorOptions,
        answers: Answers,
        *,
        sleep: Sleep,
        clock: Clock = time.monotonic,
        now: Clock = time.time,
    ) -> None:
        self.options = options
        self._sleep = sleep
        self._clock = clock
        self._now = now
        self._model = SimulatedModel(answers)
        self._dice = Dice(options.seed)
        self._cache = PrefixCache(clock)
        self._number = 0
        reader = RequestReader(answers)
        self._wires: dict[str, Wire] = {"openai": OpenAIWire(reader), "anthropic": AnthropicWire(reader)}
        self._limits = {name: self._fresh_limits(wire) for name, wire in self._wires.items()}
        self.stats = Stats(now())

    def change(self, options: SimulatorOptions) -> None:
        """Go on with other options; buckets start full if a limit has changed."""
        old, self.options = self.options, options
        if any(getattr(old, name) != getattr(options, name) for name in LIMITS):
            self._limits = {name: self._fresh_limits(wire) for name, wire in self._wires.items()}

    def reset(self) -> None:
        """Forget what was served; limits and caches stay as they are."""
        self.stats = Stats(self._now())

    async def serve(self, vendor: str, body: bytes, headers: Headers) -> Reply | None:
        """The response, when it is due; None for a call that hangs."""
        wire = self._wires[vendor]
        self._number += 1
        request_id = f"req_{self._number:012d}"
        self.stats.arrived(vendor, wire.key(headers), self._now())
        try:
            reply = await self._answered(wire, body, headers, request_id)
        except Rejection as rejection:
            reply = self._reply(wire, rejection.status, wire.error(rejection, request_id), request_id)
        except _Limited as limited:
            reply = self._turned_away(wire, limited, request_id)
        self.stats.ended("hang" if reply is None else "cut" if reply.cut else str(reply.status))
        return reply

    async def _answered(self, wire: Wire, body: bytes, headers: Headers, request_id: str) -> Reply | None:
        call = self._read(wire, body, headers)
        luck = self._luck(body, call)
        self.stats.struck(luck.struck)
        used = self._admit(wire, call, luck)
        self.stats.admitted(self._now())
        try:
            return await self._made(wire, call, used, luck, request_id)
        finally:
            self.stats.left()

    def _read(self, wire: Wire, body: bytes, headers: Headers) -> Call:
        """The call, if the account may make it. Raises Rejection."""
        if self.options.down:
            raise wire.rejection("down")
        self._check_key(wire, wire.key(headers))
        payload = _parsed(wire, body)
        call = _call(wire, payload, headers)
        if call.model not in self.options.models:
            raise wire.rejection("model", call.model)
        return call

    def _check_key(self, wire: Wire, key: str) -> None:
        if not key:
            raise wire.rejection("no-key")
        if self.options.key and key != self.options.key:
            raise wire.rejection("wrong-key", key)

    def _luck(self, body: bytes, call: Call) -> _Luck:
        options = self.options
        chance = self._dice.throw(body)
        seconds = options.median_seconds * chance.lognormvariate(0.0, options.latency_sigma)
        struck = options.faults.strike(chance)
        if options.refuse_text and mentions(call, options.refuse_text):
            struck |= {"refusal"}
        return _Luck(chance, seconds, struck)

    def _admit(self, wire: Wire, call: Call, luck: _Luck) -> Used:
        """Tokens of the prompt, with what the cache saves. Raises Rejection, or _Limited."""
        if "out_of_quota" in luck.struck:
            raise wire.rejection("quota")
        if "rate_limited" in luck.struck:
            raise _Limited("requests", luck.chance.uniform(*PRETENDED_WAIT) / self.options.time_scale)
        known = call.prefix is not None and self._cache.use((wire.name, call.prefix))
        cached, written = wire.cached(call, known)
        used = Used(call.prompt_tokens, cached, written, 0)
        found = self._limits[wire.name].admit(wire.amounts(used))
        if found:
            raise _Limited(*found)
        return used

    async def _made(self, wire: Wire, call: Call, used: Used, luck: _Luck, request_id: str) -> Reply | None:
        await self._sleep(luck.seconds)
        if "server_error" in luck.struck:
            raise wire.rejection("server")
        if "hang" in luck.struck:
            return None
        said, tokens = self._model.says(call, luck.struck, luck.chance)
        used = used._replace(output=tokens)
        self._limits[wire.name].charge(wire.later(used))
        body = wire.completion(call, said, used, self._number, self._now())
        self.stats.answered(call.plan.question, call.items, used)
        return self._reply(wire, 200, body, request_id, cut="cut_connection" in luck.struck)

    def _turned_away(self, wire: Wire, limited: _Limited, request_id: str) -> Reply:
        self.stats.limited(self._now())
        rejection = wire.rejection("rate", limited.what, limited.seconds)
        waiting = wire.wait_headers(limited.seconds, exact=self.options.time_scale != 1)
        return self._reply(wire, rejection.status, wire.error(rejection, request_id), request_id, waiting)

    def _reply(
        self, wire: Wire, status: int, body: bytes, request_id: str, more: HeaderList | None = None, cut: bool = False
    ) -> Reply:
        told = self._limits[wire.name] if self.options.announce else RateLimits({}, 1.0, self._clock)
        headers = wire.headers(told, request_id, self._now())
        return Reply(status, [*headers, *(more or ())], body, cut)

    def _fresh_limits(self, wire: Wire) -> RateLimits:
        options = self.options
        per_minute = wire.limits(options.rpm, options.tpm, options.output_tpm)
        scaled = {name: rate * options.time_scale for name, rate in per_minute.items()}
        return RateLimits(scaled, options.burst_seconds / options.time_scale, self._clock)


def _call(wire: Wire, payload: Payload, headers: Headers) -> Call:
    """The call; what has the wrong shape somewhere inside is turned away like what the vendor checks by name."""
    try:
        return wire.read(payload, headers)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise wire.rejection("malformed") from None


def _parsed(wire: Wire, body: bytes) -> Payload:
    try:
        payload: Any = json.loads(body)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise wire.rejection("not-json")
    return payload
