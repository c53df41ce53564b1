"""Inputs as a whole: several at once, standard input, and those that cannot be read at all."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.cli.inputs import Accepted, UnreadableInput, count_rows, read_indicators
from services.cli.inputs.sources import PEEK

TextFile = Callable[[str, str | bytes], Path]
LINE = '{"indicator_id": "A", "name": "GDP"}\n'
OTHER = '{"indicator_id": "B", "name": "CPI"}\n'


def refused(*names: Path | str, stdin: bytes = b"") -> UnreadableInput:
    with pytest.raises(UnreadableInput) as refusal:
        list(read_indicators([str(name) for name in names], io.BytesIO(stdin)))
    return refusal.value


def test_several_inputs_in_the_order_given(read: Any, text_file: TextFile) -> None:
    paths = [text_file("b.csv", "id,name\nB,CPI\n"), text_file("a.jsonl", LINE), text_file("c.json", "[]")]
    accepted, _ = read(*paths)
    assert [(row.source, row.row_number) for row in accepted] == [(str(paths[0]), 2), (str(paths[1]), 1)]


def test_all_inputs_are_looked_into_before_the_first_row(text_file: TextFile) -> None:
    with pytest.raises(UnreadableInput, match="no such file"):
        read_indicators([str(text_file("a.jsonl", LINE)), "missing.csv"])


@pytest.mark.parametrize(
    "content",
    [
        LINE + OTHER,
        f"\ufeff{LINE}{OTHER}",
        f"[{LINE},{OTHER}]",
        f'{{\n "indicators": [{LINE},{OTHER}]}}',
        "id;name\nA;GDP\nB;CPI\n",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_recognised(content: str, packed: bool) -> None:
    data = gzip.compress(content.encode()) if packed else content.encode()
    rows = list(read_indicators(["-"], io.BytesIO(data)))
    assert [row.indicator.indicator_id for row in rows if isinstance(row, Accepted)] == ["A", "B"]
    assert {row.source for row in rows} == {"standard input"}


def test_standard_input_is_read_past_the_first_look() -> None:
    lines = [json.dumps({"indicator_id": str(number), "name": "GDP"}) for number in range(PEEK)]
    assert len(list(read_indicators(["-"], io.BytesIO("\n".join(lines).encode())))) == PEEK


@pytest.mark.parametrize(
    ("stdin", "reason"),
    [
        (b"", "nothing came in"),
        (b"PAR1....", "Parquet cannot be read from a pipe"),
        (b"GDP\n", "no column for indicator_id or name; seen: 'GDP'"),
        (gzip.compress(LINE.encode(), mtime=0)[:-12], "the compressed data is damaged"),
    ],
)
def test_standard_input_that_cannot_be_read(stdin: bytes, reason: str) -> None:
    assert refused("-", stdin=stdin).reason.startswith(reason)


def test_standard_input_can_be_named_once() -> None:
    assert refused("-", "-").reason == "it is named twice"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.jsonl", b"", "the file is empty"),
        ("blank.jsonl", b" \n\n", "the file is empty"),
        ("bom.csv", b"\xef\xbb\xbf", "no column for"),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), "the file is empty"),
        ("wide.csv", "id,name\n".encode("utf-16"), "the text is UTF-16"),
        ("rows.xlsx", b"PK", "unknown suffix '.xlsx'"),
        ("rows.parquet.gz", b"x", "unknown suffix '.parquet.gz'"),
        ("rows", b"x", "it has no suffix"),
        ("rows.gz", b"x", "unknown suffix '.gz'"),
        ("plain.jsonl.gz", LINE.encode(), "the compressed data is damaged"),
        ("rows.parquet", LINE.encode(), "this is no whole Parquet file"),
    ],
)
def test_files_that_cannot_be_read(text_file: TextFile, name: str, content: bytes, reason: str) -> None:
    refusal = refused(text_file(name, content))
    assert refusal.reason.startswith(reason)
    assert refusal.remedy
    assert refusal.path.endswith(name)


def test_missing_files_and_directories(tmp_path: Path) -> None:
    assert refused(tmp_path / "no.csv").reason == "there is no such file"
    assert refused(tmp_path).reason == "this is a directory"
    assert refused("a\0b.csv").reason == "there is no such file"


def test_a_cut_gzip_file_yields_what_is_whole(text_file: TextFile) -> None:
    lines = "".join(f'{{"indicator_id": "{number}", "name": "{number * 7919}"}}\n' for number in range(50_000))
    path = text_file("rows.jsonl.gz", gzip.compress(lines.encode())[:-1_000])
    rows = read_indicators([str(path)])
    seen = 0
    with pytest.raises(UnreadableInput, match="compressed data is damaged"):
        for _ in rows:
            seen += 1
    assert seen > 1_000
    assert count_rows(str(path)) is None


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("a.jsonl", LINE + OTHER, 2),
        ("a.ndjson", (LINE + OTHER).rstrip(), 2),
        ("a.csv", "id,name\nA,GDP\n", 1),
        ("a.json", "[]", None),
        ("a.txt", "x", None),
    ],
)
def test_counting(text_file: TextFile, name: str, content: str, count: int | None) -> None:
    assert count_rows(str(text_file(name, content))) == count
    assert count_rows("-") is None
