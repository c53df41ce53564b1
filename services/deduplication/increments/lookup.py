"""One new record against the names of a run: the group it belongs to, or that it begins one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.increments.identity import group_id
from services.deduplication.names.arrays import Hashes, Ints
from services.deduplication.names.judging import NameJudge
from services.deduplication.names.name import NO_SUFFIX, NameReader, Reading
from services.deduplication.names.typos import deletions
from services.deduplication.rules import Rules
from services.deduplication.steps.grouping import HIGH, MEDIUM
from services.deduplication.steps.index import number_names
from services.deduplication.steps.joining import SAME_NAME
from services.deduplication.steps.keys import Keyer
from services.deduplication.steps.normalize import name_key
from services.deduplication.steps.similarity import Scorer

ALTERNATIVES = 3  # words of the index that an unknown word may be
NO_MATCH = "no_match"

_COMPARED = pa.schema([(column, pa.string()) for column in ("key", "name_core", "joined", "numbers")])


@dataclass(frozen=True)
class Found:
    """Where a record belongs."""

    group_id: str
    is_new: bool
    reason: str
    core: str
    """The name as it was compared."""
    score: int | None = None
    matched: int | None = None
    """The number of the name that it is like."""
    edge: Mapping[str, Any] | None = None
    also: tuple[str, ...] = ()
    """Other groups that it would have joined: the next run may merge them."""


class Lookup:
    """The names of a run in memory, from its artifacts names, tokens, neighbours and directory, and those learnt since.

    How frequent words are stays as the run counted it.
    """

    def __init__(self, tables: Mapping[str, pa.Table], rules: Rules) -> None:
        self._rules = rules
        self._judge = NameJudge(rules)
        self._reader = NameReader(rules.names, marks=rules.scoring.punctuation_penalty > 0)
        self._names = tables["names"].combine_chunks()
        self._places: dict[str, int] = {key: place for place, key in enumerate(self._names["key"].to_pylist())}
        self._tokens: list[str] = tables["tokens"]["token"].to_pylist()
        self._numbers = {token: number for number, token in enumerate(self._tokens)}
        self._frequency = np.asarray(tables["tokens"]["frequency"]).astype(np.int64)
        self._groups = dict(zip(*(tables["directory"][c].to_pylist() for c in ("name", "group_id")), strict=True))
        self._keyer = Keyer(tables["tokens"], tables["neighbours"], rules, shared_by=1)
        keys = self._keyer.keys(self._names)
        order = np.argsort(np.asarray(keys["key"]), kind="stable")
        self._keys, self._members = np.asarray(keys["key"])[order], np.asarray(keys["name"]).astype(np.int64)[order]
        self._index_letters()
        self._index_groups()
        self._learnt: list[dict[str, str]] = []
        self._learnt_keys, self._learnt_letters = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)

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
            self._count_in(group, classes[name])

    def _count_in(self, group: str, suffix_class: str) -> None:
        self._sizes[group] = self._sizes.get(group, 0) + 1
        if suffix_class != NO_SUFFIX:
            self._classes[group] = suffix_class

    def find(self, account_name: str, account_id: str) -> Found:
        """The group of a record. One that begins a group gets the id that a run would give it."""
        reading = self._read(account_name)
        place = self._places.get(name_key(reading))
        if self._rules.sets_apart and self._judge.placeholder(reading):
            return self._alone(account_id, reading)
        if place is not None and place in self._groups:
            return Found(self._groups[place], False, SAME_NAME, reading.core, 100, place)
        joined = [
            (group, edge, candidate)
            for edge, candidate in self._edges(reading)
            if (group := self._groups.get(candidate)) and self._admits(group, reading, edge)
        ]
        if not joined:
            return self._alone(account_id, reading)
        groups = list(dict.fromkeys(group for group, _, _ in joined))
        group, edge, candidate = joined[0]
        reason = HIGH if edge["score"] >= self._rules.high else MEDIUM
        return Found(group, False, reason, reading.core, edge["score"], candidate, edge, tuple(groups[1:]))

    def _alone(self, account_id: str, reading: Reading) -> Found:
        return Found(group_id([account_id], self._rules.digest(), self._sizes), True, NO_MATCH, reading.core)

    def learn(self, account_name: str, group: str) -> int:
        """Count a name as one of a group from now on; returns its number."""
        reading = self._read(account_name)
        number: int = self._names.num_rows + len(self._learnt)
        key = name_key(reading)
        place = self._places.get(key)
        if place is not None and place in self._groups:
            return place
        self._places[key], self._groups[number] = number, group
        self._learnt.append(_row(reading))
        self._count_in(group, reading.suffix_class)
        self._learn_words(reading.form.split())
        for hashed in self._keys_of(self._as_known([reading.form.split()], reading)).tolist():
            self._learnt_keys[hashed].append(number)
        return number

    def _learn_words(self, words: Sequence[str]) -> None:
        unknown = [word for word in dict.fromkeys(words) if word not in self._numbers]
        shortest, longest = self._rules.blocking.typo_lengths
        for number, word in enumerate(unknown, len(self._tokens)):
            self._numbers[word] = number
            for hashed in _letters_of(word).tolist() if shortest <= len(word) <= longest else ():
                self._learnt_letters[hashed].append(number)
        self._tokens += unknown
        self._keyer.learn(len(unknown))

    def _read(self, account_name: str) -> Reading:
        return self._reader.read(" ".join(account_name.split()))

    def name(self, number: int) -> str:
        """What is compared of a name of this number."""
        return str(self._taken(np.array([number]))["name_core"][0])

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
        names, tokens = number_names(self._taken(candidates, _row(reading)))
        tokens = tokens.set_column(
            1, "frequency", pa.array([self._count(t) for t in tokens["token"].to_pylist()], pa.int32())
        )
        scorer = Scorer(names, tokens, self._rules, self._names.num_rows)
        left = np.arange(len(candidates))
        scored = scorer.edges(left, np.full(len(left), len(candidates)))
        good = scored.filter(pc.greater_equal(scored["score"], self._rules.medium))
        ranked = good.sort_by([("score", "descending"), ("a", "ascending")])
        return [(edge, int(candidates[edge["a"]])) for edge in ranked.to_pylist()]

    def _taken(self, numbers: Ints, *more: dict[str, str]) -> pa.Table:
        """Names by their numbers in order, those of the run before those learnt, and more."""
        size = self._names.num_rows
        ours = self._names.select(_COMPARED.names).take(pa.array(numbers[numbers < size]))
        learnt = [self._learnt[number - size] for number in numbers[numbers >= size]]
        return pa.concat_tables([ours, pa.Table.from_pylist([*learnt, *more], _COMPARED)])

    def _count(self, token: str) -> int:
        """In how many names of the run a word is; of other words in one."""
        number = self._numbers.get(token, len(self._frequency))
        return int(self._frequency[number]) if number < len(self._frequency) else 1

    def _candidates(self, reading: Reading) -> Ints:
        """Known names that share a key with this one, whichever words its unknown ones may be."""
        keys = self._keys_of(self._as_known(self._spellings(reading.form.split()), reading))
        starts, ends = np.searchsorted(self._keys, keys), np.searchsorted(self._keys, keys, side="right")
        found = [self._members[s:e] for s, e in zip(starts, ends, strict=True)]
        learnt = [number for key in keys.tolist() for number in self._learnt_keys.get(key, ())]
        return np.unique(np.concatenate([*found, np.array(learnt, np.int64)]))

    def _keys_of(self, names: pa.Table) -> Hashes:
        found: Hashes = np.unique(np.asarray(self._keyer.keys(names)["key"]))
        return found

    def _as_known(self, spellings: Sequence[Sequence[str]], reading: Reading) -> pa.Table:
        """A name in the numbers of its known words, for each way to spell it."""
        known = [sorted({self._numbers[word] for word in words if word in self._numbers}) for words in spellings]
        count = len(known)
        return pa.table(
            {
                "tokens": pa.array(known, pa.list_(pa.int32())),
                "joined": [reading.joined] * count,
                "name_core": [reading.core] * count,
            }
        )

    def _spellings(self, words: Sequence[str]) -> list[list[str]]:
        """Words as they are, and with each of them replaced by known ones that are spelt nearly so."""
        replaced = [
            [*(other for other in words if other != word), self._tokens[alternative]]
            for word in words
            for alternative in self._similar(word)
        ]
        return [list(words), *replaced]

    def _similar(self, word: str) -> Sequence[int]:
        """Known words that this one may be a misspelling of, the most frequent first."""
        hashes = _letters_of(word)
        starts, ends = np.searchsorted(self._letters, hashes), np.searchsorted(self._letters, hashes, side="right")
        found = {int(n) for s, e in zip(starts, ends, strict=True) for n in self._letter_owners[s:e]}
        found.update(number for hashed in hashes.tolist() for number in self._learnt_letters.get(hashed, ()))
        found.discard(self._numbers.get(word, -1))
        return sorted(found, key=lambda n: (-self._count(self._tokens[n]), n))[:ALTERNATIVES]


def _letters_of(word: str) -> Hashes:
    return deletions([word], np.arange(1))[0]


def _row(reading: Reading) -> dict[str, str]:
    return {"key": name_key(reading), "name_core": reading.core, "joined": reading.joined, "numbers": reading.numbers}
