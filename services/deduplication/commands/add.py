"""`sluice dedupe add`: new records to the groups of a run, one by one, until the next run."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from services.deduplication.commands.input_options import FILE, as_mapping, mapping, sheet
from shared.errors import UsageError
from shared.settings import Settings
from shared.terminal import options

if TYPE_CHECKING:
    from services.deduplication.increments.placing import NewRecord, Placement
    from services.deduplication.runs.preparing import Source
    from services.deduplication.runs.store import Run

REJECTED = 1
_COLUMNS = (
    "account_id",
    "account_name",
    "outcome",
    "group_id",
    "is_new",
    "reason",
    "score",
    "probability",
    "primary",
    "also",
)


@click.command(
    epilog="Examples:\n\n\b\n"
    '  sluice dedupe add latest --id 001Hs00000000G8 --name "Zentrix Foods, Inc."\n'
    "  sluice dedupe add latest --file new.csv --json | jq '.[] | select(.is_new)'"
)
@click.argument("run_id", metavar="RUN|latest")
@click.option("--name", help="Name of one account.")
@click.option("--id", "account_id", metavar="ACCOUNT_ID", help="Its id.")
@click.option("--file", type=FILE, help="Accounts in a file as for `sluice dedupe`; dates are not needed.")
@mapping
@sheet
@click.option("--dry-run", is_flag=True, help="Say where they fall, and keep nothing.")
@options.as_json
def add(
    run_id: str,
    name: str | None,
    account_id: str | None,
    file: Path | None,
    sheet: str | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Add new accounts to the groups of a complete run: each joins the group that it is most like, or begins one.

    What was added stays with the run; a run with `--after` keeps the ids. An account that is there already changes
    nothing, one that cannot be used is rejected with the reason. Exit code 0: all are there; 1: some were rejected; 2:
    wrong usage or unreadable input.
    """
    from services.deduplication.increments.placing import Outcome
    from services.deduplication.runs.preparing import Source

    source = Source.of(file, sheet) if file else _one(account_id, name)
    if file and (account_id or name):
        raise UsageError("one account or a file of them", remedy="name --file, or --id and --name")
    placed = asyncio.run(_add(Settings.load(), run_id, source, **chosen))
    _show(placed, as_json)
    raise SystemExit(REJECTED if any(one.outcome is Outcome.REJECTED for one in placed) else 0)


def _one(account_id: str | None, name: str | None) -> "Source":
    import pyarrow as pa

    from services.deduplication.inputs.reading import FLAW, ROW
    from services.deduplication.runs.preparing import Source

    if not (account_id and name):
        raise UsageError("there is no account to add", remedy="name --id and --name, or --file")
    row = {ROW: 0, FLAW: None, "account id": account_id, "account name": name}
    schema = pa.schema([(column, pa.int64() if column == ROW else pa.string()) for column in row])
    return Source("the command line", "", pa.Table.from_pylist([row], schema))


async def _add(
    settings: Settings, name: str, source: "Source", *, mapping: tuple[str, ...], dry_run: bool
) -> "list[Placement]":
    from services.deduplication.increments.additions import Adding
    from services.deduplication.increments.lineage import run_named
    from services.deduplication.increments.placing import READ, Placing
    from services.deduplication.rules import Rules
    from services.deduplication.runs.results import Made
    from services.deduplication.runs.shards import place_of
    from services.deduplication.runs.storage import Storage
    from services.deduplication.runs.store import outputs_by_shard
    from shared.terminal.connect import open_database

    async with open_database(settings) as database:
        run = await run_named(database, name)
        made = Made(Storage(place_of(settings)), await outputs_by_shard(database, run.run_id))
        records, rules = _records(source, run, as_mapping(mapping)), Rules.model_validate_json(run.rules)
        tables = {artifact: await asyncio.to_thread(made.table, artifact) for artifact in (*READ, "calibration")}
        placing = await asyncio.to_thread(Placing, tables, rules, tables["calibration"])
        return await Adding(database, run, placing).add(records, keep=not dry_run)


def _records(source: "Source", run: "Run", told: Mapping[str, str]) -> "list[NewRecord]":
    """The columns are those of the file of the run, where the new one has them."""
    from services.deduplication.increments.placing import read_records
    from services.deduplication.rules import Rules

    known = {name: column for name, column in json.loads(run.mapping).items() if column in source.table.column_names}
    return read_records(source, {**known, **told}, Rules.model_validate_json(run.rules))


def _show(placed: "Sequence[Placement]", as_json: bool) -> None:
    from shared.terminal.printing import facts, print_json, show, table

    if as_json:
        print_json([one._asdict() for one in placed])
        return
    if len(placed) > 1:
        show(table("Added", _COLUMNS, [[_text(getattr(one, name)) for name in _COLUMNS] for one in placed]))
        return
    for one in placed:
        told = {name: _text(getattr(one, name)) for name in _COLUMNS}
        show(facts("Added", told | {"path": _way(one.path)}), *([facts("Compared", one.edge)] if one.edge else []))


def _text(value: object) -> object:
    return ", ".join(value) if isinstance(value, tuple | list) else value


def _way(path: Sequence[Sequence[Any]]) -> str:
    """zentrix food -94→ zentrix silver foods."""
    return "".join(f"{name} -{score[0]}→ " if score else str(name) for name, *score in path)
