"""One new record against the names of a run: the group it belongs to, or that it begins one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.arrays import Ints
from services.deduplication.index import number_names
from services.deduplication.keys import name_keys
from services.deduplication.names import NO_SUFFIX, NameReader, Reading
from services.deduplication.normalize import name_key
from services.deduplication.rules import Rules
from services.deduplication.similarity import Scorer
from services.deduplication.survivorship import group_id
from services.deduplication.typos import deletions

ALTERNATIVES = 3  # words of the index that an unknown word may be


@dataclass(frozen=True)
class Found:
    """Where a record belongs."""

    group_id: str
    is_new: bool
    reason: str
    score: int | None = None
    matched_name: str | None = None
    edge: Mapping[str, Any] | None = None


class Lookup:
    """The names of a run in memory, from its artifacts names, tokens, neighbours and directory. It is not changed by
    looking up: records that are new themselves are seen by the next run."""

    def __init__(self, tables: Mapping[str, pa.Table], rules: Rules) -> None:
        self._rules = rules
        self._reader = NameReader(rules.names, marks=rules.scoring.punctuation_penalty > 0)
        self._names = tables["names"].combine_chunks()
        self._places = {key: place for place, key in enumerate(self._names["key"].to_pylist())}
        self._tokens: list[str] = tables["tokens"]["token"].to_pylist()
        self._numbers = {token: number for number, token in enumerate(self._tokens)}
        self._frequency = np.asarray(tables["tokens"]["frequency"]).astype(np.int64)
        self._neighbours = tables["neighbours"]
        self._groups = dict(zip(*(tables["directory"][c].to_pylist() for c in ("name", "group_id")), strict=True))
        keys = name_keys(self._names, tables["tokens"], self._neighbours, rules, shared_by=1)
        order = np.argsort(np.asarray(keys["key"]), kind="stable")
        self._keys, self._members = np.asarray(keys["key"])[order], np.asarray(keys["name"]).astype(np.int64)[order]
        self._index_letters()
        self._index_groups()

    def _index_letters(self) -> None:
        """Which known words are left when a letter is left out, for words that nobody knows."""
        shortest, longest = self._rules.blocking.typo_lengths
        fit = np.array([n for n, word in enumerate(self._tokens) if shortest <= len(word) <= longest], np.int64)
        hashes, owners = deletions(self._tokens, fit)
        order = np.argsort(hashes, kind="stable")
        self._letters, self._letter_owners = hashes[order], owners[order]

    def _index_groups(self) -> None:
        """Legal form and number of names of each group."""
        self._classes: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        classes = self._names["suffix_class"].to_pylist()
        for name, group in self._groups.items():
            self._sizes[group] = self._sizes.get(group, 0) + 1
            if classes[name] != NO_SUFFIX:
                self._classes[group] = classes[name]

    def find(self, account_name: str, account_id: str) -> Found:
        """The group of a record. One that begins a group gets the id that a run would give it."""
        reading = self._reader.read(" ".join(account_name.split()))
        place = self._places.get(name_key(reading))
        if place is not None and place in self._groups:
            return Found(self._groups[place], False, "equal_name", 100, self._names["name_core"][place].as_py())
        for edge, candidate in self._edges(reading):
            group = self._groups.get(candidate)
            if group is not None and self._admits(group, reading, edge):
                name = self._names["name_core"][candidate].as_py()
                return Found(group, False, "edge", edge["score"], name, edge)
        return Found(group_id([account_id], self._rules.digest()), True, "no_match")

    def _admits(self, group: str, reading: Reading, edge: Mapping[str, Any]) -> bool:
        if edge["score"] < self._rules.high and (not edge["shared_tokens"] or self._sizes[group] >= self._rules.canopy):
            return False
        held = self._classes.get(group, NO_SUFFIX)
        return (
            not self._rules.suffix_constraint
            or NO_SUFFIX in (held, reading.suffix_class)
            or held == reading.suffix_class
        )

    def _edges(self, reading: Reading) -> list[tuple[dict[str, Any], int]]:
        """Edges to known names, the best first."""
        candidates = self._candidates(reading)
        if not len(candidates) or not reading.form:
            return []
        known = self._names.take(pa.array(candidates)).select(["key", "name_core", "joined", "numbers"])
        names, tokens = number_names(pa.concat_tables([known, _row(reading)]))
        tokens = tokens.set_column(
            1, "frequency", pa.array([self._count(t) for t in tokens["token"].to_pylist()], pa.int32())
        )
        scorer = Scorer(names, tokens, self._rules, self._names.num_rows)
        left = np.arange(len(candidates))
        scored = scorer.edges(left, np.full(len(left), len(candidates)))
        good = scored.filter(pc.greater_equal(scored["score"], self._rules.medium))
        ranked = good.sort_by([("score", "descending"), ("a", "ascending")])
        return [(edge, int(candidates[edge["a"]])) for edge in ranked.to_pylist()]

    def _count(self, token: str) -> int:
        number = self._numbers.get(token)
        return 1 if number is None else int(self._frequency[number])

    def _candidates(self, reading: Reading) -> Ints:
        """Known names that share a key with this one, whichever words its unknown ones may be."""
        table = self._as_known(reading)
        tokens = pa.table({"frequency": pa.array(self._frequency)})
        keys = np.unique(np.asarray(name_keys(table, tokens, self._neighbours, self._rules, shared_by=1)["key"]))
        starts, ends = np.searchsorted(self._keys, keys), np.searchsorted(self._keys, keys, side="right")
        found = [self._members[s:e] for s, e in zip(starts, ends, strict=True)]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    def _as_known(self, reading: Reading) -> pa.Table:
        """The name in words of the index: as it is, and with each word replaced by one that is spelt nearly so."""
        words = reading.form.split()
        known = [self._numbers[word] for word in words if word in self._numbers]
        versions = [known]
        for word in words:
            others = [self._numbers[w] for w in words if w != word and w in self._numbers]
            versions += [[*others, alternative] for alternative in self._similar(word)]
        count = len(versions)
        return pa.table(
            {
                "tokens": pa.array([sorted(set(version)) for version in versions], pa.list_(pa.int32())),
                "joined": [reading.joined] * count,
                "name_core": [reading.core] * count,
            }
        )

    def _similar(self, word: str) -> Sequence[int]:
        """Known words that this one may be a misspelling of, the most frequent first."""
        hashes, _ = deletions([word], np.arange(1))
        starts, ends = np.searchsorted(self._letters, hashes), np.searchsorted(self._letters, hashes, side="right")
        found = {int(n) for s, e in zip(starts, ends, strict=True) for n in self._letter_owners[s:e]}
        found.discard(self._numbers.get(word, -1))
        return sorted(found, key=lambda n: (-int(self._frequency[n]), n))[:ALTERNATIVES]


def _row(reading: Reading) -> pa.Table:
    values = {"key": name_key(reading), "name_core": reading.core, "joined": reading.joined, "numbers": reading.numbers}
    return pa.table({column: [value] for column, value in values.items()})
