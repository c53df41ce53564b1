"""`sluice evaluate-correction`: corrections against labelled texts, by the embedded corrector or by a provider."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shared.errors import UsageError
from shared.settings import EMBEDDED_PROVIDER, Settings

if TYPE_CHECKING:
    from services.correction.correct import Verdict
    from shared.llm.gateway import Gateway

    Usages = list[Any]

AT_ONCE = 500
Row = Mapping[str, Any]


@click.command(
    epilog="Examples:\n\n\b\n  sluice evaluate-correction labelled.jsonl\n"
    "  sluice evaluate-correction labelled.jsonl --provider openai --json"
)
@click.argument("labelled", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--provider", default=EMBEDDED_PROVIDER, show_default=True, help="Who corrects.")
@click.option("--worst", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many misses.")
@click.option("--json", "json_output", is_flag=True, help="Print the report as JSON.")
def evaluate_correction(labelled: Path, provider: str, worst: int, json_output: bool) -> None:
    """Measure corrections against labelled texts.

    Each line of FILE has `source`; and `target`, `edits` (pairs of wrong and right), `protected` (what must come back),
    `tier`; or `refs`, texts that are right. Recall is the share of listed edits that are repaired. Targets count as
    right: a corrector should leave them alone, unless a mistake was left in them.
    """
    settings, rows = Settings.load(), read_rows(labelled)
    settings.llm.check(provider)
    report = asyncio.run(_evaluated(rows, provider, settings, worst))
    if json_output:
        click.echo(json.dumps(report, indent=2))
    else:
        _show(report)


def read_rows(path: Path) -> list[Row]:
    """Labelled rows. Raises UsageError naming the first line that is none."""
    rows: list[Row] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            str(row["source"]), [str(right) for _, right in row.get("edits", ())]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                f"{path}, line {number} is no labelled text: {type(error).__name__}",
                remedy='each line: {"source", "target", "edits": [[wrong, right], …], "protected": […]}',
            ) from None
        rows.append(row)
    if not rows:
        raise UsageError(f"{path} has no rows", remedy="give a file with one labelled text a line")
    return rows


async def _evaluated(rows: Sequence[Row], provider: str, settings: Settings, worst: int) -> dict[str, Any]:
    from services.correction.evaluation import Score, is_repaired, score_row

    texts = [str(row["source"]) for row in rows] + [str(row["target"]) for row in rows if "target" in row]
    began = time.monotonic()
    verdicts, usages = await _verdicts(texts, provider, settings)
    elapsed, targets = time.monotonic() - began, iter(verdicts[len(rows) :])
    scores: dict[str, Score] = {"all": Score()}
    missed: list[Any] = []
    for row, source in zip(rows, verdicts, strict=False):
        target = next(targets) if "target" in row else None
        for name in ("all", str(row.get("tier", ""))):
            if name:
                score_row(scores.setdefault(name, Score()), row, source, target)
        after = source.text if source.text is not None else str(row["source"])
        missed += [[w, r] for w, r in row.get("edits", ()) if not is_repaired(str(row["source"]), after, w, r)]
        if target is not None and target.text is not None:
            missed.append({"clean text changed": target.text, "was": row["target"]})
    return {
        "provider": provider,
        "scores": {name: score.as_dict() for name, score in scores.items()},
        "tokens_in": sum(usage.tokens_in for usage in usages),
        "tokens_out": sum(usage.tokens_out for usage in usages),
        "cost_usd": sum(usage.cost_usd for usage in usages),
        "texts_per_second": len(texts) / max(elapsed, 1e-9),
        "worst": sorted(missed, key=lambda one: isinstance(one, list))[:worst],
    }


async def _verdicts(texts: Sequence[str], provider: str, settings: Settings) -> "tuple[list[Verdict], Usages]":
    """What comes of each text, and what it took."""
    from services.correction.correct import corrected_texts
    from shared.llm.gateway import EmbeddedProvider, Gateway

    async with AsyncExitStack() as stack:
        gateway = Gateway({EMBEDDED_PROVIDER: EmbeddedProvider()}, settings.llm)
        if provider != EMBEDDED_PROVIDER:
            gateway = await _vendors(stack, settings)
        verdicts, usages = list["Verdict"](), list[Any]()
        for start in range(0, len(texts), AT_ONCE):
            some = texts[start : start + AT_ONCE]
            ask = gateway.ask_for("correct", [provider] * len(some))
            found = await corrected_texts(some, ask, redact=settings.correction.redact_secrets)
            verdicts += [verdict for verdict, _ in found]
            usages += [usage for _, usage in found]
    return verdicts, usages


async def _vendors(stack: AsyncExitStack, settings: Settings) -> "Gateway":
    """The whole gateway, with cache, limits and budgets as everywhere."""
    from shared.service.models import make_gateway
    from shared.terminal.connect import open_database

    database = await stack.enter_async_context(open_database(settings))
    return await stack.enter_async_context(make_gateway(settings, database, []))


def _show(report: Mapping[str, Any]) -> None:
    from shared.terminal.printing import facts, percent, show, table

    def share(value: float | None) -> str | None:
        return percent(None if value is None else 100 * value)

    rows = [
        (
            name,
            score["rows"],
            f"{score['repaired']} of {score['edits']}",
            share(score["recall"]),
            share(score["precision"]),
            f"{score['clean_changed']} of {score['clean']}",
            share(score["clean_changed_share"]),
            share(score["protected_share"]),
            score["clean_breaches"],
            None if score["gleu"] is None else round(score["gleu"], 3),
        )
        for name, score in report["scores"].items()
    ]
    columns = (
        "tier",
        "rows",
        "repaired",
        "recall",
        "precision",
        "clean changed",
        "",
        "protected kept",
        "breaches",
        "GLEU",
    )
    kept = [(name, why, n) for name, s in report["scores"].items() for why, n in s["kept_original"].items()]
    figures = {name: report[name] for name in ("provider", "tokens_in", "tokens_out", "cost_usd", "texts_per_second")}
    show(table("Corrections", columns, rows), table("Kept as they were", ("tier", "reason", "rows"), kept))
    show(facts("What it took", figures))
    for one in report["worst"]:
        click.echo(json.dumps(one, ensure_ascii=False))
