"""`sluice classify`: indicators from files or standard input, through every stage, to a result file."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from rich.console import Console

from schemas.indicator import Indicator
from services.cli.choosing import Wanted, choosing_options, chosen_rows
from services.cli.inputs import Accepted, Rejected, Row
from services.cli.outputs import check_output, write_rejects, write_results
from services.cli.providers import asks_vendors, wished_provider
from services.cli.results import ResultRow, RowStatus, in_input_order
from services.cli.summary import RunSummary, Usage, as_json, as_tables, summarise
from services.cli.taking_over import Division, divided, with_what_is_known
from shared.errors import UsageError
from shared.settings import Settings

if TYPE_CHECKING:
    from services.cli.classification_run import Run
    from services.cli.session import Session
    from services.cli.spending import Spending
    from shared.llm.estimate import Estimate

NOT_ALL_COMPLETED = 1


@click.command(
    epilog="Examples:\n\n\b\n"
    "  sluice classify indicators.csv --output results.parquet\n"
    "  cat new.jsonl | sluice classify - --output results.jsonl --quiet\n"
    "  sluice classify big.jsonl --sample stratified --limit 100 --seed 7\n"
    "  sluice classify big.jsonl --id GDP:AW --id CPI:AW\n"
    "  sluice classify indicators.csv --provider openai --cascade"
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--provider", metavar="P", help="Model that decides: embedded, or any that is configured. [default: LLM_PROVIDER]"
)
@click.option("--cascade", is_flag=True, help="Embedded model first; the provider only where that is not sure.")
@click.option("--dedupe", is_flag=True, help="Ask about one of nearly identical indicators; the others take over.")
@choosing_options
@click.option("--resume", is_flag=True, help="Leave out indicators that have a result already.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Result file: .jsonl, .csv or .parquet, one row an input row.",
)
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for rows that cannot be classified, with reasons: .jsonl or .csv.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    metavar="K",
    help="Requests in the pipeline at a time. [default: SLUICE_CONCURRENCY]",
)
@click.option(
    "--request-size",
    type=click.IntRange(min=1),
    metavar="N",
    help="Indicators in a request. [default: SLUICE_REQUEST_SIZE]",
)
@click.option("--no-wait", is_flag=True, help="Submit and return; needs stages that run elsewhere.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@click.option("--json", "json_output", is_flag=True, help="Print the summary as JSON.")
def classify(inputs: tuple[str, ...], **options: Any) -> None:
    """Classify indicators.

    INPUT is a .jsonl, .json, .csv, .tsv or .parquet file (also .gz), or - for standard input. Required fields are
    indicator_id and name; units, description, periodicity and sample_values help. Exit code 0: all completed;
    1: some were not; 2: wrong usage or unreadable input.
    """
    chosen = Options(**options)
    if chosen.output:
        check_output(chosen.output)
    if chosen.rejects:
        check_output(chosen.rejects, rejects=True)
    if chosen.dedupe and chosen.no_wait:
        raise UsageError("--dedupe waits for what the others take over", remedy="leave out --no-wait")
    settings = _settings(chosen)
    wish = wished_provider(settings.llm, chosen.provider, cascade=chosen.cascade)
    rows = chosen_rows(inputs, Wanted(chosen.limit, chosen.sample, chosen.seed, chosen.ids))
    raise SystemExit(asyncio.run(_classify(rows, wish, settings, chosen)))


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `classify`."""

    provider: str | None
    cascade: bool
    dedupe: bool
    limit: int | None
    sample: str | None
    seed: int
    ids: tuple[str, ...]
    resume: bool
    output: Path | None
    rejects: Path | None
    concurrency: int | None
    request_size: int | None
    no_wait: bool
    quiet: bool
    json_output: bool


def _settings(options: Options) -> Settings:
    settings = Settings.load()
    given = {"concurrency": options.concurrency, "request_size": options.request_size}
    feed = settings.feed.model_copy(update={name: value for name, value in given.items() if value})
    return settings.model_copy(update={"feed": feed})


class Ran(NamedTuple):
    """What came of a run."""

    results: dict[str, ResultRow]
    elapsed_seconds: float
    spending: "Spending | None"


async def _classify(rows: list[Row], wish: str, settings: Settings, options: Options) -> int:
    # Imported here so that wrong usage is answered at once.
    from services.cli.session import session

    console = Console(stderr=True)
    async with session(settings, console, quiet=options.quiet) as opened:
        if options.no_wait and opened.local.supervisor:
            raise UsageError(
                "--no-wait would stop the stages it has just started", remedy="run `sluice up` in another shell first"
            )
        ran = await _run(opened, rows, wish, options)
        place = opened.place()
    final = list(in_input_order(rows, ran.results))
    places = {"table": place, **_write(rows, final, options)}
    summary = summarise(final, Usage(elapsed_seconds=ran.elapsed_seconds), places, ran.spending)
    _show(summary, console, options)
    return 0 if summary.all_completed or options.no_wait else NOT_ALL_COMPLETED


async def _run(opened: "Session", rows: Sequence[Row], wish: str, options: Options) -> Ran:
    from services.cli.classification_run import fetch_known, fetch_results
    from services.cli.spending import spending
    from shared.llm.estimating import moment

    accepted = {row.indicator.indicator_id: row for row in rows if isinstance(row, Accepted)}
    results = await fetch_known(opened.database, list(accepted)) if options.resume else {}
    todo = [row for indicator_id, row in accepted.items() if indicator_id not in results]
    first, others = divided(todo) if options.dedupe else Division(todo, ())
    if others and not options.quiet:
        opened.console.print(f"{len(others):,} of {len(todo):,} indicators take over what another one is found to be")
    told = await _estimate(opened, [row.indicator for row in first], wish, options)
    since, began = await moment(opened.database), time.monotonic()
    finished = [await _submit(opened, [(row, None) for row in first], wish, options)]
    results |= await fetch_results(opened.database, finished[0])
    if others:
        finished.append(await _submit(opened, [(row, results.get(of)) for row, of in others], wish, options))
        results |= await fetch_results(opened.database, finished[1])
    elapsed = time.monotonic() - began
    if told is None or options.no_wait:
        return Ran(results, elapsed, None)
    batches = [batch for run in finished for batch in (*run.done.values(), *run.open.values())]
    return Ran(results, elapsed, await spending(opened.database, batches, len(todo), since, told))


async def _submit(
    opened: "Session", rows: Sequence[tuple[Accepted, ResultRow | None]], wish: str, options: Options
) -> "Run":
    with opened.progress() as progress:
        run = opened.new_run(progress, provider=wish)
        submitted = [(row.indicator.indicator_id, with_what_is_known(row, known)) for row, known in rows]
        return await run.submit_and_wait(submitted, wait=not options.no_wait)


async def _estimate(
    opened: "Session", indicators: Sequence[Indicator], wish: str, options: Options
) -> "Estimate | None":
    """What the run would take, said before it begins; None if no model is asked that costs anything."""
    from services.cli.session import classification
    from services.cli.spending import in_a_line
    from shared.llm.estimate import estimator

    llm = opened.local.settings.llm
    if not asks_vendors(llm, wish, [stage.name for stage in classification().stages]):
        return None
    found = await estimator(classification().name)(indicators, llm, wish, opened.database)
    if not options.quiet:
        opened.console.print(in_a_line(found), highlight=False, markup=False)
    return found


def _write(rows: Sequence[Row], final: Sequence[ResultRow], options: Options) -> dict[str, str]:
    places = {}
    if options.output:
        write_results(options.output, final)
        places["output"] = str(options.output)
    if options.rejects:
        write_rejects(options.rejects, [row for row in rows if isinstance(row, Rejected)])
        places["rejects"] = str(options.rejects)
    return places


def _show(summary: RunSummary, console: Console, options: Options) -> None:
    if options.json_output:
        click.echo(as_json(summary))
    elif not options.quiet:
        console.print(as_tables(summary))
        if summary.by_status.get(RowStatus.PENDING):
            console.print("Some indicators are still in the pipeline: `sluice resume` waits for them.", style="yellow")
