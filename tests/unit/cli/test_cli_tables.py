"""CSV, TSV and Parquet: columns are found by many names, and rows fail alone."""

import gzip
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.cli.inputs import UnreadableInput, count_rows, read_indicators
from services.cli.inputs.columnar import BATCH_ROWS
from services.cli.inputs.headers import match
from services.cli.inputs.rows import MAX_ROW_BYTES

TextFile = Callable[[str, str | bytes], Path]


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


# --- headers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "keys"),
    [
        (["Indicator ID", "Indicator Name", "Unit", "Definition"], ("indicator_id", "name", "units", "description")),
        (["CODE", "Title", "unit-of-measure", "Freq."], ("indicator_id", "name", "units", "periodicity")),
        (["id", "indicator_id", "name"], ("id", "indicator_id", "name")),
        (["series", "Series Name", "Series Code"], ("series", "name", "indicator_id")),
        (["id", "name", "", "Region", "Region"], ("indicator_id", "name", "column_3", "Region", "Region_5")),
        (["Título", "№"], ("Título", "№")),
    ],
)
def test_headers_are_matched_whatever_their_spelling(headers: list[str], keys: tuple[str, ...]) -> None:
    assert match(headers).keys == keys


# --- CSV --------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv"])
def test_the_delimiter_is_found(read: Any, text_file: TextFile, delimiter: str, name: str) -> None:
    lines = [["Indicator ID", "Indicator Name", "Unit", "Region"], ["007", "GDP", "EUR/h", "Europe"], ["8", "CPI"]]
    accepted, rejected = read(text_file(name, "\r\n".join(delimiter.join(line) for line in lines)))
    first = accepted[0].indicator
    assert (first.indicator_id, first.units, first.model_extra) == ("007", "EUR/h", {"Region": "Europe"})
    assert ([row.row_number for row in accepted], rejected) == ([2, 3], [])
    assert json.loads(accepted[1].raw) == {"indicator_id": "8", "name": "CPI"}


def test_cells_hold_line_ends_delimiters_and_sample_values(read: Any, text_file: TextFile) -> None:
    samples = json.dumps([{"date": "last10YearsAvg", "value": 1}, {"date": "2020", "value": None}])
    cell = samples.replace('"', '""')
    path = text_file(
        "rows.csv", f'id,name,definition,sample_values\nA,"GDP, real","two\nlines","{cell}"\n\n,,,\nB,CPI,,\n'
    )
    accepted, _ = read(path)
    indicator = accepted[0].indicator
    assert (indicator.name, indicator.description, len(indicator.sample_values)) == ("GDP, real", "two\nlines", 2)
    assert [row.row_number for row in accepted] == [2, 5]


BAD_CELLS = [
    (b",CPI,,", "indicator_id is missing"),
    (b"B,,,", "name is missing"),
    (b"A,again,,", 'indicator_id "A" was already used by row 2'),
    (b"B,Caf\xe9,,", "the row is not UTF-8 text"),
    (b"B,a,b,[],e", "the row has 5 cells, the header 4"),
    (b"B,CPI,,12 13", "sample_values is not valid JSON (trailing characters at line 1 column 4)"),
    (b'B,CPI,,"[{""date"": ""2020"", ""value"": ""x""}]"', 'the value of sample 1 is the text "x", not a number'),
    (b"B,CPI,,[\xff]", "the row is not UTF-8 text"),
    (b"B,CPI,,[NaN]", "the value of sample 1 is NaN, not a number"),
    (b"B,CPI,,[" + b"9" * 5_000 + b"]", "sample_values is not valid JSON (number out of range"),
    (b'B,"C"PI,,', "the cells of the row cannot be told apart"),
    (b'B,"CPI,,', "the cells of the row cannot be told apart"),
    (b"B,CPI,\0,", "the row holds the character U+0000"),
    (b"B," + b"x" * 1_001 + b",,", "name is too long (1,001 characters, limit 1,000)"),
    (b"B,CPI," + b"x" * MAX_ROW_BYTES + b",", "the row is longer than 524,288 bytes"),
    (b"B,CPI," + b"x," * MAX_ROW_BYTES, "the row is longer than 524,288 bytes"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_CELLS, ids=range(len(BAD_CELLS)))
def test_a_bad_record_costs_only_itself(read: Any, text_file: TextFile, line: bytes, reason: str) -> None:
    path = text_file("rows.csv", b"id,name,units,sample_values\nA,GDP,,\n" + line + b"\nC,Exports,,\n")
    accepted, rejected = read(path)
    assert [row.indicator.indicator_id for row in accepted] == ["A", "C"]
    assert [(row.row_number, row.reason.startswith(reason)) for row in rejected] == [(3, True)], rejected


def test_an_unclosed_quote_does_not_swallow_the_rows_below(read: Any, text_file: TextFile) -> None:
    below = "".join(f"{number},Series\n" for number in range(500))
    accepted, rejected = read(text_file("rows.csv", f'id,name\nX,"open\n{below}'))
    assert (len(accepted), [row.raw for row in rejected]) == (500, [b'X,"open'])


def test_quotes_that_are_never_closed_cost_no_more_than_their_rows(read: Any, text_file: TextFile) -> None:
    count = 20_000  # read from each row on to the end of the file, these would take minutes
    path = text_file("rows.csv", "id,name\n" + 'x","\n' * count + "A,GDP\n")
    accepted, rejected = read(path)
    assert [row.indicator.indicator_id for row in accepted] == ["A"]
    assert len(rejected) == count


def test_cells_of_many_lines_are_read_after_unclosed_quotes(read: Any, text_file: TextFile) -> None:
    cell = "a line of a long definition\n" * 500
    path = text_file("rows.csv", f'id,name,definition\nX,"open\nA,GDP,"{cell}"\n')
    accepted, rejected = read(path)
    assert ([row.indicator.description for row in accepted], len(rejected)) == ([cell.strip()], 1)


def test_headers_that_name_no_id_or_name_are_listed(text_file: TextFile) -> None:
    with pytest.raises(UnreadableInput) as refusal:
        read_indicators([str(text_file("rows.csv", "Ident;Name;Unit\n1;GDP;%\n"))])
    assert refusal.value.reason == "no column for indicator_id; seen: 'Ident', 'Name', 'Unit'"
    assert refusal.value.remedy.startswith("expected: indicator_id (or indicator code, ")


def test_a_header_in_another_encoding_is_unreadable(text_file: TextFile) -> None:
    with pytest.raises(UnreadableInput, match="header is not UTF-8"):
        read_indicators([str(text_file("rows.csv", "id,name,größe\n".encode("latin-1")))])


def test_packed_csv_with_byte_order_mark(read: Any, text_file: TextFile) -> None:
    path = text_file("rows.CSV.gz", gzip.compress(b"\xef\xbb\xbf\nid,name\nA,GDP\n"))
    assert len(read(path)[0]) == 1


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=80) | st.text(alphabet='",;\n\rab', max_size=80).map(str.encode))
def test_any_bytes_below_a_header_are_rows(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(b"id,name\nfirst-one,GDP\n" + content + b"\nlast-one,CPI\n")
    rows = list(read_indicators([str(path)]))
    assert rows[0].raw == b'{"indicator_id": "first-one", "name": "GDP"}'
    assert all(isinstance(row.raw, bytes) for row in rows)


# --- Parquet ----------------------------------------------------------------------------------


def test_parquet_columns_become_fields(tmp_path: Path, read: Any) -> None:
    samples = [[{"date": date(2020, 1, 31), "value": 1.5}, {"date": None, "value": None}], None]
    path = parquet(
        tmp_path / "rows.parquet",
        Code=[17, 18],
        Title=["GDP", "CPI"],
        weight=[Decimal("1.5"), None],
        gap=[float("nan"), 2.0],
        sample_values=samples,
    )
    accepted, rejected = read(path)
    assert rejected == []
    assert json.loads(accepted[0].raw) == {
        "indicator_id": "17",
        "name": "GDP",
        "weight": 1.5,
        "sample_values": [{"date": "2020-01-31", "value": 1.5}, {"date": "", "value": None}],
    }
    assert json.loads(accepted[1].raw) == {"indicator_id": "18", "name": "CPI", "gap": 2.0}


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        ({"sample_values": [[1.0, 2.0]]}, [1.0, 2.0]),
        ({"sample_values": ['[{"date": "2020", "value": 1}]']}, [{"date": "2020", "value": 1}]),
        ({"sample_values": [[{"date": 2020, "value": 1}]]}, [{"date": "2020", "value": 1}]),
    ],
)
def test_sample_values_in_several_shapes(tmp_path: Path, read: Any, columns: dict[str, Any], value: Any) -> None:
    accepted, _ = read(parquet(tmp_path / "rows.parquet", id=["A"], name=["GDP"], **columns))
    assert json.loads(accepted[0].raw)["sample_values"] == value


def test_bad_parquet_rows_cost_only_themselves(tmp_path: Path, read: Any) -> None:
    broken = pa.StringArray.from_buffers(
        4, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0"), pa.py_buffer(b"a\xffcd")
    )
    path = parquet(
        tmp_path / "rows.parquet",
        id=pa.array([1.0, 2.0, None, 4.0]),
        name=broken,
        sample_values=pa.array([[1.0], [1.0], [1.0], [float("nan")]]),
    )
    accepted, rejected = read(path)
    assert [row.indicator.indicator_id for row in accepted] == ["1"]
    assert [(row.row_number, row.reason.split(" (")[0]) for row in rejected] == [
        (2, "a value cannot be read"),
        (3, "indicator_id is missing"),
        (4, "the value of sample 1 is NaN, not a number"),
    ]


def test_sample_values_that_are_no_json(tmp_path: Path, read: Any) -> None:
    _, rejected = read(parquet(tmp_path / "rows.parquet", id=["A"], name=["GDP"], sample_values=["1;2"]))
    assert rejected[0].reason.startswith("sample_values is not valid JSON")


def test_many_batches_are_numbered_through(tmp_path: Path, read: Any) -> None:
    count = BATCH_ROWS + 5
    path = parquet(tmp_path / "rows.parquet", id=[str(number) for number in range(count)], name=["GDP"] * count)
    assert read(path)[0][-1].row_number == count == count_rows(str(path))


def test_a_cut_parquet_file_is_unreadable(tmp_path: Path) -> None:
    path = parquet(tmp_path / "rows.parquet", id=["A"], name=["GDP"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableInput, match="no whole Parquet file"):
        read_indicators([str(path)])
    assert count_rows(str(path)) is None


def test_a_parquet_file_damaged_inside_is_unreadable(tmp_path: Path) -> None:
    path = parquet(tmp_path / "rows.parquet", id=[str(number) for number in range(5_000)], name=["GDP"] * 5_000)
    content = bytearray(path.read_bytes())
    content[4:2_000] = b"\xff" * 1_996
    path.write_bytes(content)
    with pytest.raises(UnreadableInput, match="damaged behind row 0"):
        list(read_indicators([str(path)]))


def test_a_parquet_file_with_column_names_that_are_no_text_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": ["a"], "name": ["A"], "unitses": ["x"]}), path)
    path.write_bytes(path.read_bytes().replace(b"unitses", b"units\xff\xff"))
    with pytest.raises(UnreadableInput, match="no whole Parquet file"):
        read_indicators([str(path)])


def test_a_parquet_file_without_the_columns_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="no column for indicator_id or name; seen: 'x'"):
        read_indicators([str(parquet(tmp_path / "rows.parquet", x=[1]))])
