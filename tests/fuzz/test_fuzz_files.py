"""Files of indicators: every row is accepted or rejected with a reason, or the file is refused in words."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from services.cli.inputs import Accepted, Rejected, Row, UnreadableInput, count_rows, read_indicators
from shared.runtime.codec import encode
from tests.fuzz.cases import fuzz
from tests.fuzz.material import HOSTILE_BYTES, damaged, drawn, json_like, junk, many, mutated, scalar, text
from tests.fuzz.samples import INDICATOR, LINES

GOOD = {"indicator_id": "good", "name": "Good"}
GOOD_LINE = json.dumps(GOOD).encode() + b"\n"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzzed")


def _read(rows: Iterator[Row]) -> list[Row]:
    """All rows up to the end or the damage; whatever else is raised fails the test."""
    found: list[Row] = []
    try:
        for row in rows:
            found.append(row)  # noqa: PERF402 -- those before the damage count
    except UnreadableInput as error:
        assert error.reason
        assert error.remedy
    for row in found:
        if isinstance(row, Rejected):
            assert row.reason
            assert row.remedy
            assert len(row.sentence) < 5_000
        else:
            assert encode(row.indicator)
            json.loads(row.raw)
    assert len({row.indicator.indicator_id for row in found if isinstance(row, Accepted)}) == sum(
        isinstance(row, Accepted) for row in found
    )
    return found


def _file(path: Path, content: bytes) -> list[Row]:
    path.write_bytes(content)
    count_rows(str(path))
    try:
        rows = read_indicators([str(path)])
    except UnreadableInput as error:
        assert error.reason
        return []
    return _read(rows)


def _good(rows: list[Row]) -> int:
    return sum(isinstance(row, Accepted) and row.indicator.indicator_id == "good" for row in rows)


@fuzz("files: JSON Lines", line=drawn(json_like(INDICATOR)))
def test_a_hostile_line_costs_only_itself(folder: Path, line: bytes) -> None:
    inside = line.replace(b"\n", b" ")
    assert _good(_file(folder / "one.jsonl", b'{"a":1}\n' + inside + b"\n" + GOOD_LINE)) == (b'"good"' not in inside)
    _file(folder / "more.ndjson", line)


@fuzz("files: JSON documents", document=drawn(json_like([INDICATOR, GOOD, LINES[0]])), wrapped=st.booleans())
def test_documents_are_read_or_refused(folder: Path, document: bytes, wrapped: bool) -> None:
    _file(folder / "d.json", b'{"meta": [1], "indicators": ' + document + b"}" if wrapped else document)


@fuzz("files: standard input", content=drawn(json_like([INDICATOR, GOOD])), packed=st.booleans())
def test_anything_may_be_piped_in(content: bytes, packed: bool) -> None:
    piped = io.BytesIO(gzip.compress(content, 1) if packed else content)
    try:
        rows = read_indicators(["-"], piped)
    except UnreadableInput:
        return
    _read(rows)


NAMES = ["Series ID", "Indicator Name", "Unit", "Sample Values", "Country"]
CELLS = ('[{"date": "2024", "value": 1}]', "a", "b", "", "1.5")


def table(r: Random) -> bytes:
    """Delimited text with a header that mostly makes sense."""
    delimiter, quote = r.choice(",;\t|"), r.random() < 0.5
    header = mutated(NAMES, r, most=1)
    names = [str(name) for name in header] if isinstance(header, list) else [str(header)]
    rows = [[_any_cell(r) for _ in range(r.randint(0, len(names) + 1))] for _ in range(r.randint(0, 5))]
    written = "\n".join(delimiter.join(_cell(one, quote) for one in row) for row in [names, *rows])
    return damaged(written.encode(r.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16"))), r)


def _any_cell(r: Random) -> str:
    return r.choice((r.choice(CELLS), text(r), str(scalar(r))))


def _cell(content: str, quote: bool) -> str:
    return '"' + content.replace('"', '""') + '"' if quote else content


@fuzz("files: CSV and TSV", content=drawn(table), suffix=st.sampled_from([".csv", ".tsv"]))
def test_tables_are_read_row_by_row(folder: Path, content: bytes, suffix: str) -> None:
    _file(folder / f"t{suffix}", content)


@fuzz("files: CSV and TSV", row=drawn(lambda r: damaged(b'"a","Some name",,\n', r, 4)))
def test_a_hostile_row_of_a_table_costs_only_itself(folder: Path, row: bytes) -> None:
    rows = _file(folder / "r.csv", b"id,name,units,topic\n" + row + b"\ngood,Good,,\n")
    if row.count(b'"') % 2 == 0 and b"\r" not in row and b"good" not in row:
        assert _good(rows) == 1 or any(b"good" in one.raw for one in rows)


@fuzz(
    "files: gzip",
    packed=drawn(lambda r: damaged(gzip.compress(json_like([INDICATOR, GOOD])(r), 1), r)),
    name=st.sampled_from(["g.jsonl.gz", "g.json.gz", "g.csv.gz", "g.tsv.gz"]),
)
def test_packed_files_are_read_as_far_as_they_are_whole(folder: Path, packed: bytes, name: str) -> None:
    _file(folder / name, packed)


def _column(values: list[Any]) -> Any:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return None


TYPED = [
    pa.array([b"\xff", b"b"], pa.binary()),
    pa.array([1, None], pa.timestamp("ns", tz="UTC")),
    pa.array([2**62, -(2**62)], pa.timestamp("us")),
    pa.array([1, 2], pa.timestamp("s", tz="Nowhere/Nothing")),
    pa.array([2**31 - 1, 0], pa.date32()),
    pa.array([1.5, float("nan")], pa.float16()) if hasattr(pa, "float16") else pa.array([1.5, None]),
    pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
    pa.array(["a", "b"]).dictionary_encode(),
    pa.array([10**30, None], pa.decimal128(38, 0)),
    pa.array([1, 2**62], pa.duration("s")),
    pa.array([1, 2], pa.time64("ns")),
    pa.array([None, None], pa.null()),
]


def parquet(r: Random) -> bytes:
    """A Parquet file of odd columns, two rows each."""
    named: dict[str, Any] = {}
    for _ in range(r.randint(0, 4)):
        column = r.choice(TYPED) if r.random() < 0.5 else _column([junk(r), junk(r)])
        if column is not None:
            named[r.choice(("id", "name", "units", "sample_values", text(r)))] = column
    if r.random() < 0.75:
        named = {"indicator_id": pa.array(["a", "good"]), "indicator_name": pa.array(["A", "Good"])} | named
    sink = io.BytesIO()
    try:
        pq.write_table(pa.table(named), sink)
    except (pa.ArrowException, UnicodeEncodeError, ValueError):
        pq.write_table(pa.table({"id": ["a", "b"], "name": ["A", "B"]}), sink)
    return sink.getvalue()


@fuzz("files: Parquet", content=drawn(parquet))
def test_odd_columns_are_read_or_refused(folder: Path, content: bytes) -> None:
    _file(folder / "p.parquet", content)


@fuzz("files: Parquet, damaged", content=drawn(lambda r: damaged(parquet(r), r, 2)))
def test_damaged_parquet_is_refused(folder: Path, content: bytes) -> None:
    _file(folder / "q.parquet", content)


def noise(r: Random) -> bytes:
    return r.randbytes(r.randint(0, 200)) if r.random() < 0.3 else b"".join(many(_hostile, 8)(r))


def _hostile(r: Random) -> bytes:
    return r.choice(HOSTILE_BYTES)


@fuzz("files: noise", content=drawn(noise))
def test_noise_under_any_name(folder: Path, content: bytes) -> None:
    for suffix in (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".jsonl.gz"):
        _file(folder / f"n{suffix}", content)
