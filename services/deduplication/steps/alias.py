"""Step 10: which other groups the aliases of a name point to. A cross-reference never merges groups."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process

from services.deduplication.names.name import NO_SUFFIX
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Produced, Tables

MATCHES = pa.schema(
    [
        ("spelling", pa.string()),
        ("alias", pa.string()),
        ("source", pa.string()),
        ("account_id", pa.string()),  # the smallest of those that have the matching name
        ("group_id", pa.string()),
        ("score", pa.int16()),
    ]
)

Row = dict[str, Any]


def match_aliases(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Matches of the aliases whose first word falls to this part, in order."""
    aliases = _of_part(tables["aliases"], part)
    firsts = {_first(alias["alias_core"]) for alias in aliases}
    names = _Names(tables["names"], tables["directory"], firsts, strict=rules.profile == "strict")
    found = [match for alias in aliases for match in names.matches(alias, rules)]
    table = pa.Table.from_pylist(found, MATCHES)
    return {"alias_matches": table.sort_by([(column, "ascending") for column in MATCHES.names])}


def _of_part(aliases: pa.Table, part: Part) -> list[Row]:
    """Its aliases, each once: two parts of the input may have met the same spelling."""
    rows = {
        (row["spelling"], row["alias"], row["source"]): row
        for row in aliases.to_pylist()
        if crc32(_first(row["alias_core"]).encode()) % part.shards == part.number
    }
    return list(rows.values())


def _first(core: str) -> str:
    return core.partition(" ")[0]


class _Names:
    """The names that begin with some words, and their groups."""

    def __init__(self, names: pa.Table, directory: pa.Table, firsts: set[str], *, strict: bool) -> None:
        first = pc.replace_substring_regex(names["name_core"], " .*", "")
        chosen = np.flatnonzero(np.asarray(pc.is_in(first, pa.array(sorted(firsts), pa.string()))))
        place = pc.index_in(pa.array(chosen, pa.int32()), directory["name"].combine_chunks())
        found = names.select(["key", "form", "suffix_class"]).take(pa.array(chosen))
        found = found.append_column("first", first.take(pa.array(chosen)))
        for column in ("account_id", "group_id"):
            found = found.append_column(column, directory[column].take(place))
        self._strict = strict
        self._blocks: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in found.filter(pc.is_valid(found["group_id"])).to_pylist():
            self._blocks[row["first"], row["suffix_class"]].append(row)
        self._candidates: dict[tuple[str, str], tuple[list[Row], list[str]]] = {}

    def matches(self, alias: Row, rules: Rules) -> Iterator[Row]:
        """The best names like an alias: of its legal form or, where rules are not strict, of none."""
        rows, forms = self._like(_first(alias["alias_core"]), alias["alias_suffix_class"])
        best = process.extract(
            _sorted(alias["alias_form"]),
            forms,
            scorer=fuzz.ratio,
            score_cutoff=rules.alias_score,
            limit=rules.alias_matches,
        )
        named = {column: alias[column] for column in ("spelling", "alias", "source")}
        for _, score, place in best:
            row = rows[place]
            if row["key"] != alias["key"]:
                yield {**named, "account_id": row["account_id"], "group_id": row["group_id"], "score": round(score)}

    def _like(self, first: str, suffix_class: str) -> tuple[list[Row], list[str]]:
        """Rows to compare and their words in order: thousands of aliases may begin with one word."""
        if (first, suffix_class) not in self._candidates:
            classes = {suffix_class, *([] if self._strict else [NO_SUFFIX])}
            rows = [row for name in sorted(classes) for row in self._blocks[first, name]]
            self._candidates[first, suffix_class] = rows, [_sorted(row["form"]) for row in rows]
        return self._candidates[first, suffix_class]


def _sorted(form: str) -> str:
    """What `fuzz.token_sort_ratio` compares; made once, not for every comparison."""
    return " ".join(sorted(form.split()))
