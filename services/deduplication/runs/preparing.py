"""What a run begins with: its input in slices, what it is given beside it, and the stages that it will pass."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from services.deduplication.evaluation.calibration import SCHEMA, Calibration
from services.deduplication.inputs.columns import Template, map_columns
from services.deduplication.inputs.reading import SLICE_ROWS, read_table, slices
from services.deduplication.plan import PLAN
from services.deduplication.rules import Rules
from services.deduplication.runs.flow import GIVEN, INPUT, StagePlan
from services.deduplication.runs.shards import Output
from services.deduplication.runs.storage import Storage
from services.deduplication.runs.store import NewRun, Shard
from services.deduplication.work import Step
from shared.errors import UsageError

SMALLEST_SLICE = 10_000
ROWS_A_PAIR = 250_000
MOST_SHARDS = 64


class Wanted(NamedTuple):
    """What a person asks of a run."""

    rules: Rules
    mapping: Mapping[str, str]
    shards: int | None
    run_type: str
    follows: str | None = None
    """The run whose groups it is to take the ids of."""
    calibration: Calibration | None = None
    """What scores mean, to be told beside them."""
    templates: Sequence[Template] = ()


class Source(NamedTuple):
    """A file that was read."""

    name: str
    sha256: str
    table: pa.Table

    @classmethod
    def of(cls, path: Path, sheet: str | None = None) -> "Source":
        """Read a file, or a sheet of one. Raises UsageError."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}", remedy="check its name") from None
        name = os.fsencode(path.name).decode(errors="replace")  # not every name of a file is a text
        return cls.read(name, data, sheet)

    @classmethod
    def read(cls, name: str, data: bytes, sheet: str | None = None) -> "Source":
        """Read the content of a file; that of two sheets of one is not the same. Raises UsageError."""
        return cls(name, sha256(data + (sheet or "").encode()).hexdigest(), read_table(data, name, sheet))


class Prepared(NamedTuple):
    """A run that can begin."""

    run: NewRun
    stages: Sequence[StagePlan]
    given: Mapping[Shard, Sequence[Output]]


def new_run_id(input_sha256: str, config_digest: str, now: datetime) -> str:
    """Which input, which rules, when."""
    return f"{input_sha256[:8]}_{config_digest[:8]}_{now:%Y%m%d_%H%M%S}_{now.microsecond // 1000:03}"


def prepare(storage: Storage, source: Source, wanted: Wanted, told: Mapping[str, pa.Table], run_id: str) -> Prepared:
    """Put into storage what a run begins with. `told`: the tables of what people decided and what was before."""
    mapping = map_columns(source.table, source.name, wanted.mapping, wanted.templates)
    parts = slices(source.table, slice_rows(source.table.num_rows))
    points = wanted.calibration.table() if wanted.calibration else SCHEMA.empty_table()
    given = {"mapping": mapping, "calibration": points, **told}
    beginning: dict[Shard, Sequence[Output]] = {
        (INPUT, number): [_kept(storage, run_id, INPUT, INPUT, part, number)] for number, part in enumerate(parts)
    }
    beginning[GIVEN, 0] = [_kept(storage, run_id, GIVEN, name, table, 0) for name, table in given.items()]
    shards = wanted.shards or usual_shards(source.table.num_rows)
    run = NewRun(
        run_id=run_id,
        run_type=wanted.run_type,
        input_name=source.name,
        input_sha256=source.sha256,
        config_digest=wanted.rules.digest(),
        rules=wanted.rules.model_dump_json(),
        mapping=_as_json(mapping),
        rows=source.table.num_rows,
        shards=shards,
        trace_id=secrets.token_hex(16),
        follows=wanted.follows,
    )
    return Prepared(run, planned(PLAN, list(given), len(parts), shards), beginning)


def slice_rows(rows: int) -> int:
    """How many rows of an input make a slice: two cores have work unless there is little of it."""
    return min(SLICE_ROWS, max(SMALLEST_SLICE, -(-rows // 2)))


def usual_shards(rows: int) -> int:
    """Work for two cores or more, and no more shards than memory asks for: each of them reads all names."""
    return min(MOST_SHARDS, 2 * -(-rows // ROWS_A_PAIR))


def planned(steps: Iterable[Step], given: Sequence[str], inputs: int, shards: int) -> list[StagePlan]:
    """The stages of a run whose input has so many slices, in order."""
    makers = {INPUT: INPUT, **dict.fromkeys(given, GIVEN)}
    stages = [StagePlan(INPUT, inputs, {}), StagePlan(GIVEN, 1, {})]
    for step in steps:
        reads = {artifact: (makers[artifact], how.value) for artifact, how in step.reads.items()}
        stages.append(StagePlan(step.name, step.count(inputs, shards), reads))
        makers |= dict.fromkeys(step.makes, step.name)
    return stages


def _kept(storage: Storage, run_id: str, stage: str, artifact: str, table: pa.Table, number: int) -> Output:
    return Output(artifact, None, storage.write(f"{run_id}/{stage}/{artifact}-{number:04}", table))


def _as_json(mapping: pa.Table) -> str:
    return json.dumps(dict(zip(mapping["canonical"].to_pylist(), mapping["actual"].to_pylist(), strict=True)))
