"""Step 4: what names have in common if they may be the same. Names that share a key are compared.

Families of keys: a rare word; two of the rarest words, in any order; the same with misspelt words corrected; a word
that may be a misspelling of another rare one; the first letters without spaces. Profile strict knows the first word
only.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from services.deduplication.arrays import Hashes, Ints
from services.deduplication.hashing import hash_texts, spread
from services.deduplication.names import ARTICLE
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


def name_keys(names: pa.Table, tokens: pa.Table, neighbours: pa.Table, rules: Rules, *, shared_by: int = 2) -> pa.Table:
    """Keys of names by their places. Words of fewer than `shared_by` names are not counted on to be in another."""
    if rules.profile == "strict":
        found = [_first_tokens(names, rules.blocking)]
    else:
        found = [(family, *pair) for family, pair in _families(names, tokens, neighbours, rules.blocking, shared_by)]
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


def _first_tokens(names: pa.Table, rules: Blocking) -> tuple[int, Hashes, Ints]:
    firsts = [first_token(core, rules.stop_tokens) for core in names["name_core"].to_pylist()]
    return FIRST, hash_texts(firsts, _FIRST_TOKEN_LENGTH), np.arange(len(firsts))


def first_token(core: str, stop_tokens: tuple[str, ...]) -> str:
    """The first word of a name that is more than a legal form."""
    return next((token for token in core.split() if token not in stop_tokens), "")


def _families(
    names: pa.Table, tokens: pa.Table, neighbours: pa.Table, rules: Blocking, shared_by: int
) -> Iterator[tuple[int, tuple[Hashes, Ints]]]:
    frequency = np.asarray(tokens["frequency"]).astype(np.int64)
    lists = names["tokens"].combine_chunks()
    words, owners = np.asarray(lists.flatten()).astype(np.int64), np.asarray(lists.value_parent_indices())
    lower, higher = (np.asarray(neighbours[side]).astype(np.int64) for side in ("lower", "higher"))

    def rarest(words: Ints, least: int, count: int) -> Ints:
        counted = frequency[words] >= least
        return _rarest(words[counted], owners[counted], frequency, (len(lists), count))

    shared = rarest(words, shared_by, rules.paired_tokens)
    yield RARE, _rare(shared[:, : rules.rare_tokens], frequency, rules)
    yield PAIRED, _paired(shared, np.arange(len(shared)))
    corrected = _corrections(lower, higher, frequency)[words]
    changed = np.unique(owners[corrected != words])
    yield CORRECTED, _paired(rarest(corrected, shared_by, rules.paired_tokens)[changed], changed)
    yield MISSPELT, _misspelt(rarest(words, 1, rules.misspelt_tokens), lower, higher, frequency, rules)
    joined = [letters.removeprefix(ARTICLE) for letters in names["joined"].to_pylist()]  # as it may be run together
    yield PREFIX, (spread(PREFIX, hash_texts(joined, rules.prefix_length)), np.arange(len(joined)))


def _rarest(words: Ints, owners: Ints, frequency: Ints, shape: tuple[int, int]) -> Ints:
    """The rarest words of each name, the rarest first, -1 where it has no more."""
    order = np.lexsort((words, frequency[words], owners))
    words, owners = words[order], owners[order]
    rank = np.arange(len(words)) - np.searchsorted(owners, owners)
    kept = rank < shape[1]
    table = np.full(shape, -1, np.int64)
    table[owners[kept], rank[kept]] = words[kept]
    return table


def _corrections(lower: Ints, higher: Ints, frequency: Ints) -> Ints:
    """For each word the much more frequent one that it may be a misspelling of, or itself."""
    wrong, right = np.concatenate((lower, higher)), np.concatenate((higher, lower))
    plausible = frequency[right] >= _CORRECTION * frequency[wrong]
    wrong, right = wrong[plausible], right[plausible]
    order = np.lexsort((-right, frequency[right]))  # the most frequent is assigned last and stays
    corrected = np.arange(len(frequency))
    corrected[wrong[order]] = right[order]
    return corrected


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


def _misspelt(rarest: Ints, lower: Ints, higher: Ints, frequency: Ints, rules: Blocking) -> tuple[Hashes, Ints]:
    """Each pair of similar rare words is a key of the names that have either among their two rarest."""
    rare = np.maximum(frequency[lower], frequency[higher]) <= rules.rare_frequency
    pairs = np.flatnonzero(rare)
    words, keys = np.concatenate((lower[rare], higher[rare])), np.concatenate((pairs, pairs))
    order = np.lexsort((keys, words))
    words, keys = words[order], keys[order]
    names, ranks = np.nonzero(rarest >= 0)
    starts = np.searchsorted(words, rarest[names, ranks])
    counts = np.searchsorted(words, rarest[names, ranks], side="right") - starts
    owners = np.repeat(names, counts)
    places = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(starts, counts)
    return spread(MISSPELT, keys[places]), owners
