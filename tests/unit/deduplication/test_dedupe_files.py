"""Reading files, mapping their columns, and accounting for each of their rows."""

import csv
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deduplication.inputs.columns import Template, map_columns
from services.deduplication.inputs.reading import FLAW, ROW, UNCLOSED, read_table, slices, unique_headers
from services.deduplication.rules import Rules
from services.deduplication.steps.ingest import ingest
from services.deduplication.work import Part
from shared.errors import UsageError
from tests.companies import account_id
from tests.unit.deduplication.runs import REPEATABLY

LINES = [
    ["Account ID", "Name", "Created\nDate"],
    ["001A0000006Vm9r", "Café, Müller", "2024-01-02"],
    ["2", 'A "B"\nC', ""],
]
HEADERS_ROW = (
    '<row><c t="inlineStr"><is><t>Id</t></is></c><c t="inlineStr"><is><t>Company</t></is></c></row>'
    '<row><c t="inlineStr"><is><t>a</t></is></c><c><v>44000</v></c></row>'
)
ROWS = f"{HEADERS_ROW}<row></row><row><c><v>1.5</v></c></row>"
TITLE = '<row><c t="inlineStr"><is><t>Accounts of 2024</t></is></c></row>'


def written(lines: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(lines)
    return text.getvalue()


def workbook(*sheets: str, hidden: int | None = None) -> bytes:
    """The smallest workbook of sheets with these rows, named s0, s1 and so on."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    documents = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    states = ["visible" if place != hidden else "hidden" for place in range(len(sheets))]
    listed = "".join(
        f'<sheet name="s{n}" sheetId="{n + 1}" state="{how}" r:id="r{n}"/>' for n, how in enumerate(states)
    )
    related = "".join(
        f'<Relationship Id="r{n}" Type="{documents}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(len(sheets))
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{packages}/relationships"><Relationship Id="r1" '
        f'Type="{documents}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{documents}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packages}/relationships">{related}</Relationships>',
    }
    for n, rows in enumerate(sheets):
        files[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_files_in_any_usual_encoding_and_with_any_usual_delimiter(encoding: str, delimiter: str) -> None:
    table = read_table(written(LINES, delimiter).encode(encoding), "x.csv")
    assert table.column_names == [ROW, FLAW, "Account ID", "Name", "Created\nDate"]
    assert table["Name"].to_pylist() == ["Café, Müller", 'A "B"\nC']
    assert table[ROW].to_pylist() == [0, 1]


def test_rows_of_other_lengths_are_kept_and_those_too_long_are_flawed() -> None:
    lines = [["a", "b"], ["1"], ["1", "2", ""], ["1", "2", "3"]]
    table = read_table(written(lines).encode(), "x.csv")
    assert table.to_pylist() == [
        {ROW: 0, FLAW: None, "a": "1", "b": None},
        {ROW: 1, FLAW: None, "a": "1", "b": "2"},
        {ROW: 2, FLAW: "3_cells_for_2_columns", "a": "1", "b": "2"},
    ]


@pytest.mark.parametrize("name", ["B", '"B"'])
def test_a_quote_that_is_not_closed_takes_no_other_row(name: str) -> None:
    lines = ["a,b,c", "1,A,x", '2,"Acme,x', f"3,{name},x", f'4,"C\nD",{name}', ""]
    table = read_table("\n".join(lines).encode(), "x.csv")
    assert table["a"].to_pylist() == ["1", "2", "3", "4"]
    assert table["b"].to_pylist()[2:] == ["B", "C\nD"]
    assert table[FLAW].to_pylist() == [None, UNCLOSED, None, None]


def test_quotes_within_a_cell_are_read_as_they_may_be_meant() -> None:
    table = read_table(b'a,b\n1,"Acme "Bolt" Inc"\n2,"C\nD"\n', "x.csv")
    assert table.select(["b", FLAW]).to_pylist() == [{"b": 'Acme Bolt" Inc"', FLAW: None}, {"b": "C\nD", FLAW: None}]


def test_neither_cells_nor_headers_are_too_long() -> None:
    cell, headers = "x" * 3_000_000, [f"column number {place:05}" for place in range(5_000)]
    assert read_table(f"a,b\n1,{cell}\n2\n".encode(), "x.csv")["b"].to_pylist() == [cell, None]
    table = read_table(written([headers, headers]).encode(), "x.csv")
    assert (table.column_names[2:], table[FLAW].to_pylist()) == (headers, [None])


def test_one_line_of_another_encoding_spoils_no_other_and_blank_lines_come_before_headers() -> None:
    lines = [b"", b"a,b", b"1,M\xfcller", "2,Müller".encode()]
    assert read_table(b"\r\n".join(lines), "x.csv")["b"].to_pylist() == ["Müller", "Müller"]


def test_sheets_of_excel_are_read_as_their_export_would_be() -> None:
    table = read_table(workbook(ROWS), "x.xlsx")
    assert table.drop_columns([ROW, FLAW]).to_pylist() == [
        {"Id": "a", "Company": "44000"},
        {"Id": "1.5", "Company": None},
    ]


@pytest.mark.parametrize(
    ("book", "sheet"),
    [
        (workbook("", TITLE + HEADERS_ROW), None),
        (workbook(TITLE, HEADERS_ROW), None),
        (workbook(ROWS, HEADERS_ROW, hidden=0), None),
        (workbook(ROWS, HEADERS_ROW), "s1"),
    ],
)
def test_the_sheet_with_rows_is_read_from_its_headers_on(book: bytes, sheet: str | None) -> None:
    table = read_table(book, "x.xlsx", sheet)
    assert table.drop_columns([ROW, FLAW]).to_pylist() == [{"Id": "a", "Company": "44000"}]


@pytest.mark.parametrize(
    ("book", "sheet", "told"),
    [
        (workbook(ROWS, "", ROWS), None, r"x\.xlsx has rows in several sheets: s0, s2\n.*--sheet"),
        (workbook(ROWS), "Accounts", r"x\.xlsx has no sheet 'Accounts'\nits sheets: s0"),
        (workbook(ROWS, hidden=0), None, "no sheet that can be seen"),
        (b"no workbook", None, r"x\.xlsx is no readable Excel file: .*\n.*as CSV"),
    ],
)
def test_no_sheet_is_left_out_in_silence(book: bytes, sheet: str | None, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_table(book, "x.xlsx", sheet)


def test_a_file_without_sheets_has_none_of_a_name() -> None:
    with pytest.raises(UsageError, match="leave out --sheet"):
        read_table(b"a,b\n1,2\n", "x.csv", "s0")


@pytest.mark.parametrize(
    "data",
    [
        b"sep=;\r\na;b\r\n1;x,y,z\r\n",
        b'a;"b, c, d"\n1;"x,y,z"\n',
        "a;b\n1;x,y,z\n".encode("utf-16-le"),
        "a;b\n1;x,y,z\n".encode("utf-16-be"),
        b"a\0;b\n1;x,y,z\n",
    ],
)
def test_delimiters_and_encodings_that_only_the_content_tells(data: bytes) -> None:
    table = read_table(data, "x.csv").drop_columns([ROW, FLAW])
    assert table.column_names[0] == "a"
    assert [list(row.values()) for row in table.to_pylist()] == [["1", "x,y,z"]]


def test_what_is_no_file_is_said_to_be_none() -> None:
    with pytest.raises(UsageError, match="no rows"):
        read_table(b"a,b\n", "x.csv")


@REPEATABLY
@given(
    st.one_of(st.binary(), st.text("ab,;\n\r\"' \t|é\0", max_size=40).map(str.encode)),
    st.sampled_from(["x.csv", "x.xlsx", "x.xls"]),
)
def test_any_bytes_are_a_table_or_refused(data: bytes, file_name: str) -> None:
    try:
        table = read_table(data, file_name)
    except UsageError:
        return
    assert table.num_rows > 0
    assert len(set(table.column_names)) == table.num_columns


@REPEATABLY
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=5), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_cells_are_read_as_they_were_written(rows: list[list[str]]) -> None:
    table = read_table(written([["a", "b", "c"], *rows]).encode(), "x.csv")
    assert [[cell or "" for cell in row.values()] for row in table.drop_columns([ROW, FLAW]).to_pylist()] == rows


def test_headers_that_repeat_are_told_apart() -> None:
    assert unique_headers(["a", "", "a", "row"]) == ["a", "column 2", "a (2)", "row (2)"]
    many = unique_headers(["a"] * 20_000)
    assert (many[-1], len(set(many))) == ("a (20000)", 20_000)


def test_slices_hold_every_row_once() -> None:
    table = pa.table({ROW: range(7)})
    assert [part[ROW].to_pylist() for part in slices(table, 3)] == [[0, 1, 2], [3, 4, 5], [6]]


def mapping(headers: Sequence[str], *values: str, **how: object) -> dict[str, str]:
    sample = pa.table({header: [value] for header, value in zip(headers, values or headers, strict=True)})
    rows = map_columns(sample, **how).to_pylist()  # type: ignore[arg-type]  # how is one of its options
    return {row["canonical"]: row["actual"] for row in rows}


def test_columns_by_known_headers() -> None:
    found = mapping(["EXTERNAL ID", "Customer_Name", "created on", "Relationship", "Suffix", "Notes"])
    assert found == {
        "account_id": "EXTERNAL ID",
        "account_name": "Customer_Name",
        "created_date": "created on",
        "relationship": "Relationship",
        "suffix_class": "Suffix",
    }


def test_columns_by_override_then_template_then_synonym() -> None:
    headers = ["Id", "Name", "Legal", "Trading", "Created Date"]
    template = Template(file_name=r"^export_\d+", aliases={"account_name": ("Legal",)})
    assert mapping(headers)["account_name"] == "Name"
    assert mapping(headers, file_name="export_7.csv", templates=[template])["account_name"] == "Legal"
    assert mapping(headers, file_name="other.csv", templates=[template])["account_name"] == "Name"
    overrides = {"account_name": "Trading"}
    assert (
        mapping(headers, file_name="export_7.csv", templates=[template], overrides=overrides)["account_name"]
        == "Trading"
    )


def test_columns_by_what_they_hold() -> None:
    found = mapping(["key", "Companyname", "day"], account_id(1), "Zentrix", "2024-01-02")
    assert found == {"account_id": "key", "created_date": "day", "account_name": "Companyname"}


def test_columns_that_a_file_gets_are_none_of_its_own() -> None:
    lines = [["Key", "Companyname", "Since"], *([account_id(place), "Zentrix", "2024-01-02"] for place in range(2))]
    table = read_table(written(lines).encode(), "x.csv")
    found = map_columns(table)
    assert found["actual"].to_pylist() == ["Key", "Since", "Companyname"]
    with pytest.raises(UsageError, match="no column 'row'"):
        map_columns(table, overrides={"account_name": ROW})


@pytest.mark.parametrize("overrides", [{"account_name": "Nothing"}, {"colour": "Id"}])
def test_overrides_that_cannot_be_are_refused(overrides: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        mapping(["Id", "Name", "Created Date"], overrides=overrides)


def test_a_column_that_a_file_lacks_is_named_with_what_would_do() -> None:
    read = read_table(b"Id,Name\nx,Zentrix\ny,Lorvane\n", "accounts.csv")
    told = r"accounts.csv has no column for created_date among Id, Name\n.*Created Date, .*--map created_date=HEADER"
    with pytest.raises(UsageError, match=told):
        map_columns(read, "accounts.csv")
    with pytest.raises(UsageError, match=r"no column 'Since'\nits columns: Id, Name"):
        map_columns(read, "accounts.csv", {"created_date": "Since"})


def test_a_header_is_named_in_any_case() -> None:
    headers = ["Id", "Name", "Legal Name", "Created Date"]
    assert mapping(headers, overrides={"account_name": "legal_name"})["account_name"] == "Legal Name"


def test_every_row_is_a_record_or_refused_with_a_reason() -> None:
    lines = [
        ["Id", "Name", "Created Date", "Suffix", "Relationship", "main address"],
        [account_id(1), " Zentrix  Foods ", "1/2/2024", "LLC", "company name  on W-2", "1 Main St"],
        ["short", "Bad", "", "", "", ""],
        ["", "Missing", "", "NONE", "", ""],
        [account_id(2), "Long", "", "", "", "", "too much"],
        [account_id(3), "x" * 10_001, "", "", "", ""],
    ]
    table = read_table(written(lines).encode(), "x.csv")
    made: dict[str, Any] = dict(
        ingest({"input": table, "mapping": map_columns(table.drop_columns([ROW, FLAW]))}, Part(0, 1, 1), Rules())
    )
    records, refused = made["records"], made["refused"]
    assert records["Main Address"].to_pylist() == ["1 Main St"]
    assert records.select(["spelling", "relationship_rank", "account_id_src"]).to_pylist() == [
        {"spelling": "Zentrix Foods LLC", "relationship_rank": 10, "account_id_src": account_id(1)}
    ]
    assert dict(zip(refused["row"].to_pylist(), refused["reason"].to_pylist(), strict=True)) == {
        1: "invalid_account_id",
        2: "missing_account_id",
        3: "7_cells_for_6_columns",
        4: "name_too_long",
    }


def test_a_legal_form_of_a_column_of_its_own_comes_behind_a_name_that_says_none() -> None:
    given = {
        "Acme Widgets Inc": ("INC", "Acme Widgets Inc"),
        "Acme Widgets": ("L.L.C.", "Acme Widgets L.L.C."),
        "Acme Inc (formerly Bolt)": ("INC", "Acme Inc (formerly Bolt)"),
        "Zentrix": ("Pty Ltd", "Zentrix Pty Ltd"),
        "Lorvane": ("Unknown", "Lorvane"),
        "Kamoto": ("N/A", "Kamoto"),
        "Bristane": ("unknown inc", "Bristane"),
    }
    rows = [[account_id(place), name, "", form] for place, (name, (form, _)) in enumerate(given.items())]
    table = read_table(written([["Id", "Name", "Created Date", "Suffix"], *rows]).encode(), "x.csv")
    made: dict[str, Any] = dict(ingest({"input": table, "mapping": map_columns(table)}, Part(0, 1, 1), Rules()))
    assert made["records"]["spelling"].to_pylist() == [spelling for _, spelling in given.values()]
