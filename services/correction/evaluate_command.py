"""`sluice evaluate-correction`: corrections against labelled texts, by the embedded corrector or by a provider."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from services.correction.correct_command import with_pre_pass
from services.correction.labelled import LabelledText, read_labelled
from shared.settings import EMBEDDED_PROVIDER, Settings

if TYPE_CHECKING:
    from services.correction.correct import Verdict
    from shared.database import Database
    from shared.llm.gateway import Gateway

AT_ONCE = 500


@click.command(
    epilog="Examples:\n\n\b\n  sluice evaluate-correction labelled.jsonl\n"
    "  sluice evaluate-correction labelled.jsonl --provider openai --json"
)
@click.argument("labelled", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--provider", default=EMBEDDED_PROVIDER, show_default=True, help="Who corrects.")
@click.option("--pre-pass", is_flag=True, help="The dictionary corrects before the provider.")
@click.option(
    "--worst", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many misses of a kind."
)
@click.option("--json", "json_output", is_flag=True, help="Print the report as JSON.")
def evaluate_correction(labelled: Path, provider: str, pre_pass: bool, worst: int, json_output: bool) -> None:
    """Measure corrections against labelled texts.

    Each line of FILE has `source`; and `target`, `edits` (pairs of wrong and right), `protected` (what must come back),
    `tier`; or `refs`, texts that are right. Recall is the share of listed edits that are repaired. Targets count as
    right: a corrector should leave them alone, unless a mistake was left in them.
    """
    from services.correction.evaluation_report import show_report

    settings, rows = Settings.load(), read_labelled(labelled)
    settings.llm.check(provider)
    if pre_pass:
        settings = with_pre_pass(settings)
    report = asyncio.run(_evaluated(rows, provider, settings, worst))
    if json_output:
        click.echo(json.dumps(report, indent=2))
    else:
        show_report(report)


async def _evaluated(rows: Sequence[LabelledText], provider: str, settings: Settings, worst: int) -> dict[str, Any]:
    from services.correction.evaluation import Score, clean_texts, score_row, unrepaired

    targets = [row.target for row in rows if row.target is not None]
    verdicts, effort = await _verdicts([*(row.source for row in rows), *targets], provider, settings)
    of_targets = iter(verdicts[len(rows) :])
    scores = {"all": Score()}
    changed, missed = list[tuple[str, str]](), list[tuple[str, str]]()
    for row, source in zip(rows, verdicts, strict=False):
        target = None if row.target is None else next(of_targets)
        for name in filter(None, ("all", row.tier)):
            score_row(scores.setdefault(name, Score()), row, source, target)
        missed += unrepaired(row, source)
        changed += [(text, after) for text, after in clean_texts(row, source, target) if text != after]
    return {
        "provider": provider,
        "scores": {name: score.as_dict() for name, score in scores.items()},
        **effort,
        "clean_changed": changed[:worst],
        "missed": missed[:worst],
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
