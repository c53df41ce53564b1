"""Step 10: which other groups the aliases of a name point to. A cross-reference never merges groups."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pyarrow as pa
from rapidfuzz import fuzz, process

from services.deduplication.names import NO_SUFFIX
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
    names = _Names(tables["names"], tables["directory"], {_first(alias["alias_core"]) for alias in aliases})
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

    def __init__(self, names: pa.Table, directory: pa.Table, firsts: set[str]) -> None:
        self._groups = {row["name"]: row for row in directory.to_pylist()} if firsts else {}
        self._own = names["key"]
        self._blocks: dict[tuple[str, str], list[tuple[str, Row]]] = defaultdict(list)
        columns = ("name_core", "suffix_class", "form", "key")
        for place, (core, suffix_class, form, key) in enumerate(
            zip(*(names[c].to_pylist() for c in columns), strict=True)
        ):
            if _first(core) in firsts and (group := self._groups.get(place)):
                self._blocks[_first(core), suffix_class].append((form, {**group, "key": key}))

    def matches(self, alias: Row, rules: Rules) -> Iterator[Row]:
        """The best names like an alias: of its legal form or, where rules are not strict, of none."""
        classes = {alias["alias_suffix_class"], *([] if rules.profile == "strict" else [NO_SUFFIX])}
        block = [
            entry
            for suffix_class in sorted(classes)
            for entry in self._blocks[_first(alias["alias_core"]), suffix_class]
        ]
        forms = [form for form, _ in block]
        best = process.extract(
            alias["alias_form"],
            forms,
            scorer=fuzz.token_sort_ratio,
            score_cutoff=rules.alias_score,
            limit=rules.alias_matches,
        )
        for _, score, place in best:
            target = block[place][1]
            if target["key"] != alias["key"]:
                named = {column: alias[column] for column in ("spelling", "alias", "source")}
                yield {
                    **named,
                    "account_id": target["account_id"],
                    "group_id": target["group_id"],
                    "score": round(score),
                }
