"""`sluice evaluate-correction`: corrections against labelled texts, by the embedded corrector or by a provider."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from services.correction.correct_command import with_pre_pass
from shared.errors import UsageError
from shared.settings import EMBEDDED_PROVIDER, Settings

if TYPE_CHECKING:
    from services.correction.correct import Verdict
    from shared.database import Database
    from shared.llm.gateway import Gateway

AT_ONCE = 500
Row = Mapping[str, Any]


@click.command(
    epilog="Examples:\n\n\b\n  sluice evaluate-correction labelled.jsonl\n"
    "  sluice evaluate-correction labelled.jsonl --provider openai --json"
)
@click.argument("labelled", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--provider", default=EMBEDDED_PROVIDER, show_default=True, help="Who corrects.")
@click.option("--pre-pass", is_flag=True, help="The dictionary corrects before the provider.")
@click.option("--worst", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many misses.")
@click.option("--json", "json_output", is_flag=True, help="Print the report as JSON.")
def evaluate_correction(labelled: Path, provider: str, pre_pass: bool, worst: int, json_output: bool) -> None:
    """Measure corrections against labelled texts.

    Each line of FILE has `source`; and `target`, `edits` (pairs of wrong and right), `protected` (what must come back),
    `tier`; or `refs`, texts that are right. Recall is the share of listed edits that are repaired. Targets count as
    right: a corrector should leave them alone, unless a mistake was left in them.
    """
    settings, rows = Settings.load(), read_rows(labelled)
    settings.llm.check(provider)
    if pre_pass:
        settings = with_pre_pass(settings)
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
    verdicts, effort = await _verdicts(texts, provider, settings)
    targets = iter(verdicts[len(rows) :])
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
        **effort,
        "worst": sorted(missed, key=lambda one: isinstance(one, list))[:worst],
    }


async def _verdicts(
    texts: Sequence[str], provider: str, settings: Settings
) -> "tuple[list[Verdict], Mapping[str, Any]]":
    """What comes of each text, and what it took."""
    from services.correction.correct import corrected_texts
    from services.correction.effort import begin
    from shared.llm.gateway import EmbeddedProvider, Gateway

    async with AsyncExitStack() as stack:
        gateway, database = Gateway({EMBEDDED_PROVIDER: EmbeddedProvider()}, settings.llm), None
        if provider != EMBEDDED_PROVIDER:
            gateway, database = await _vendors(stack, settings)
        effort = await begin(database)
        verdicts, usages = list["Verdict"](), list[Any]()
        for start in range(0, len(texts), AT_ONCE):
            some = texts[start : start + AT_ONCE]
            ask = gateway.ask_for("correct", [provider] * len(some))
            found = await corrected_texts(some, ask, settings.correction)
            verdicts += [verdict for verdict, _ in found]
            usages += [usage for _, usage in found]
        return verdicts, await effort.told(len(texts), usages)


async def _vendors(stack: AsyncExitStack, settings: Settings) -> "tuple[Gateway, Database]":
    """The whole gateway, with cache, limits and budgets as everywhere, and the database in which it keeps its books."""
    from shared.service.models import make_gateway
    from shared.terminal.connect import open_database

    database = await stack.enter_async_context(open_database(settings))
    return await stack.enter_async_context(make_gateway(settings, database, [])), database


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
            score["clean_misspelled"],
            share(score["protected_share"]),
            score["clean_breaches"],
            f"{score['sentences_before']} → {score['sentences_after']}",
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
        "misspelled",
        "protected kept",
        "breaches",
        "sentences",
        "GLEU",
    )
    kept = [
        (name, why, n, share(score["kept_original_share"][why]))
        for name, score in report["scores"].items()
        for why, n in score["kept_original"].items()
    ]
    kinds = [
        (
            name,
            kind,
            f"{one['repaired']} of {one['listed']}",
            share(one["recall"]),
            one["made"],
            share(one["precision"]),
        )
        for name, score in report["scores"].items()
        for kind, one in score["by_kind"].items()
    ]
    show(table("Corrections", columns, rows))
    show(table("Edits by kind", ("tier", "kind", "repaired", "recall", "made", "precision"), kinds))
    show(table("Kept as they were", ("tier", "reason", "rows", ""), kept))
    show(facts("What it took", {name: value for name, value in report.items() if name not in {"scores", "worst"}}))
    for one in report["worst"]:
        click.echo(json.dumps(one, ensure_ascii=False))
