"""`sluice correct`: transcripts from a file or folder, through every stage, to a result file."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError
from rich.console import Console

from shared.errors import UsageError
from shared.settings import Settings

if TYPE_CHECKING:
    from schemas.correction import TranscriptSource
    from services.correction.rehearsing import Rehearsed
    from services.correction.running import Running
    from services.correction.summary import Summary

NOT_ALL_FINAL = 1
COLOURS = {"- ": "red", "+ ": "green"}
"""Of the lines of a diff, by their beginning."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `correct`."""

    output: Path | None
    provider: str | None
    format: str
    pre_pass: bool
    dry_run: bool
    diff: bool
    manifest: Path | None
    force: bool
    max_files: int | None
    max_rows: int | None
    quiet: bool
    json_output: bool


@click.command(
    epilog="Examples:\n\n\b\n"
    "  sluice correct transcripts/ --output corrected.jsonl\n"
    "  sluice correct session.jsonl --dry-run --diff\n"
    "  sluice correct transcripts/ --provider openai --dry-run\n"
    "  sluice correct manifest.json --output corrected.parquet"
)
@click.argument("source", type=click.Path(exists=True, path_type=Path), metavar="INPUT")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Result file: .jsonl, .csv or .parquet."
)
@click.option(
    "--provider", metavar="P", help="Who corrects: embedded, or any that is configured. [default: LLM_PROVIDER]"
)
@click.option(
    "--format", default="", help="Format of the transcripts: session-log or chat-export. [default: recognised]"
)
@click.option(
    "--pre-pass", is_flag=True, help="The dictionary corrects first. Stages that run elsewhere do as they are set."
)
@click.option("--dry-run", is_flag=True, help="Say what a run would do and take. Calls nobody, writes nothing.")
@click.option("--diff", is_flag=True, help="Print the lines that are corrected, before and after.")
@click.option("--manifest", type=click.Path(dir_okay=False, path_type=Path), help="Write what was found in INPUT here.")
@click.option("--force", is_flag=True, help="Go on although the manifest says NO-GO.")
@click.option("--max-files", type=click.IntRange(min=1), help="At most so many files.")
@click.option("--max-rows", type=click.IntRange(min=1), help="No further file once so many rows are found.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@click.option("--json", "json_output", is_flag=True, help="Print the summary as JSON.")
def correct(source: Path, **options: Any) -> None:
    """Correct what people typed in chat transcripts; everything else passes through as it is.

    INPUT is a .jsonl file, the conversations.json of a chat export, a folder with such files below it, or a manifest
    that an earlier run wrote. Code, paths,
    names and numbers come back byte for byte; where anything is in doubt the original stays, with the reason. Exit code
    0: every row is final; 1: some lines could not be read, or the manifest says NO-GO; 2: wrong usage.
    """
    from services.correction.results import check_output

    chosen = Options(**options)
    if chosen.output:
        check_output(chosen.output)
    elif not (chosen.dry_run or chosen.diff):
        raise UsageError("there is nowhere to write to", remedy="give --output FILE, or try it with --dry-run")
    settings = Settings.load()
    if chosen.pre_pass:
        settings = with_pre_pass(settings)
    if chosen.provider:
        _check_provider(settings, chosen.provider)
    wanted = _source(source, chosen)
    _check_source(wanted, settings)
    for written in filter(None, (chosen.output, chosen.manifest)):
        _check_beside(written, Path(wanted.path).resolve())
    work = _rehearsed if chosen.dry_run else _corrected
    raise SystemExit(asyncio.run(work(wanted, settings, chosen)))


def with_pre_pass(settings: Settings) -> Settings:
    """The settings with the dictionary before any language model."""
    return settings.model_copy(update={"correction": settings.correction.model_copy(update={"pre_pass": True})})


def _check_provider(settings: Settings, provider: str) -> None:
    """Raises UsageError if it cannot be asked, or if nobody knows what it costs."""
    from shared.llm.choice import parse_choice
    from shared.llm.pricing import Prices
    from shared.settings import EMBEDDED_PROVIDER

    settings.llm.check(provider)
    name = parse_choice(provider).provider
    if name != EMBEDDED_PROVIDER:
        Prices.load(settings.llm.prices).check(name, settings.llm.model_of(name))


def _check_source(source: "TranscriptSource", settings: Settings) -> None:
    """Raises UsageError for what discovery would refuse, before anything is started."""
    from services.correction.discover import hindrance

    if refused := hindrance(source, settings.correction.folders):
        raise UsageError(refused)


def _check_beside(written: Path, source: Path) -> None:
    """Raises UsageError for a file that cannot be written, or that this or the next run would read as a transcript."""
    from services.correction.scanning import is_transcript

    if not written.parent.is_dir():
        raise UsageError(f"{written}: its folder does not exist", remedy=f"create {written.parent}")
    place = written.resolve()
    if place == source or (is_transcript(place) and place.is_relative_to(source)):
        raise UsageError(f"{written} would be read as a transcript", remedy=f"name a file that is not in {source}")


def _source(path: Path, options: Options) -> "TranscriptSource":
    from uuid import uuid4

    from schemas.correction import TranscriptSource
    from services.correction.transcripts.arrays import is_array

    given = _from_manifest(path, options) if path.suffix == ".json" and not is_array(path) else path.resolve()
    try:
        return TranscriptSource(
            source_id=f"source-{uuid4()}",
            path=str(given),
            format=options.format,
            force=options.force,
            max_files=options.max_files,
            max_rows=options.max_rows,
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        raise UsageError(f"{wrong['loc'][0]}: {wrong['msg']}") from None


def _from_manifest(path: Path, options: Options) -> Path:
    """The source that a manifest is about. Raises UsageError if the manifest is none, or says NO-GO."""
    from services.correction.manifest import checked

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict):
        raise UsageError(
            f"{path} is no manifest",
            remedy="give .jsonl, an array of conversations, a folder, or what --manifest wrote",
        )
    return Path(checked(document, force=options.force))


async def _rehearsed(source: "TranscriptSource", settings: Settings, options: Options) -> int:
    """A dry run, with the answers that are kept where a database can be had."""
    from services.correction.manifest import Decision
    from services.correction.summary import of_rehearsal, shown
    from shared.terminal.connect import open_database

    try:
        async with open_database(settings, start=False) as database:
            result = await _rehearse(source, settings, options, database)
    except UsageError:
        if settings.database.url:
            raise
        result = await _rehearse(source, settings, options, None)
    shown(of_rehearsal(result), quiet=options.quiet, as_json=options.json_output)
    _keep_manifest(result, source, options)
    return NOT_ALL_FINAL if result.found.invalid or result.found.decision is Decision.NO_GO else 0


async def _rehearse(source: "TranscriptSource", settings: Settings, options: Options, database: Any) -> "Rehearsed":
    from services.correction.rehearsing import rehearse
    from services.correction.results import changed_lines

    async for last, rows in rehearse(source, settings, options.provider or "", database):
        result = last
        for row in rows if options.diff else ():
            if row.corrected is not None:
                _print(changed_lines(f"{row.file}:{row.line}", row.text or "", row.corrected))
    return result


def _keep_manifest(result: "Rehearsed", source: "TranscriptSource", options: Options) -> None:
    from datetime import UTC, datetime

    from services.correction.manifest import manifest

    if options.manifest:
        now = datetime.fromtimestamp(time.time(), UTC).isoformat()
        document = manifest(result.found, path=source.path, run_id="", assessed_at=now)
        _write_manifest(options.manifest, document)


def _write_manifest(path: Path, document: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", remedy="check space and rights") from error


async def _corrected(source: "TranscriptSource", settings: Settings, options: Options) -> int:
    from services.correction.running import running
    from services.correction.summary import of_run, shown
    from services.correction.watching import watching

    console = Console(stderr=True)

    def say(message: str) -> None:
        if not options.quiet:
            console.print(message, style="dim", highlight=False, markup=False)

    async with running(settings, say) as opened:
        with watching(console, quiet=options.quiet) as show:
            run_id = await opened.run(source, options.provider or "", show)
        summary = await of_run(opened.database, run_id, str(options.output or ""))
        try:
            await _write(opened, run_id, options)
        finally:  # what was paid for is told, also where it cannot be written
            shown(summary, quiet=options.quiet, as_json=options.json_output)
    return _exit_code(summary)


async def _write(opened: "Running", run_id: str, options: Options) -> None:
    from services.correction.results import diff, write_results
    from services.correction.store import manifest_of, rows_of

    if options.output:
        await write_results(options.output, rows_of(opened.database, run_id))
    if options.manifest:
        document = await manifest_of(opened.database, run_id)
        _write_manifest(options.manifest, document)
    if options.diff:
        async for row in rows_of(opened.database, run_id):
            _print(diff(row))


def _print(lines: Iterable[str]) -> None:
    """Lines of a diff, on a terminal in colour."""
    console = Console(highlight=False, markup=False, emoji=False)
    for line in lines:
        console.print(line, style=COLOURS.get(line[:2]), soft_wrap=True)


def _exit_code(summary: "Summary") -> int:
    return 0 if summary.is_complete else NOT_ALL_FINAL
