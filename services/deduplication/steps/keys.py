"""Step 4: what names have in common if they may be the same. Names that share a key are compared.

Families of keys: a rare word; two of the rarest words, in any order; the same with misspelt words corrected; a word
that may be a misspelling of another rare one; the first letters without spaces. Profile strict knows the first word
only.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pyarrow as pa

from services.deduplication.names.arrays import Hashes, Ints
from services.deduplication.names.hashing import hash_texts, spread
from services.deduplication.names.name import ARTICLE
from services.deduplication.rules import Blocking, Rules
from services.deduplication.work import Part, Produced, Tables

RARE, PAIRED, CORRECTED, MISSPELT, PREFIX, FIRST = range(6)
FAMILIES = ("rare_word", "word_pair", "corrected_pair", "misspelt_word", "prefix", "first_token")

_FIRST_TOKEN_LENGTH = 64
_CORRECTION = 3  # so many times more names must have the word that another is taken for


def make_keys(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Keys of one range of names, for the part that compares the names of each."""
    size = tables["names"].num_rows
    start, stop = (size * number // part.shards for number in (part.number, part.number + 1))
    names = tables["names"].slice(start, stop - start)
    keys = name_keys(names, tables["tokens"], tables["neighbours"], rules)
    keys = keys.set_column(1, "name", pa.array(np.asarray(keys["name"]) + start, pa.int32()))
    shard = np.asarray(keys["key"]) % np.uint64(part.shards)
    return {"keys": [keys.filter(pa.array(shard == number)) for number in range(part.shards)]}


def name_keys(names: pa.Table, tokens: pa.Table, neighbours: pa.Table, rules: Rules) -> pa.Table:
    """Keys of names by their places."""
    return Keyer(tokens, neighbours, rules).keys(names)


class Keyer:
    """Makes keys of names that are written in numbered words."""

    def __init__(self, tokens: pa.Table, neighbours: pa.Table, rules: Rules, *, shared_by: int = 2) -> None:
        """Words of fewer than `shared_by` names are not counted on to be in another."""
        self._rules = rules
        self._shared_by = shared_by
        self._frequency = np.asarray(tokens["frequency"]).astype(np.int64)
        self._lower, self._higher = (np.asarray(neighbours[side]).astype(np.int64) for side in ("lower", "higher"))

    def learn(self, words: int) -> None:
        """Count with so many words more, each of one name and like no other."""
        known = len(self._frequency)
        self._corrected = np.append(self._corrected, np.arange(known, known + words))
        self._frequency = np.append(self._frequency, np.ones(words, np.int64))

    def keys(self, names: pa.Table) -> pa.Table:
        """Keys of names by their places."""
        if self._rules.profile == "strict":
            found = [_first_tokens(names, self._rules.blocking)]
        else:
            found = [(family, *pair) for family, pair in self._families(names)]
        keys = np.concatenate([hashes for _, hashes, _ in found])
        owners = np.concatenate([owners for _, _, owners in found])
        family = np.repeat([family for family, _, _ in found], [len(hashes) for _, hashes, _ in found])
        return pa.table(
            {
                "key": pa.array(keys, pa.uint64()),
                "name": pa.array(owners, pa.int32()),
                "family": pa.array(family, pa.int8()),
            }
        )

    def _families(self, names: pa.Table) -> Iterator[tuple[int, tuple[Hashes, Ints]]]:
        rules, lists = self._rules.blocking, names["tokens"].combine_chunks()
        words, owners = np.asarray(lists.flatten()).astype(np.int64), np.asarray(lists.value_parent_indices())

        def rarest(words: Ints, least: int, count: int) -> Ints:
            counted = self._frequency[words] >= least
            return _rarest(words[counted], owners[counted], self._frequency, (len(lists), count))

        shared = rarest(words, self._shared_by, rules.paired_tokens)
        yield RARE, _rare(shared[:, : rules.rare_tokens], self._frequency, rules)
        yield PAIRED, _paired(shared, np.arange(len(shared)))
        corrected = self._corrected[words]
        changed = np.unique(owners[corrected != words])
        yield CORRECTED, _paired(rarest(corrected, self._shared_by, rules.paired_tokens)[changed], changed)
        yield MISSPELT, _misspelt(rarest(words, 1, rules.misspelt_tokens), *self._similar)
        joined = [letters.removeprefix(ARTICLE) for letters in names["joined"].to_pylist()]  # as it may be run together
        yield PREFIX, (spread(PREFIX, hash_texts(joined, rules.prefix_length)), np.arange(len(joined)))

    @cached_property
    def _corrected(self) -> Ints:
        """For each word the much more frequent one that it may be a misspelling of, or itself."""
        lower, higher, frequency = self._lower, self._higher, self._frequency
        wrong, right = np.concatenate((lower, higher)), np.concatenate((higher, lower))
        plausible = frequency[right] >= _CORRECTION * frequency[wrong]
        wrong, right = wrong[plausible], right[plausible]
        order = np.lexsort((-right, frequency[right]))  # the most frequent is assigned last and stays
        corrected = np.arange(len(frequency))
        corrected[wrong[order]] = right[order]
        return corrected

    @cached_property
    def _similar(self) -> tuple[Ints, Ints]:
        """Rare words that are similar to another, in order, and the number of each such pair."""
        lower, higher = self._lower, self._higher
        rare = np.maximum(self._frequency[lower], self._frequency[higher]) <= self._rules.blocking.rare_frequency
        pairs = np.flatnonzero(rare)
        words, keys = np.concatenate((lower[rare], higher[rare])), np.concatenate((pairs, pairs))
        order = np.lexsort((keys, words))
        return words[order], keys[order]


def _first_tokens(names: pa.Table, rules: Blocking) -> tuple[int, Hashes, Ints]:
    firsts = [first_token(core, rules.stop_tokens) for core in names["name_core"].to_pylist()]
    return FIRST, hash_texts(firsts, _FIRST_TOKEN_LENGTH), np.arange(len(firsts))


def first_token(core: str, stop_tokens: tuple[str, ...]) -> str:
    """The first word of a name that is more than a legal form."""
    return next((token for token in core.split() if token not in stop_tokens), "")


def _rarest(words: Ints, owners: Ints, frequency: Ints, shape: tuple[int, int]) -> Ints:
    """The rarest words of each name, the rarest first, -1 where it has no more."""
    order = np.lexsort((words, frequency[words], owners))
    words, owners = words[order], owners[order]
    rank = np.arange(len(words)) - np.searchsorted(owners, owners)
    kept = rank < shape[1]
    table = np.full(shape, -1, np.int64)
    table[owners[kept], rank[kept]] = words[kept]
    return table


def _rare(rarest: Ints, frequency: Ints, rules: Blocking) -> tuple[Hashes, Ints]:
    owners, places = np.nonzero((rarest >= 0) & (frequency[rarest] <= rules.rare_frequency))
    return spread(RARE, rarest[owners, places]), owners


def _paired(rarest: Ints, names: Ints) -> tuple[Hashes, Ints]:
    hashes, owners = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for second in range(1, rarest.shape[1]):
        for first in range(second):
            whole = rarest[:, second] >= 0
            words = np.sort(rarest[whole][:, [first, second]], axis=1)
            hashes.append(spread(PAIRED, words[:, 0], words[:, 1]))
            owners.append(names[whole])
    return np.concatenate(hashes), np.concatenate(owners)


def _misspelt(rarest: Ints, words: Ints, keys: Ints) -> tuple[Hashes, Ints]:
    """Each pair of similar rare words is a key of the names that have either among their two rarest."""
    names, ranks = np.nonzero(rarest >= 0)
    starts = np.searchsorted(words, rarest[names, ranks])
    counts = np.searchsorted(words, rarest[names, ranks], side="right") - starts
    owners = np.repeat(names, counts)
    places = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(starts, counts)
    return spread(MISSPELT, keys[places]), owners
