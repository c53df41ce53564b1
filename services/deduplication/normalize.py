"""Step 2: what each distinct spelling says. Its legal form, its words, the other names in it, and whether it is one."""

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.judging import NameJudge
from services.deduplication.names import NameReader, Reading
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Produced, Tables

SEPARATOR = "\x1f"
"""Between form, legal form and marks in the key of a name."""

COMPARED = ["name_core", "joined", "numbers"]
"""What a name keeps of its spellings besides the key: of each the first in order."""

_ALIAS_COLUMNS = ("spelling", "key", "alias", "source", "alias_core", "alias_form", "alias_suffix_class")


def normalize(tables: Tables, part: Part, rules: Rules) -> Produced:
    """The readings of distinct spellings, the forms to compare, and the aliases in them."""
    spellings = pc.unique(tables["records"]["spelling"]).to_pylist()
    reader = NameReader(rules.names, marks=rules.scoring.punctuation_penalty > 0)
    readings = [reader.read(spelling) for spelling in spellings]
    table = spelling_table(spellings, readings, rules)
    return {
        "spellings": table,
        "forms": first_by_key(table.filter(pc.is_null(table["noise"]))),
        "aliases": _alias_table(spellings, readings, reader),
    }


def name_key(reading: Reading) -> str:
    """Equal for spellings of the same name."""
    return f"{reading.form}{SEPARATOR}{reading.suffix_class}{SEPARATOR}{reading.marks}"


def first_by_key(table: pa.Table) -> pa.Table:
    """Names in order of their keys."""
    firsts = table.group_by("key", use_threads=False).aggregate([(column, "min") for column in COMPARED])
    return firsts.rename_columns({f"{column}_min": column for column in COMPARED}).sort_by("key")


def spelling_table(spellings: Sequence[str], readings: Sequence[Reading], rules: Rules) -> pa.Table:
    """One row a spelling."""
    judge = NameJudge(rules)

    def column(of: Callable[[Reading], object], kind: pa.DataType) -> pa.Array:
        return pa.array([of(reading) for reading in readings], kind)

    text, texts, flag = pa.string(), pa.list_(pa.string()), pa.bool_()
    blacklisted = [judge.blacklisted(spelling, reading) for spelling, reading in zip(spellings, readings, strict=True)]
    return pa.table(
        {
            "spelling": pa.array(spellings, text),
            "key": column(name_key, text),
            "name_base": column(lambda reading: reading.base, text),
            "name_core": column(lambda reading: reading.core, text),
            "joined": column(lambda reading: reading.joined, text),
            "numbers": column(lambda reading: reading.numbers, text),
            "suffix_class": column(lambda reading: reading.suffix_class, text),
            "has_parentheses": column(lambda reading: reading.has_parentheses, flag),
            "has_semicolon": column(lambda reading: reading.has_semicolon, flag),
            "has_multiple_names": column(lambda reading: reading.has_multiple_names, flag),
            "alias_candidates": column(lambda reading: [alias.text for alias in reading.aliases], texts),
            "alias_sources": column(lambda reading: [alias.source for alias in reading.aliases], texts),
            "noise": column(judge.noise, text),
            "blacklisted": pa.array(blacklisted, flag),
            "suspicious": column(judge.suspicious, flag),
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
