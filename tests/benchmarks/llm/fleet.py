"""Four replicas, each a real process, that work through numbers dealt out unevenly, as partitions are."""

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.benchmarks.llm.replica import Setup

SHARES = (0.55, 0.15, 0.15, 0.15)
LINE_BYTES = 1 << 20


@dataclass
class Tally:
    """What came of the numbers so far."""

    done: int = 0
    wrong: int = 0
    reasons: list[str] = field(default_factory=list)


class Member:
    """One replica's process, its queue and what it is working on."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.process = process
        self.queue: deque[list[int]] = deque()
        self.held: dict[int, list[int]] = {}
        self.alive = True
        self.killed = False

    def give(self, number: int, chunk: list[int]) -> None:
        assert self.process.stdin
        self.held[number] = chunk
        self.process.stdin.write(json.dumps({"id": number, "numbers": chunk}).encode() + b"\n")


class Fleet:
    """Deals numbers out in chunks; each member holds at most `window` of them at a time."""

    def __init__(self, setup: Setup, *, chunk: int, window: int) -> None:
        self._setup = setup
        self._chunk = chunk
        self._window = window
        self._next = 0
        self._idle = asyncio.Event()
        self._readers: list[asyncio.Task[None]] = []
        self.members: list[Member] = []
        self.tally = Tally()

    async def add(self) -> Member:
        """One more replica, ready; nothing is dealt to it yet."""
        name = f"replica-{len(self.members)}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.llm.replica", replace(self._setup, name=name).as_json()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
        )
        assert process.stdout
        if (await process.stdout.readline()).strip() != b"ready":
            raise RuntimeError(f"{name} did not start")
        member = Member(name, process)
        self.members.append(member)
        self._readers.append(asyncio.create_task(self._read(member)))
        return member

    def deal(self, numbers: Sequence[int], shares: Sequence[float] = SHARES) -> None:
        """Queue the numbers at the members that live, by shares."""
        start = 0.0
        living = [member for member in self.members if member.alive]
        whole = sum(shares[: len(living)])
        for member, share in zip(living, shares, strict=False):
            end = start + share / whole * len(numbers)
            own = numbers[round(start) : round(end)]
            member.queue.extend(list(own[at : at + self._chunk]) for at in range(0, len(own), self._chunk))
            start = end
        for member in living:
            self._feed(member)

    async def finished(self) -> float:
        """Wait until nothing is left. Returns the moment."""
        while busy := [member for member in self.members if member.queue or member.held]:
            if dead := [member.name for member in busy if not member.alive and not member.killed]:
                raise RuntimeError(f"ended by themselves: {', '.join(dead)}")
            self._idle.clear()
            await self._idle.wait()
            for reader in self._readers:
                if reader.done():
                    reader.result()  # whatever went wrong with it
        return time.time()

    async def run(self, numbers: Sequence[int]) -> float:
        """Deal the numbers and wait; returns the seconds it took."""
        began = time.time()
        self.deal(numbers)
        return await self.finished() - began

    async def kill(self, member: Member) -> None:
        """SIGKILL; what it held and had queued goes to the others, as partitions do."""
        await self._end(member)
        self.redeal([member])

    async def abandon(self) -> None:
        """SIGKILL to all: nobody is interested in the rest."""
        for member in self.members:
            await self._end(member)
            member.queue.clear()
            member.held.clear()

    async def _end(self, member: Member) -> None:
        member.killed, member.alive = True, False
        if member.process.returncode is None:
            member.process.kill()
        await member.process.wait()

    def redeal(self, members: Sequence[Member]) -> None:
        """Take the queues of members (and what dead ones held) and deal them evenly over all that live."""
        left = [number for member in members for chunk in member.queue for number in chunk]
        for member in members:
            member.queue.clear()
            if member.killed:
                left += [number for chunk in member.held.values() for number in chunk]
                member.held.clear()
        count = sum(member.alive for member in self.members)
        self.deal(left, [1 / count] * count)

    async def close(self) -> None:
        """Let every replica end by itself."""
        for member in self.members:
            if member.process.stdin and member.process.returncode is None:
                member.process.stdin.close()
        await asyncio.gather(*(member.process.wait() for member in self.members), *self._readers)

    def _feed(self, member: Member) -> None:
        while member.alive and member.queue and len(member.held) < self._window:
            self._next += 1
            member.give(self._next, member.queue.popleft())

    async def _read(self, member: Member) -> None:
        assert member.process.stdout
        while line := await member.process.stdout.readline():
            self._note(member, json.loads(line))
        member.alive = False
        self._idle.set()

    def _note(self, member: Member, said: dict[str, Any]) -> None:
        chunk = member.held.pop(said["chunk"], [])
        self.tally.done += len(chunk)
        self.tally.wrong += said["wrong"]
        self.tally.reasons += said["parked"]
        self._feed(member)
        self._idle.set()


@asynccontextmanager
async def running_fleet(setup: Setup, replicas: int, *, chunk: int, window: int) -> AsyncIterator[Fleet]:
    """A fleet of ready replicas."""
    fleet = Fleet(setup, chunk=chunk, window=window)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(fleet.close)
        for _ in range(replicas):
            await fleet.add()
        yield fleet
