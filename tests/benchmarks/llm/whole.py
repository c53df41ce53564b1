"""The lines of the whole pipeline: 10,000 indicators, in real time, at list prices; and the gain of each technique."""

from collections.abc import Sequence

from tests.benchmarks.end_to_end import load
from tests.benchmarks.llm.pipeline import MEDIAN_SECONDS, RPM, PipelineRun, bench
from tests.benchmarks.llm.report import Line, percent

ROWS, SAMPLE = 10_000, 300
MOST_SECONDS, MOST_USD = 120, 1.00
WITHOUT: dict[str, dict[str, str]] = {
    "cache": {"SLUICE_LLM_CACHE": "false"},
    "coalescing": {"SLUICE_LLM_COALESCE": "false"},
    "multi-item prompts": {"SLUICE_LLM_BATCH_ITEMS": "1"},
}
ALL_OFF = {name: value for variables in WITHOUT.values() for name, value in variables.items()}
SETTING = f"N={RPM:,}, median latency {MEDIAN_SECONDS:g} s, 1 % errors, real time, every deciding stage and review on"


async def with_openai(rows: int = ROWS) -> list[Line]:
    """The target of the issue."""
    return await _twice("openai", "gpt-4o-mini", rows, judged=True)


async def with_anthropic(rows: int = ROWS) -> list[Line]:
    """The same beside it."""
    return await _twice("anthropic", "claude-haiku-4-5", rows, judged=False)


async def _twice(provider: str, model: str, rows: int, *, judged: bool) -> list[Line]:
    async with bench(provider) as pipeline:
        estimate = await pipeline.estimated(load(rows))
        first = await pipeline.run(load(rows))
        second = await pipeline.run(load(rows))
    share = rows / ROWS
    what, calls = f"{rows:,} indicators, {model}", first.ledger
    met = [first.seconds <= MOST_SECONDS * share, calls.dollars <= MOST_USD * share] if judged else [None, None]
    ended = first.completed + first.needs_human + first.dead
    taken = f"{calls.calls:,} calls for {calls.items:,} items {dict(calls.by_question)}"
    tokens = f"{calls.tokens_in:,} tokens in ({calls.cached:,} cached), {calls.tokens_out:,} out"
    return [
        Line(f"{what}: submit to last row", f"≤ {MOST_SECONDS * share:g} s", f"{first.seconds:.1f} s", met[0], SETTING),
        Line(f"{what}: cost", f"≤ ${MOST_USD * share:.2f}", f"${calls.dollars:.4f}", met[1], f"{taken}; {tokens}"),
        Line(
            f"{what}: rows in one final state",
            f"{rows:,}",
            f"{ended:,}",
            ended == rows,
            f"{first.completed:,} completed, {first.needs_human} for people, {first.dead} dead letters",
        ),
        Line(
            f"{what}: ledger equals the tables",
            "equal",
            f"${calls.dollars:.6f} and ${first.in_tables:.6f}",
            abs(calls.dollars - first.in_tables) < 1e-6,
        ),
        Line(f"{what}: 429s", "≤ 0.1 %", percent(first.limited_share, 2), first.limited_share <= 0.001),
        Line(
            f"{what}: share of the limit",
            "",
            percent(first.limit_share),
            None,
            "so few calls are left that latency, not the limit, sets the pace",
        ),
        Line(
            f"{what}: estimate beforehand",
            "within 10 %",
            f"${estimate.cost_usd:.4f}, {percent(estimate.cost_usd / calls.dollars - 1)} off",
            abs(estimate.cost_usd / calls.dollars - 1) <= 0.1,
            f"{estimate.calls:,} calls and {estimate.tokens_in:,} tokens in were expected",
        ),
        Line(f"{what}: second run, cost", "$0.00", f"${second.ledger.dollars:.2f}", second.ledger.dollars == 0),
        Line(f"{what}: second run, calls", "0", f"{second.served['calls']}", second.served["calls"] == 0),
        Line(f"{what}: second run, seconds", "", f"{second.seconds:.1f} s", None),
    ]


async def techniques(rows: int = SAMPLE) -> list[Line]:
    """Each technique switched off alone, and all together, on a sample."""
    indicators = load(rows)
    runs = {"everything on": await _one(indicators, {})}
    for name, variables in WITHOUT.items():
        runs[f"without {name}"] = await _one(indicators, variables)
    runs["without any of them"] = await _one(indicators, ALL_OFF)
    lines = [Line(f"{rows:,} rows, {name}", "", _figures(found), None, SETTING) for name, found in runs.items()]
    return [*lines, _projection(runs["without any of them"])]


async def _one(indicators: Sequence[tuple[str, str]], variables: dict[str, str]) -> PipelineRun:
    async with bench("openai", variables) as pipeline:
        return await pipeline.run(indicators)


def _figures(found: PipelineRun) -> str:
    return f"{found.served['calls']:,} calls, ${found.ledger.dollars:.4f}, {found.seconds:.0f} s"


def _projection(found: PipelineRun) -> Line:
    """Without any technique every row costs the same, so 10,000 cost 10,000 times one."""
    times = ROWS / found.rows
    calls = found.served["calls"] * times
    text = f"{calls:,.0f} calls, ${found.ledger.dollars * times:.2f}, at least {calls / RPM * 60:,.0f} s"
    return Line(
        f"PROJECTION to {ROWS:,} rows, without any of them",
        "",
        text,
        None,
        f"{times:g} times the sample; time at the limit",
    )
