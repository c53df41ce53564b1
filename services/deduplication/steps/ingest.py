"""Step 1: records out of rows. Every row becomes a record or is refused with a reason."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.inputs.account_ids import extended, valid_ids
from services.deduplication.inputs.columns import DATE_ORDER, DAY_FIRST, plain
from services.deduplication.inputs.dates import parse_dates
from services.deduplication.inputs.reading import FLAW, ROW
from services.deduplication.names.name import NameReader
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Produced, Tables

AUDIT = pa.schema(
    [("row", pa.int64()), ("account_id", pa.string()), ("account_name", pa.string()), ("reason", pa.string())]
)
"""A row that is in no group, and why."""

ID_COLUMNS = pa.schema([("row", pa.int64()), ("account_id", pa.string())])

LONGEST_NAME = 10_000
"""Of what is longer the next steps would take minutes to find out that it is no name."""

_SOME = "x"
"""A name to read a legal form with."""


def ingest(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Records with long ids, parsed dates and ranks; `spelling` is the name as it is read, `ids` what may repeat."""
    rows = tables["input"].combine_chunks()
    columns = dict(zip(*(tables["mapping"][name].to_pylist() for name in ("canonical", "actual")), strict=True))
    ids = _trimmed(rows, columns.get("account_id"))
    names = _trimmed(rows, columns.get("account_name"))
    reasons = _reasons(rows, ids, names)
    good = pc.is_null(reasons)
    dates = _trimmed(rows, columns.get("created_date")).filter(good)
    days, flaws = parse_dates(dates, day_first=columns.get(DATE_ORDER) == DAY_FIRST)
    records = _records(rows.filter(good), ids.filter(good), days, columns, rules)
    records = records.append_column("slice", pa.array([part.number]).take(pa.array([0] * records.num_rows, pa.int32())))
    audit = pa.table([rows[ROW], ids, names, reasons], schema=AUDIT)
    return {
        "records": records,
        "ids": records.select(ID_COLUMNS.names),
        "refused": audit.filter(pc.invert(good)),
        "date_flaws": flaws,
    }


def _reasons(rows: pa.Table, ids: pa.Array, names: pa.Array) -> pa.Array:
    reasons = pc.if_else(pc.greater(pc.utf8_length(names), LONGEST_NAME), "name_too_long", pa.scalar(None, pa.string()))
    reasons = pc.if_else(valid_ids(ids), reasons, "invalid_account_id")
    reasons = pc.if_else(pc.equal(ids, ""), "missing_account_id", reasons)
    return pc.coalesce(_whole(rows[FLAW]), reasons)


def _records(rows: pa.Table, ids: pa.Array, days: pa.Array, columns: dict[str, str], rules: Rules) -> pa.Table:
    names = _trimmed(rows, columns.get("account_name"))
    relationship = _trimmed(rows, columns.get("relationship"))
    headers = {plain(header): header for header in reversed(rows.column_names)}
    shown = {field: _trimmed(rows, headers.get(plain(field))) for field in rules.preview_fields}
    known = {
        "row": rows[ROW],
        "account_id": extended(ids),
        "account_id_src": ids,
        "name_raw": names,
        "spelling": _spelling(names, _trimmed(rows, columns.get("suffix_class")), NameReader(rules.names)),
        "created_date": days,
        "relationship": relationship,
        "relationship_rank": _ranks(relationship, rules),
        "source": _trimmed(rows, columns.get("source")),
        "parent_account_id": _trimmed(rows, columns.get("parent_account_id")),
    }
    return pa.table({**known, **shown, **known})  # what a column is known as comes before what it is headed


def _spelling(names: pa.Array, suffixes: pa.Array, reader: NameReader) -> pa.Array:
    """Names with white space collapsed, their case kept; a legal form of a column of its own comes behind the others.

    What else such a column holds, as unknown or N/A, is no part of a name.
    """
    collapsed = pc.replace_substring_regex(names, r"\s+", " ")
    given = pc.is_in(suffixes, _where(lambda suffix: _is_form(suffix, reader), suffixes))
    said = pc.is_in(collapsed, _where(lambda name: reader.read(name).has_suffix, collapsed.filter(given)))
    behind = pc.if_else(pc.and_not(given, said), suffixes, "")
    return pc.utf8_trim_whitespace(pc.binary_join_element_wise(collapsed, behind, " "))


def _where(holds: Callable[[str], bool], texts: pa.Array) -> pa.Array:
    """The texts of which this holds; each is looked at once."""
    return pa.array(filter(holds, pc.unique(texts).to_pylist()), pa.string())


def _is_form(text: str, reader: NameReader) -> bool:
    """Whether a text is a legal form, or several: Inc., Pty Ltd."""
    reading = reader.read(f"{_SOME} {text}")
    return reading.has_suffix and (reading.core == _SOME or _is_form(reading.core.removeprefix(f"{_SOME} "), reader))


def _ranks(relationships: pa.Array, rules: Rules) -> pa.Array:
    """Ranks of relationships, whose case and spaces do not matter."""
    known = {_plain(relationship): rank for relationship, rank in rules.relationship_ranks.items()}
    encoded = relationships.dictionary_encode()
    ranks = [known.get(_plain(one), rules.other_rank) for one in encoded.dictionary.to_pylist()]
    return pa.array(ranks, pa.int16()).take(encoded.indices)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _trimmed(rows: pa.Table, column: str | None) -> pa.Array:
    """A column without white space around its values; what is missing is empty."""
    if column not in rows.column_names:
        return pa.array([""]).take(pa.array([0] * rows.num_rows, pa.int32()))
    return pc.utf8_trim_whitespace(pc.fill_null(_whole(rows[column]), ""))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
