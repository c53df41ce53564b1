"""Step 2: what each distinct spelling says. Its legal form, its words, the other names in it, and whether it is one."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.names.judging import NameJudge
from services.deduplication.names.name import NameReader, Reading
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Produced, Tables

SEPARATOR = "\x1f"
"""Between form, legal form and marks in the key of a name."""

ORIGINS = pa.schema([("key", pa.string()), ("source", pa.string()), ("row", pa.int64())])

_OF_FORM = {"records": "sum", "name_core": "min", "numbers": "min"}

_FLAGS = ("has_parentheses", "has_semicolon", "has_multiple_names")
_ALIAS_COLUMNS = ("spelling", "key", "alias", "source", "alias_core", "alias_form", "alias_suffix_class")


def normalize(tables: Tables, part: Part, rules: Rules) -> Produced:
    """The readings of distinct spellings, the forms to compare, and the aliases in them."""
    counted = pc.value_counts(tables["records"]["spelling"])
    spellings = counted.field("values").to_pylist()
    reader = NameReader(rules.names, marks=rules.scoring.punctuation_penalty > 0)
    readings = [reader.read(spelling) for spelling in spellings]
    table = spelling_table(spellings, readings, rules)
    return {
        "spellings": table,
        "forms": forms(table.append_column("records", counted.field("counts")).filter(pc.is_null(table["noise"]))),
        "aliases": _alias_table(spellings, readings, reader),
        "origins": _origins(tables["records"], table),
    }


def _origins(records: pa.Table, spellings: pa.Table) -> pa.Table:
    """The sources that each name is in, as far as they are known, and the first row that says so."""
    place = pc.index_in(records["spelling"], spellings["spelling"].combine_chunks())
    found = pa.table({"key": spellings["key"].take(place), "source": records["source"], "row": records["row"]})
    return first_rows(found.filter(pc.not_equal(found["source"], "")))


def first_rows(origins: pa.Table) -> pa.Table:
    """For each name in each source the first of the rows."""
    found = origins.group_by(["key", "source"], use_threads=False).aggregate([("row", "min")])
    return found.rename_columns({"row_min": "row"})


def name_key(reading: Reading) -> str:
    """Equal for spellings of the same name."""
    return f"{reading.form}{SEPARATOR}{reading.suffix_class}{SEPARATOR}{reading.marks}"


def forms(table: pa.Table) -> pa.Table:
    """Keys of names, each with every way that it is written and the number of records that write it so."""
    found = table.group_by(["key", "joined"], use_threads=False).aggregate(list(_OF_FORM.items()))
    return found.rename_columns({f"{column}_{how}": column for column, how in _OF_FORM.items()})


def usual_names(found: pa.Table) -> pa.Table:
    """Names in order of their keys, written as most records write them."""
    ranked = forms(found).sort_by([("key", "ascending"), ("records", "descending"), ("joined", "ascending")])
    keys = pc.dictionary_encode(ranked["key"].combine_chunks()).indices
    firsts = np.append(True, np.diff(np.asarray(keys)) != 0)[: len(keys)]
    return ranked.filter(pa.array(firsts)).drop_columns(["records"])


def spelling_table(spellings: Sequence[str], readings: Sequence[Reading], rules: Rules) -> pa.Table:
    """One row a spelling."""
    judge = NameJudge(rules)
    text, texts, flag = pa.string(), pa.list_(pa.string()), pa.bool_()
    columns = zip(*readings, strict=True) if readings else [()] * len(Reading._fields)
    read = dict(zip(Reading._fields, columns, strict=True))
    placeholders = [rules.sets_apart and judge.placeholder(reading) for reading in readings]
    blacklisted = [judge.blacklisted(spelling, reading) for spelling, reading in zip(spellings, readings, strict=True)]
    return pa.table(
        {
            "spelling": pa.array(spellings, text),
            "key": pa.array([name_key(reading) for reading in readings], text),
            "name_base": pa.array(read["base"], text),
            "name_core": pa.array(read["core"], text),
            **{name: pa.array(read[name], text) for name in ("joined", "numbers", "suffix_class")},
            **{name: pa.array(read[name], flag) for name in _FLAGS},
            "alias_candidates": pa.array([[alias.text for alias in aliases] for aliases in read["aliases"]], texts),
            "alias_sources": pa.array([[alias.source for alias in aliases] for aliases in read["aliases"]], texts),
            "noise": pa.array([judge.noise(reading) for reading in readings], text),
            "placeholder": pa.array(placeholders, flag),
            "blacklisted": pa.array(blacklisted, flag),
            "suspicious": pa.array([judge.suspicious(reading) for reading in readings], flag),
        }
    )


def _alias_table(spellings: Sequence[str], readings: Sequence[Reading], reader: NameReader) -> pa.Table:
    """One row an alias that says something, with the reading of it; without a legal form it has that of its name."""
    rows = []
    for spelling, reading in zip(spellings, readings, strict=True):
        for alias in reading.aliases:
            read = reader.read(alias.text)
            suffix_class = read.suffix_class if read.has_suffix else reading.suffix_class
            if read.form:
                rows.append((spelling, name_key(reading), alias.text, alias.source, read.core, read.form, suffix_class))
    columns = zip(*rows, strict=True) if rows else [[]] * len(_ALIAS_COLUMNS)
    return pa.table([pa.array(column, pa.string()) for column in columns], names=list(_ALIAS_COLUMNS))
