"""The results of a run as files in a folder. Each appears whole under its name, or not at all."""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from services.deduplication.runs.shards import Output
from services.deduplication.runs.storage import Storage, write_parquet
from services.deduplication.runs.store import Run, StageState
from services.deduplication.runs.summary import as_json
from shared.errors import UsageError
from shared.terminal.shown import spreadsheet_text

TABLES = {"review": "review_ready"} | {name: name for name in ("group_stats", "group_details", "audit", "diagnostics")}
"""File → artifact."""
DOCUMENTS = ("review_meta", "schema_mapping", "perf_summary")
"""The last one says of which run all of them are."""
_SUSPICIOUS = "^[=@\\t\\r+-]"


@dataclass(frozen=True, slots=True)
class Made:
    """What a run has made: its outputs by stage and shard."""

    storage: Storage
    outputs: Mapping[tuple[str, int], Sequence[Output]]

    def tables(self, artifact: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """An artifact, or some columns of it, shard by shard in order."""
        for place in sorted(self.outputs):
            files = (one.file for one in self.outputs[place] if one.artifact == artifact)
            yield from (self.storage.read(file, columns) for file in files)

    def table(self, artifact: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole of an artifact, or of some of its columns. Raises UsageError if the run has made none."""
        found = list(self.tables(artifact, columns))
        if not found:
            raise UsageError(
                f"the run has made no {artifact}", remedy="one of an older release lacks it: start a new run"
            )
        return pa.concat_tables(found)

    def document(self, artifact: str) -> dict[str, Any]:
        """An artifact that is one JSON object."""
        found: dict[str, Any] = json.loads(self.table(artifact)["json"][0].as_py())
        return found


def check_folder(folder: Path) -> None:
    """Refuse a folder that is sure to fail, before anything is spent on filling it. Makes it if it lacks."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror or error}", remedy="name another folder") from None
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{folder} cannot be written to", remedy="name another folder")


def write_results(folder: Path, made: Made, run: Run, stages: Sequence[StageState]) -> None:
    """Write all that a run has made for people; of the big ones there is never more than a shard in memory.

    What another run has left there is kept.
    """
    set_aside(folder, run.run_id)
    for name, artifact in TABLES.items():
        with _replacing(folder / f"{name}.parquet") as file:
            write_parquet(file, made.tables(artifact))
    with _replacing(folder / "review.csv") as file:
        file.writelines(csv_parts(made.tables("review_ready")))
    documents = {
        "review_meta": made.document("review_meta"),
        "schema_mapping": json.loads(run.mapping),
        "perf_summary": {**made.document("perf_summary"), **as_json(run, stages)},
    }
    for name in DOCUMENTS:
        with _replacing(folder / f"{name}.json") as file:
            file.write(json.dumps(documents[name], indent=2, default=str).encode() + b"\n")


def set_aside(folder: Path, run_id: str) -> None:
    """Move the results of another run into a folder of its name, beside which those of this one come."""
    owner = _owner(folder)
    if owner is None or owner == run_id:
        return
    names = [*(f"{name}.parquet" for name in TABLES), "review.csv", *(f"{name}.json" for name in DOCUMENTS)]
    aside = folder / owner
    try:
        aside.mkdir(exist_ok=True)
        for name in names:
            if (folder / name).exists():
                (folder / name).replace(aside / name)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be cleared: {error.strerror or error}", remedy="name another folder"
        ) from None


def _owner(folder: Path) -> str | None:
    """The run whose results a folder has."""
    try:
        said = json.loads((folder / "perf_summary.json").read_bytes())["run_id"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return said if isinstance(said, str) and re.fullmatch(r"[\w-]+", said) else None


def csv_parts(tables: Iterable[pa.Table]) -> Iterator[bytes]:
    """Tables as one CSV file in which no cell is a formula, a part for each."""
    for place, table in enumerate(tables):
        columns = [_harmless(column) for column in table.columns]
        harmless = pa.table(columns, names=list(map(spreadsheet_text, table.column_names)))
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(harmless, sink, pa_csv.WriteOptions(include_header=place == 0))
        yield bytes(sink.getvalue())


def _harmless(column: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    """The column as CSV has it. Few hold anything that could be a formula, and only these are looked at closely."""
    if pa.types.is_nested(column.type):
        return pa.chunked_array([[None if value is None else json.dumps(value) for value in column.to_pylist()]])
    if not pa.types.is_string(column.type):
        return column
    if not pc.any(pc.match_substring_regex(column, _SUSPICIOUS)).as_py():
        return column
    return pa.chunked_array([[None if text is None else spreadsheet_text(text) for text in column.to_pylist()]])


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside the target, which takes its place when it is whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        free = f"{shutil.disk_usage(path.parent).free:,} bytes are free there"
        raise UsageError(f"{path} cannot be written: {error.strerror or error}", remedy=free) from error
    finally:
        temporary.unlink(missing_ok=True)
