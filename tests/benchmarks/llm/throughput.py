"""How fast, and how much of the limit: many calls over four replicas with uneven load."""

from dataclasses import dataclass, replace
from typing import Any

from tests.benchmarks.llm.ground import Ground, Scene, seconds_between
from tests.benchmarks.llm.report import Line, percent

CALLS = 10_000
TOO_HIGH_CALLS = 2_500
STEADY = (0.05, 0.85)
"""The part of a run that counts as steady: neither its start nor the end, when calls only come back."""


@dataclass(frozen=True)
class Run:
    """What a run over numbers came to. `seconds` are the vendor's, not ours: real ones times the scale."""

    scene: Scene
    seconds: float
    steady: float
    limited: float
    stats: dict[str, Any]
    wrong: int
    parked: int

    @property
    def how(self) -> str:
        """Scale and replicas, and what came of the rest."""
        scene = self.scene
        real = self.seconds / scene.scale
        scaled = f"time 1:{scene.scale:g}, really {real:.1f} s" if scene.scale != 1 else "real time"
        shares = f"steady share {percent(self.steady)}, 429s {percent(self.limited, 2)}"
        return f"{scene.replicas} processes, {scaled}; {shares}"


async def run(ground: Ground, scene: Scene, items: int, url: str = "") -> Run:
    """Ask about so many things, each for the first time."""
    async with ground.playing(scene, url) as stage:
        seconds = await stage.fleet.run(range(items))
        stats = await stage.vendor.stats()
        tally = stage.fleet.tally
    began = stats["seconds"][0]["at"] if stats["seconds"] else 0.0
    steady = seconds_between(stats, began + STEADY[0] * seconds, began + STEADY[1] * seconds) / scene.calls_a_second
    return Run(
        scene,
        seconds * scene.scale,
        steady,
        stats["rate_limited"] / max(1, stats["calls"]),
        stats,
        tally.wrong,
        len(tally.reasons),
    )


async def ten_thousand_calls(ground: Ground, scale: float = 1) -> list[Line]:
    """10,000 calls at both limits, the share of the limit, 429s; and the same items a second time."""
    lines: list[Line] = []
    url = ""
    for rpm, most, faster in ((600, 1_110, 6), (3_000, 230, 2)):
        url = await ground.new_database(faster * scale)
        found = await run(ground, Scene(rpm=rpm, scale=faster * scale), CALLS, url)
        lines += [
            Line(
                f"10,000 calls, N={rpm}", f"≤ {most:,} s", f"{found.seconds:,.0f} s", found.seconds <= most, found.how
            ),
            Line(f"share of the limit, N={rpm}", "≥ 90 %", percent(found.steady), found.steady >= 0.9, found.how),
            Line(
                f"429s, right limit, N={rpm}", "≤ 0.1 %", percent(found.limited, 2), found.limited <= 0.001, found.how
            ),
        ]
    return [*lines, *await second_run(ground, url)]


async def second_run(ground: Ground, url: str) -> list[Line]:
    """The same items again, in new processes whose memory is empty."""
    scene = Scene(items=15, window=8)
    async with ground.playing(replace(scene, replicas=4), url) as stage:
        stage.fleet.tally.done = 0
        seconds = await stage.fleet.run(range(CALLS))
        calls = (await stage.vendor.stats())["calls"]
    rate = CALLS / seconds
    how = "4 new processes, answers from Postgres"
    return [
        Line("second run of the same 10,000 items", "0 calls", f"{calls} calls", calls == 0, how),
        Line("items from the cache", "≥ 2,000/s", f"{rate:,.0f}/s", rate >= 2_000, how),
    ]


async def limit_too_high(ground: Ground, scale: float = 1) -> list[Line]:
    """Configured a fifth too high: with the vendor's headers telling the truth, and with headers that say nothing."""
    lines = []
    for announce, words in ((True, "headers tell the limit"), (False, "headers tell nothing")):
        scene = Scene(rpm=3_000, configured=1.2, announce=announce, scale=scale)
        found = await run(ground, scene, TOO_HIGH_CALLS)
        note = f"{TOO_HIGH_CALLS:,} calls, N=3000, {words}; {found.how}"
        lines.append(
            Line("429s, limit 20 % too high", "≤ 1.5 %", percent(found.limited, 2), found.limited <= 0.015, note)
        )
    return lines


async def many_items(ground: Ground, scale: float = 1) -> list[Line]:
    """Fifteen items a call, twenty calls in flight."""
    lines = []
    for items, most, faster, replicas in ((10_000, 90, 4, 4), (10_000, 90, 4, 1), (39_000, 330, 5, 4)):
        scene = Scene(rpm=600, items=15, concurrency=20, scale=faster * scale, replicas=replicas)
        found = await run(ground, scene, items)
        calls = found.stats["calls"]
        measure = f"{items:,} items, 15 a call, N=600, concurrency 20"
        note = f"{calls:,} calls; {found.how}"
        lines.append(Line(measure, f"≤ {most} s", f"{found.seconds:.0f} s", found.seconds <= most, note))
    return lines
