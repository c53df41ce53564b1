"""How much of the words of two names is the same, where a misspelt word counts nearly as much as the right one."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.deduplication.names.arrays import Flags, Floats, Ints
from services.deduplication.names.name import ARTICLE
from services.deduplication.rules import Rules


class Overlap(NamedTuple):
    """The similarity of the words of each pair, from 0 to 1; the words found on both sides, their number and weight."""

    jaccard: Floats
    shared: Ints
    common: Floats


class _Side:
    """The words of one name of each pair, in slots; free are those that have found no partner."""

    def __init__(self, words: Ints, starts: Ints, counts: Ints) -> None:
        self.counts = counts
        self.slots = np.append(0, np.cumsum(counts))
        self.owners = np.repeat(np.arange(len(counts)), counts)
        self.words = words[np.arange(self.slots[-1]) + (starts - self.slots[:-1])[self.owners]]
        self.free = np.ones(len(self.words), bool)

    def left_over(self, pair: int) -> Ints:
        """Words of one pair without a partner."""
        span = slice(self.slots[pair], self.slots[pair + 1])
        words: Ints = self.words[span]
        return words[self.free[span]]


class _Tally:
    """Weights that are common to each pair, and of all its words; and the number of words in common."""

    def __init__(self, pairs: int) -> None:
        self.common, self.union, self.shared = np.zeros(pairs), np.zeros(pairs), np.zeros(pairs, np.int64)

    def match(self, pairs: Ints, weight: Floats, value: Floats | float) -> None:
        """Words found on both sides, with what the match counts of their weight."""
        self.common += _sums(pairs, weight * value, len(self.common))
        self.union += _sums(pairs, weight, len(self.common))
        self.shared += _counts(pairs, len(self.common))

    def overlap(self) -> Overlap:
        """What it comes to."""
        none = np.zeros_like(self.common)
        return Overlap(np.divide(self.common, self.union, out=none, where=self.union > 0), self.shared, self.common)


class Words:
    """The words of all names, with their weights. Rare words say more than frequent ones, unless rules are strict."""

    def __init__(self, names: pa.Table, tokens: pa.Table, rules: Rules, total: int | None = None) -> None:
        """`total` is the number of names that frequencies are of, if it is not the number of these."""
        self._scoring, self._glue = rules.scoring, rules.names.weak_tokens
        self._texts: list[str] = tokens["token"].to_pylist()
        self._given = names["joined"]
        self._frequency = np.asarray(tokens["frequency"]).astype(np.int64)
        self._lengths = np.asarray(pc.utf8_length(tokens["token"])).astype(np.int64)
        self._worded = ~np.asarray(pc.match_substring_regex(tokens["token"], r"\d"))
        self._opposites = _bits(tokens["token"], rules.names.opposites)
        lists = names["tokens"].combine_chunks()
        words, owners = np.asarray(lists.flatten()).astype(np.int64), np.asarray(lists.value_parent_indices())
        if rules.profile == "strict":
            counted = ~np.isin(np.asarray(tokens["token"]), rules.names.weak_tokens)[words]
            words, owners = words[counted], owners[counted]
            self._weights = np.ones(len(self._texts))
        else:
            self._weights = np.log(1 + (total or names.num_rows) / self._frequency)
        self.unique_weight = math.log(1 + (total or names.num_rows))
        """The weight of a word that only one name has."""
        self._against = np.minimum(self._weights, rules.scoring.unmatched_weight or np.inf)
        self._words, self._starts = words, np.searchsorted(owners, np.arange(len(lists) + 1))

    def overlap(self, left: Ints, right: Ints) -> Overlap:
        """The overlap of pairs of names."""
        ours, theirs = self._side(left), self._side(right)
        tally = _Tally(len(left))
        pairs, one, other = _combinations(ours, theirs)
        same = np.flatnonzero(ours.words[one] == theirs.words[other])
        tally.match(pairs[same], self._weights[ours.words[one[same]]], 1)
        ours.free[one[same]] = theirs.free[other[same]] = False
        if self._scoring.one_edit:
            self._match_misspelt(tally, ours, theirs, (pairs, one, other))
            self._match_joined(tally, ours, theirs, (left, right))
        self._add_rest(tally, ours, theirs)
        return tally.overlap()

    def disjoint_numbers(self, left: Ints, right: Ints) -> Flags:
        """Which pairs have words with digits in both names, and none of them in common."""
        ours, theirs = self._side(left), self._side(right)
        pairs, one, other = _combinations(ours, theirs)
        common = pairs[(ours.words[one] == theirs.words[other]) & ~self._worded[ours.words[one]]]
        first, second = (_counts(side.owners[~self._worded[side.words]], len(left)) for side in (ours, theirs))
        return np.asarray((first > 0) & (second > 0) & (_counts(common, len(left)) == 0))

    def _side(self, names: Ints) -> _Side:
        return _Side(self._words, self._starts[names], self._starts[names + 1] - self._starts[names])

    def _match_misspelt(self, tally: _Tally, ours: _Side, theirs: _Side, combinations: tuple[Ints, Ints, Ints]) -> None:
        rest = np.flatnonzero(ours.free[combinations[1]] & theirs.free[combinations[2]])
        pairs, one, other = (column[rest] for column in combinations)
        value = self._values(ours.words[one], theirs.words[other])
        soft = _one_to_one(value, one, other)
        one, other = one[soft], other[soft]
        weight = np.minimum(self._weights[ours.words[one]], self._weights[theirs.words[other]])
        tally.match(pairs[soft], weight, value[soft])
        ours.free[one] = theirs.free[other] = False

    def _values(self, one: Ints, other: Ints) -> Floats:
        """What two different words count as misspellings of one, 0 if they are none."""
        scoring = self._scoring
        length, longer = (of(self._lengths[one], self._lengths[other]) for of in (np.minimum, np.maximum))
        near = longer - length <= 1 + (length >= scoring.two_edits_length)
        near &= self._worded[one] & self._worded[other] & (longer >= scoring.soft_length)
        near &= self._may_be_one(one, other) & ~self._opposite(one, other)
        kinds, which = np.unique(one[near] << 32 | other[near], return_inverse=True)
        distance = np.zeros(len(one), np.int64)
        distance[near] = self._distances(kinds >> 32, kinds & 0xFFFFFFFF)[which]
        two = (distance == 2) & (length >= scoring.two_edits_length)
        return np.select([distance == 1, two], [scoring.one_edit, scoring.two_edits])

    def _may_be_one(self, one: Ints, other: Ints) -> Flags:
        """Whether one word may be a mistake for the other: mistakes are rare, or much rarer than the right word."""
        rarer, commoner = (of(self._frequency[one], self._frequency[other]) for of in (np.minimum, np.maximum))
        scoring = self._scoring
        plausible: Flags = (rarer <= scoring.known_frequency) | (commoner >= scoring.mistake_ratio * rarer)
        return plausible

    def _opposite(self, one: Ints, other: Ints) -> Flags:
        """Whether each word holds one of the opposites that the other lacks: Southern is two letters from Northern."""
        ours, theirs = self._opposites[one], self._opposites[other]
        opposite: Flags = (ours & ~theirs != 0) & (theirs & ~ours != 0)
        return opposite

    def _distances(self, one: Ints, other: Ints) -> Ints:
        ours, theirs = ([self._texts[word] for word in words.tolist()] for words in (one, other))
        found: Ints = process.cpdist(ours, theirs, scorer=OSA.distance, score_cutoff=2, dtype=np.int32)
        return found

    def _match_joined(self, tally: _Tally, ours: _Side, theirs: _Side, names: tuple[Ints, Ints]) -> None:
        """Match what is left over of a pair if it is one word, or one and a small one, written as two."""
        (our_count, our_length), (their_count, their_length) = (self._left_over(side) for side in (ours, theirs))
        difference = np.abs(our_length - their_length)
        both = (our_count > 0) & (their_count > 0)
        split = both & (our_count + their_count == 3) & (difference <= 1)
        glued = (
            both
            & (our_count + their_count == 2)
            & np.isin(difference, [len(word) + s for word in self._glue for s in (0, 1)])
        )
        joined = [pair for pair in np.flatnonzero(split).tolist() if self._split(pair, ours, theirs)]
        joined += [pair for pair in np.flatnonzero(glued).tolist() if self._glued(pair, ours, theirs, names)]
        left_over = [[self._weights[side.left_over(pair)].sum() for side in (ours, theirs)] for pair in joined]
        tally.match(np.array(joined, np.int64), np.array([min(weights) for weights in left_over], float), 1)
        for side in (ours, theirs):
            side.free &= ~np.isin(side.owners, joined)

    def _left_over(self, side: _Side) -> tuple[Ints, Ints]:
        """How many words of each pair are left, and how many letters they have."""
        owners, size = side.owners[side.free], len(side.counts)
        letters = _sums(owners, self._lengths[side.words[side.free]].astype(np.float64), size)
        return _counts(owners, size), letters.astype(np.int64)

    def _split(self, pair: int, ours: _Side, theirs: _Side) -> bool:
        """Whether one word is two run together, give or take a letter unless it is short: J B is not JC."""
        texts = ([self._texts[word] for word in side.left_over(pair)] for side in (ours, theirs))
        (whole,), (first, second) = sorted(texts, key=len)
        edits = int(len(whole) >= self._scoring.soft_length)
        orders = (first + second, second + first)
        return any(OSA.distance(whole, parts, score_cutoff=edits) <= edits for parts in orders)

    def _glued(self, pair: int, ours: _Side, theirs: _Side, names: tuple[Ints, Ints]) -> bool:
        """Whether one word is another and a small one that stands beside it there: Bankof, but not Johnson of John."""
        (one,), (other,) = ([self._texts[word] for word in side.left_over(pair)] for side in (ours, theirs))
        short, long, name = (one, other, names[0]) if len(one) < len(other) else (other, one, names[1])
        return short in long and long in f"{ARTICLE}{self._given[int(name[pair])]}"

    def _add_rest(self, tally: _Tally, ours: _Side, theirs: _Side) -> None:
        """Add what has no partner to the union; of what only one side has too much, the share that rules say."""
        ours_left, theirs_left = (
            _sums(side.owners[side.free], self._against[side.words[side.free]], len(side.counts))
            for side in (ours, theirs)
        )
        spare = (1 - self._scoring.surplus_weight) * np.abs(ours_left - theirs_left)
        tally.union += ours_left + theirs_left - spare


def _bits(texts: pa.ChunkedArray, parts: Sequence[str]) -> Ints:
    """Which of some parts each text holds, one bit a part."""
    held = (np.asarray(pc.match_substring(texts, part)).astype(np.int64) << bit for bit, part in enumerate(parts))
    return sum(held, np.zeros(len(texts), np.int64))


def _combinations(ours: _Side, theirs: _Side) -> tuple[Ints, Ints, Ints]:
    """Pairs, and the slots of every word of the one name beside every word of the other."""
    counts = ours.counts * theirs.counts
    pairs = np.repeat(np.arange(len(counts)), counts)
    inner = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts)
    breadth = theirs.counts[pairs]
    return pairs, ours.slots[pairs] + inner // breadth, theirs.slots[pairs] + inner % breadth


def _one_to_one(value: Floats, ours: Ints, theirs: Ints) -> Ints:
    """Of several partners of a word the most similar, the first among equals; in order."""
    kept = np.flatnonzero(value)
    for side in (ours, theirs):
        kept = kept[np.lexsort((kept, -value[kept], side[kept]))]
        kept = kept[np.append(True, np.diff(side[kept]) != 0)[: len(kept)]]
    return np.sort(kept)


def _sums(groups: Ints, values: Floats, size: int) -> Floats:
    """The sum of each group, added up in the order given."""
    return np.bincount(groups, values, size).astype(np.float64)


def _counts(groups: Ints, size: int) -> Ints:
    return np.bincount(groups, minlength=size).astype(np.int64)
