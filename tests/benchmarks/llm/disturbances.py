"""What happens when something changes in mid-run. In real time: holds, probes and breakers have their own clocks."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from shared.llm.admission.reading import switch_off
from tests.benchmarks.llm.ground import Ground, Scene, Stage, seconds_between
from tests.benchmarks.llm.report import Line, percent

PLENTY = 100_000
SETTLED_SECONDS = 12.0
"""After the start, until the rate is even."""
SPAN = 4
"""Seconds over which a rate is looked at: calls come in leases, so single seconds differ."""
LEASED_SECONDS = 1.0
"""After this no call is under way that got its slot before a change."""
POLL_SECONDS = 0.1


async def lowered(ground: Ground) -> list[Line]:
    """The vendor halves its limit in mid-run, and says so in its headers."""
    scene = Scene(rpm=3_000)
    async with ground.playing(scene) as stage:
        stage.fleet.deal(range(PLENTY))
        await asyncio.sleep(SETTLED_SECONDS)
        await stage.vendor.control(rpm=scene.rpm / 2)
        changed = time.time()
        await asyncio.sleep(45.0)
        stats = await stage.vendor.stats()
        await stage.fleet.abandon()
    new = scene.calls_a_second / 2
    found = _first(stats, changed, lambda rate: rate <= 1.02 * new, "calls")
    after = _share_limited(stats, changed + 10.0)
    used = seconds_between(stats, changed + 10.0, stats["seconds"][-1]["at"]) / new
    return [
        Line("limit lowered to N/2: new rate", "≤ 10 s", _seconds(found), _within(found, 10), "N=3000, real time"),
        Line(
            "limit lowered to N/2: 429s after that",
            "≤ 1 %",
            percent(after, 2),
            after <= 0.01,
            f"from 10 s on; {percent(used)} of the new limit used",
        ),
    ]


async def killed_and_added(ground: Ground) -> list[Line]:
    """One replica is killed, later one joins; what they hold is dealt out anew, as partitions are."""
    scene, items = Scene(rpm=3_000), 4_000
    async with ground.playing(scene) as stage:
        fleet = stage.fleet
        fleet.deal(range(items))
        await asyncio.sleep(SETTLED_SECONDS)
        await fleet.kill(fleet.members[0])
        killed = time.time()
        await asyncio.sleep(25.0)
        await fleet.add()
        fleet.redeal(fleet.members)
        added = time.time()
        await fleet.finished()
        stats = await stage.vendor.stats()
        in_flight = await stage.database.fetchval("SELECT count(*) FROM llm_call WHERE outcome IN ('pending', 'lost')")
        tally = fleet.tally
    again = stats["items"] - stats["distinct_items"]
    enough = 0.9 * scene.calls_a_second
    after_kill = _first(stats, killed, lambda rate: rate >= enough)
    after_join = _first(stats, added, lambda rate: rate >= enough)
    lost = items - tally.done
    return [
        Line("replica killed: back to ≥ 0.90", "≤ 15 s", _seconds(after_kill), _within(after_kill, 15), "real time"),
        Line("replica added: back to ≥ 0.90", "≤ 15 s", _seconds(after_join), _within(after_join, 15), "real time"),
        Line(
            "replica killed: items lost",
            "0",
            f"{lost} lost, {len(tally.reasons)} parked",
            lost == 0 and not tally.reasons,
            f"of {items:,}; wrong answers {tally.wrong}",
        ),
        Line(
            "replica killed: items asked twice",
            "≤ calls in flight",
            f"{again}, in flight {in_flight}",
            again <= in_flight,
            "one item a call",
        ),
    ]


async def down_for_a_minute(ground: Ground) -> list[Line]:
    """The vendor answers 503 to everything for a minute."""
    scene, down_seconds = Scene(rpm=3_000), 60.0
    async with ground.playing(scene) as stage:
        stage.fleet.deal(range(PLENTY))
        await asyncio.sleep(SETTLED_SECONDS)
        await stage.vendor.control(down=True)
        began = time.time()
        opened = await _opened(stage, began)
        at_once = (await stage.vendor.stats())["calls"]
        await asyncio.sleep(LEASED_SECONDS)
        before = (await stage.vendor.stats())["calls"]
        await asyncio.sleep(max(0.0, began + down_seconds - time.time()))
        probes = (await stage.vendor.stats())["calls"] - before
        await stage.vendor.control(down=False)
        back = time.time()
        await asyncio.sleep(25.0)
        stats = await stage.vendor.stats()
        parked = len(stage.fleet.tally.reasons)
        await stage.fleet.abandon()
    found = _first(stats, back, lambda rate: rate >= 0.9 * scene.calls_a_second)
    return [
        Line("vendor down 60 s: breaker open", "≤ 5 s", _seconds(opened), _within(opened, 5), "real time, own policy"),
        Line(
            "vendor down 60 s: probes",
            "≤ 10",
            f"{probes}",
            probes <= 10,
            f"calls of all replicas from 1 s after it opened; {before - at_once} more had their slots before it opened",
        ),
        Line("vendor back: full rate", "≤ 15 s", _seconds(found), _within(found, 15), f"{parked} items given up"),
    ]


async def kill_switch(ground: Ground) -> list[Line]:
    """`sluice llm` switches the vendor off while everybody is calling."""
    async with ground.playing(Scene(rpm=3_000)) as stage:
        stage.fleet.deal(range(PLENTY))
        await asyncio.sleep(6.0)
        await switch_off(stage.database, "openai", "benchmark")
        await asyncio.sleep(1.0)
        at_once = (await stage.vendor.stats())["calls"]
        await asyncio.sleep(5.0)
        later = (await stage.vendor.stats())["calls"] - at_once
        await stage.fleet.abandon()
    return [Line("kill switch: calls after 1 s", "0", f"{later}", later == 0, "N=3000, 4 processes, looked at for 5 s")]


async def _opened(stage: Stage, began: float) -> float | None:
    while time.time() - began < 30:
        if await stage.database.fetchval("SELECT count(*) FROM llm_bucket WHERE open_until IS NOT NULL"):
            return time.time() - began
        await asyncio.sleep(POLL_SECONDS)
    return None


def _first(stats: Mapping[str, Any], moment: float, enough: Any, what: str = "admitted") -> float | None:
    """Seconds from a moment until the first span from which on the rate is as it should be."""
    for start in range(int(moment), int(stats["seconds"][-1]["at"]) - SPAN):
        if enough(_mean(stats["seconds"], start, what)):
            return max(0.0, start + 1 - moment)
    return None


def _mean(seconds: Sequence[Mapping[str, float]], start: int, what: str) -> float:
    return sum(second[what] for second in seconds if start < second["at"] <= start + SPAN) / SPAN


def _share_limited(stats: Mapping[str, Any], moment: float) -> float:
    later = [second for second in stats["seconds"] if second["at"] > moment]
    return float(sum(second["rate_limited"] for second in later) / max(1, sum(second["calls"] for second in later)))


def _seconds(found: float | None) -> str:
    return "never" if found is None else f"{found:.1f} s"


def _within(found: float | None, most: float) -> bool:
    return found is not None and found <= most
