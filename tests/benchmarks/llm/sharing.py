"""What replicas share: equal questions, a budget; and what becomes of answers that are damaged."""

from collections import Counter
from dataclasses import replace

from tests.benchmarks.llm.ground import Ground, Scene
from tests.benchmarks.llm.report import Line, percent

EQUAL = 1_000
BUDGET_USD = 0.25
IN_FLIGHT = 200
ENDLESS = 6_000
DAMAGED = {"damaged": 0.05}


async def equal_requests(ground: Ground) -> list[Line]:
    """The same question a thousand times at once."""
    scene = Scene(rpm=3_000, window=EQUAL, latency=2.0, faults={})
    async with ground.playing(scene) as stage:
        fleet = stage.fleet
        for member in fleet.members:
            for number in range(EQUAL // len(fleet.members)):
                member.give(-1 - number, [0])
        seconds = await fleet.finished()
        calls = (await stage.vendor.stats())["calls"]
        done = fleet.tally.done
    assert seconds
    measure = "1,000 concurrent equal requests over 4 replicas"
    return [Line(measure, "1 call", f"{calls} call", calls == 1, f"{done:,} answered, {fleet.tally.wrong} wrong")]


async def budget(ground: Ground) -> list[Line]:
    """A budget that is spent while two hundred calls are in flight."""
    scene = Scene(rpm=30_000, scale=4, budget_usd=BUDGET_USD, gives_up=True, concurrency=IN_FLIGHT // 4, items=15)
    async with ground.playing(scene) as stage:
        await stage.fleet.run(range(15 * ENDLESS))
        row = await stage.database.fetchrow(
            "SELECT sum(cost_usd)::float8 AS spent, max(cost_usd)::float8 AS dearest, count(*) AS calls FROM llm_call"
        )
        stats = await stage.vendor.stats()
        reasons = Counter(reason.partition(":")[0] for reason in stage.fleet.tally.reasons)
    assert row
    most = BUDGET_USD + row["dearest"]
    said = next(iter(reasons), "nothing")
    return [
        Line(
            f"budget of ${BUDGET_USD:g} with {IN_FLIGHT} calls in flight",
            f"≤ ${most:.6f}",
            f"${row['spent']:.6f}",
            row["spent"] <= most and bool(reasons),
            f"X + one call (${row['dearest']:.6f}); {row['calls']} calls, at most {stats['most_in_flight']} at once; "
            f"then: {said}",
        )
    ]


async def damaged_answers(ground: Ground, scale: float = 1) -> list[Line]:
    """5 % of all answers lack items, repeat them, invent ids, are cut, or hold wrong values."""
    scene, items = Scene(rpm=3_000, items=15, scale=4 * scale, faults=DAMAGED), 10_000
    async with ground.playing(scene) as stage:
        await stage.fleet.run(range(items))
        stats, tally = await stage.vendor.stats(), stage.fleet.tally
        stored = await stage.database.fetchval("SELECT count(*) FROM llm_cache")
    resolved = tally.done - len(tally.reasons)
    struck = {name: count for name, count in stats["faults"].items() if name != "damaged"}
    found = f"{percent(tally.done / items, 0)}: {resolved:,} resolved, {len(tally.reasons)} parked"
    note = f"{stats['calls']:,} calls, {sum(struck.values())} damaged, {stored:,} answers kept"
    return [
        Line("5 % damaged: items resolved or parked with a reason", "100 %", found, tally.done == items, note),
        Line(
            "5 % damaged: misaligned answers",
            "0",
            f"{tally.wrong}",
            tally.wrong == 0,
            "every answer has a value of its own",
        ),
    ]


__all__ = ["budget", "damaged_answers", "equal_requests", "replace"]
