"""`sluice dedupe`: records of the same company in a file, found by all stages, and what to do with each record."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from rich.console import Console

from services.deduplication.commands.add import add
from services.deduplication.commands.clusters import clusters
from services.deduplication.commands.decisions import blacklist, overrides
from services.deduplication.commands.explain import explain
from services.deduplication.commands.history import history
from services.deduplication.commands.input_options import FILE, as_mapping, mapping, sheet
from services.deduplication.commands.input_options import rules as rules_option
from services.deduplication.commands.rules import rules
from services.deduplication.packages import require_packages
from services.deduplication.rules import Profile
from shared.errors import UsageError
from shared.settings import Settings

if TYPE_CHECKING:
    from services.deduplication.runs.preparing import Source, Wanted
    from services.deduplication.runs.session import Session
    from services.deduplication.runs.starting import Decided
    from services.deduplication.runs.store import Run

RUN_TYPES = ("test", "dev", "prod")
NOT_COMPLETE = 1
INTERRUPTED = 130


class WithDefault(click.Group):
    """A group that runs `run` when its first argument is none of its commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the default command in front, unless a command or help is asked for."""
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=WithDefault, invoke_without_command=False)
def dedupe() -> None:
    """Find records of the same company in an export of accounts, choose one of each group, and say what to do with all.

    `sluice dedupe FILE --output DIR` runs all stages: it is short for `sluice dedupe run`.
    """


dedupe.add_command(explain)
dedupe.add_command(add)
dedupe.add_command(history)
dedupe.add_command(rules)
dedupe.add_command(clusters)
dedupe.add_command(overrides)
dedupe.add_command(blacklist)


@dedupe.command(
    epilog="Examples:\n\n\b\n"
    "  sluice dedupe accounts.csv --output results\n"
    "  sluice dedupe accounts.xlsx --output results --map account_name=Employer --blacklist terms.txt\n"
    "  sluice dedupe accounts.csv --output results --resume 1f0c2a3b_8d3e11aa_20260131_120000_000"
)
@click.argument("file", type=FILE, required=False, metavar="FILE")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the results."
)
@click.option("--profile", type=click.Choice(get_args(Profile)), help="Rules. [default: balanced]")
@rules_option
@click.option("--shards", type=click.IntRange(1, 512), metavar="N", help="Parts of the work. [default: by rows]")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes that work. [default: SLUICE_DEDUPE_WORKERS]"
)
@mapping
@sheet
@click.option("--templates", type=FILE, help="JSON: headers of files by their names, before those that are known.")
@click.option("--blacklist", type=FILE, help="Terms that no name may hold, one a line, for this run.")
@click.option("--overrides", type=FILE, help="CSV with account_id, disposition, reason, for this run.")
@click.option("--ranks", type=FILE, help="JSON object: relationship → rank, the lowest is chosen.")
@click.option("--after", metavar="RUN", help="Keep the ids of its groups and of what was added to it; or `latest`.")
@click.option("--calibration", type=FILE, help="What scores mean, by `evaluate-dedupe --calibrate`.")
@click.option("--run-type", type=click.Choice(RUN_TYPES), default="prod", show_default=True)
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped, without FILE or with the same one.")
@click.option("--from", "stage", metavar="STAGE", help="With --resume: do this stage again, and what follows from it.")
@click.option("--force", is_flag=True, help="With --resume: do all of it anew, with this FILE and these options.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@click.option("--json", "json_output", is_flag=True, help="Print the summary as JSON.")
def run(file: Path | None, **options: Any) -> None:
    """Run all stages.

    FILE is .csv, .xlsx or .xls with an id, a name and a date of each account. Exit code 0: complete; 1: it failed;
    2: wrong usage or unreadable input; 130: interrupted, `--resume` goes on.
    """
    chosen = Options(file=file, **options)
    _check(chosen)
    settings = Settings.load()
    if chosen.workers:
        dedupe = settings.dedupe.model_copy(update={"workers": chosen.workers})
        settings = settings.model_copy(update={"dedupe": dedupe})
    raise SystemExit(asyncio.run(_run(settings, chosen)))


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `dedupe run`."""

    file: Path | None
    output: Path
    profile: Profile | None
    rules: Path | None
    shards: int | None
    workers: int | None
    mapping: tuple[str, ...]
    sheet: str | None
    templates: Path | None
    blacklist: Path | None
    overrides: Path | None
    ranks: Path | None
    after: str | None
    calibration: Path | None
    run_type: str
    resume: str | None
    stage: str | None
    force: bool
    quiet: bool
    json_output: bool


def _check(options: Options) -> None:
    from services.deduplication.pipeline import FLOW

    require_packages()
    from services.deduplication.runs.results import check_folder

    names = [stage.name for stage in FLOW]
    if options.stage and options.stage not in names:
        raise UsageError(f"there is no stage {options.stage!r}", remedy=f"stages: {', '.join(names)}")
    if not options.resume and (options.stage or options.force):
        raise UsageError("--from and --force are about a run that is gone on with", remedy="name it with --resume RUN")
    if not options.resume and not options.file:
        raise UsageError("there is no input", remedy="name a FILE, or a run to go on with: --resume RUN")
    if options.resume and not options.force and (ignored := _of_a_new_run(options)):
        raise UsageError(
            f"{', '.join(ignored)}: a run keeps what it began with", remedy="do all of it anew with --force"
        )
    if options.force and not options.file:
        raise UsageError("--force does all anew, for which it needs the input", remedy="name the FILE")
    check_folder(options.output)


def _of_a_new_run(options: Options) -> list[str]:
    """Options that say something about a run that cannot be changed any more."""
    told = {
        "--shards": options.shards,
        "--map": options.mapping,
        "--templates": options.templates,
        "--blacklist": options.blacklist,
        "--overrides": options.overrides,
        "--after": options.after,
        "--calibration": options.calibration,
    }
    return [name for name, value in told.items() if value]


async def _run(settings: Settings, options: Options) -> int:
    from services.deduplication.commands.showing import StageProgress
    from services.deduplication.inputs.columns import map_columns
    from services.deduplication.runs.preparing import Source
    from services.deduplication.runs.session import session
    from services.deduplication.runs.store import Status
    from shared.terminal.interrupting import interruptible
    from shared.terminal.printing import error_console

    console = error_console()
    source = Source.of(options.file, options.sheet) if options.file else None
    wanted, decided = _wanted(options), _decided(options)
    if source and (options.force or not options.resume):  # refused before anything is started
        map_columns(source.table, source.name, wanted.mapping, wanted.templates)

    def say(message: str) -> None:
        if not options.quiet:
            console.print(message, style="dim", highlight=False, markup=False)

    async with session(settings, say) as opened:
        with interruptible() as stop, StageProgress(console, options.quiet) as progress:
            run_id = await _begin(opened, options, source, wanted, decided)
            say(f"run {run_id}")
            await opened.announce()
            run = await opened.follow(run_id, progress.show, stop)
        await _report(opened, run, options, console)
    if run.status is Status.INTERRUPTED and stop.is_set():
        return INTERRUPTED
    return 0 if run.status is Status.COMPLETE else NOT_COMPLETE


async def _begin(
    opened: "Session", options: Options, source: "Source | None", wanted: "Wanted", decided: "Decided"
) -> str:
    from services.deduplication.runs.starting import Again, resume, start

    wanted = await _follower(opened, wanted)
    if options.resume:
        given = wanted if options.profile or options.rules or options.ranks or options.force else None
        again = Again(options.resume, source, given, options.stage, options.force)
        return await resume(opened.database, opened.storage, again, decided)
    assert source
    return await start(opened.database, opened.storage, source, wanted, decided)


async def _follower(opened: "Session", wanted: "Wanted") -> "Wanted":
    """What is wanted, with the run that it follows by its id."""
    from services.deduplication.increments.lineage import run_named

    return wanted._replace(follows=wanted.follows and (await run_named(opened.database, wanted.follows)).run_id)


async def _report(opened: "Session", run: "Run", options: Options, console: Console) -> None:
    from services.deduplication.commands.showing import as_tables
    from services.deduplication.runs.results import Made, write_results
    from services.deduplication.runs.store import Status, outputs_by_shard, stages_of
    from services.deduplication.runs.summary import as_json, notices
    from shared.terminal.printing import print_json

    stages, told = await stages_of(opened.database, run.run_id), list[str]()
    if run.status is Status.COMPLETE:
        made = Made(opened.storage, await outputs_by_shard(opened.database, run.run_id))
        await asyncio.to_thread(write_results, options.output, made, run, stages)
        told = notices(await asyncio.to_thread(made.document, "review_meta"))
    if options.json_output:
        print_json({**as_json(run, stages), "output": str(options.output), "notices": told})
    elif not options.quiet:
        for part in as_tables(run, stages):
            console.print(part)
        for notice in told:
            console.print(notice, style="yellow", highlight=False, markup=False, soft_wrap=True)
    if run.status is not Status.COMPLETE and not options.json_output:
        again = f"sluice dedupe {options.file or 'FILE'} --output {options.output} --resume {run.run_id}"
        goes_on = f"{run.status}: {run.error}; `{again}` goes on"
        console.print(goes_on, style="yellow", highlight=False, markup=False, soft_wrap=True)


def _wanted(options: Options) -> "Wanted":
    from services.deduplication.configuration import read_ranks, read_rules, read_templates
    from services.deduplication.evaluation.calibration import Calibration
    from services.deduplication.runs.preparing import Wanted

    columns = as_mapping(options.mapping)
    rules = read_rules(options.rules, options.profile, linking="source" in columns)
    if options.ranks:
        rules = rules.model_copy(update={"relationship_ranks": read_ranks(options.ranks)})
    calibration = Calibration.read(options.calibration, rules) if options.calibration else None
    templates = read_templates(options.templates) if options.templates else ()
    return Wanted(rules, columns, options.shards, options.run_type, options.after, calibration, templates)


def _decided(options: Options) -> "Decided":
    from services.deduplication.decisions import read_overrides, read_terms
    from services.deduplication.runs.starting import Decided

    return Decided(
        read_overrides(options.overrides) if options.overrides else (),
        read_terms(options.blacklist) if options.blacklist else (),
    )
