"""Pairs of words that may be spellings of one word: equal after one letter is left out of either."""

from collections.abc import Sequence

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.deduplication.names.arrays import Hashes, Ints

_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))


def deletions(words: Sequence[str], places: Ints) -> tuple[Hashes, Ints]:
    """Hashes of some words, whole and each with one letter left out, and the places of the words they are of."""
    hashes, owners = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    lengths = np.array([len(words[place]) for place in places], np.int64)
    for length in np.unique(lengths):
        chosen = places[lengths == length]
        variants = _variants([words[place] for place in chosen], int(length))
        hashes.append(variants.ravel())
        owners.append(np.repeat(chosen, length + 1))
    return np.concatenate(hashes), np.concatenate(owners)


def _variants(words: list[str], length: int) -> Hashes:
    """Polynomial hashes: of the whole, then without each letter. What follows that letter loses one power."""
    letters = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32).reshape(-1, length).astype(np.uint64)
    powers = np.cumprod(np.full(length, _BASE, np.uint64), dtype=np.uint64)
    sums = np.cumsum((letters + np.uint64(1)) * powers, axis=1, dtype=np.uint64)
    before = np.hstack((np.zeros((len(words), 1), np.uint64), sums[:, :-1]))
    return np.hstack((sums[:, -1:], before + (sums[:, -1:] - sums) * _INVERSE))


def neighbours(words: Sequence[str], places: Ints, *, two_edits_length: int) -> tuple[Ints, Ints]:
    """Pairs of places (lower, higher) of words one edit apart, or two where both are long; in order."""
    hashes, owners = deletions(words, places)
    lower, higher = _meeting(hashes, owners)
    allowed = 1 + (np.minimum(_lengths(words, lower), _lengths(words, higher)) >= two_edits_length)
    distance = process.cpdist(
        [words[place] for place in lower], [words[place] for place in higher], scorer=OSA.distance, dtype=np.int32
    )
    close = distance <= allowed
    return lower[close], higher[close]


def _lengths(words: Sequence[str], places: Ints) -> Ints:
    return np.fromiter((len(words[place]) for place in places), np.int64, len(places))


def _meeting(hashes: Hashes, owners: Ints) -> tuple[Ints, Ints]:
    """Every two owners of an equal hash, once."""
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    found = [np.empty(0, np.int64)]
    at, step = np.arange(len(hashes)), 1
    while len(at):
        at = at[at + step < len(hashes)]
        at = at[hashes[at] == hashes[at + step]]
        low, high = owners[at], owners[at + step]
        found.append((low << 32 | high)[low != high])
        step += 1
    pairs = np.unique(np.concatenate(found))
    return pairs >> 32, pairs & 0xFFFFFFFF
