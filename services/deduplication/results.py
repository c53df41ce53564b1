"""The results of a run as files in a folder. Each appears whole under its name, or not at all."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from services.deduplication.runs import Run, StageState
from services.deduplication.shards import Output
from services.deduplication.showing import as_json
from services.deduplication.storage import Storage, as_parquet
from services.deduplication.working import gathered
from shared.errors import UsageError
from shared.terminal.shown import spreadsheet_text

TABLES = ("group_stats", "group_details", "audit", "diagnostics")
_SUSPICIOUS = "^[=@\\t\\r+-]"


@dataclass(frozen=True, slots=True)
class Made:
    """What a run has made: its outputs by stage and shard."""

    storage: Storage
    outputs: Mapping[tuple[str, int], Sequence[Output]]

    def table(self, artifact: str) -> pa.Table:
        """An artifact, of all shards in order."""
        shards = [self.outputs[place] for place in sorted(self.outputs)]
        return gathered(self.storage, [one.file for shard in shards for one in shard if one.artifact == artifact])

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
    """Write all that a run has made for people."""
    review = made.table("review_ready")
    _write(folder / "review.parquet", as_parquet(review))
    _write(folder / "review.csv", as_csv(review))
    for name in TABLES:
        _write(folder / f"{name}.parquet", as_parquet(made.table(name)))
    _write_json(folder / "review_meta.json", made.document("review_meta"))
    _write_json(folder / "perf_summary.json", {**made.document("perf_summary"), **as_json(run, stages)})
    _write_json(folder / "schema_mapping.json", json.loads(run.mapping))


def as_csv(table: pa.Table) -> bytes:
    """A table as CSV in which no cell is a formula."""
    harmless = [_harmless(column) for column in table.columns]
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(pa.table(harmless, names=table.column_names), sink)
    return bytes(sink.getvalue())


def _harmless(column: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    """The column as CSV has it. Few hold anything that could be a formula, and only these are looked at closely."""
    if pa.types.is_nested(column.type):
        return pa.chunked_array([[None if value is None else json.dumps(value) for value in column.to_pylist()]])
    if not pa.types.is_string(column.type):
        return column
    if not pc.any(pc.match_substring_regex(column, _SUSPICIOUS)).as_py():
        return column
    return pa.chunked_array([[None if text is None else spreadsheet_text(text) for text in column.to_pylist()]])


def _write_json(path: Path, value: Any) -> None:
    _write(path, json.dumps(value, indent=2, default=str).encode() + b"\n")


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        free = shutil.disk_usage(path.parent).free
        raise UsageError(
            f"{path} cannot be written: {error.strerror or error}", remedy=f"{free:,} bytes are free there"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
