"""How much of the words of two names is the same, where a misspelt word counts nearly as much as the right one."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.deduplication.arrays import Flags, Floats, Ints
from services.deduplication.rules import Rules


class Overlap(NamedTuple):
    """The similarity of the words of each pair, from 0 to 1, and how many words it found on both sides."""

    jaccard: Floats
    shared: Ints


class Words:
    """The words of all names, with their weights. Rare words say more than frequent ones, unless rules are strict."""

    def __init__(self, names: pa.Table, tokens: pa.Table, rules: Rules, total: int | None = None) -> None:
        """`total` is the number of names that frequencies are of, if it is not the number of these."""
        self._scoring = rules.scoring
        self._glue = rules.names.weak_tokens
        self._glue_lengths = sorted({len(word) for word in self._glue})
        self.texts: list[str] = tokens["token"].to_pylist()
        self._lengths = np.asarray(pc.utf8_length(tokens["token"])).astype(np.int64)
        self._worded = ~np.asarray(pc.match_substring_regex(tokens["token"], r"\d"))
        lists = names["tokens"].combine_chunks()
        words, owners = np.asarray(lists.flatten()).astype(np.int64), np.asarray(lists.value_parent_indices())
        if rules.profile == "strict":
            counted = ~np.isin(np.asarray(tokens["token"]), rules.names.weak_tokens)[words]
            words, owners = words[counted], owners[counted]
            self._weights = np.ones(len(self.texts))
        else:
            self._weights = np.log(1 + (total or names.num_rows) / np.asarray(tokens["frequency"]))
        self._words = words
        self._starts = np.searchsorted(owners, np.arange(len(lists) + 1))

    def overlap(self, left: Ints, right: Ints) -> Overlap:
        """The overlap of pairs of names."""
        pairs, ours, theirs, our_slots, their_slots = self._combinations(left, right)
        exact = self._words[ours] == self._words[theirs]
        ours_free, theirs_free = np.ones(our_slots[-1], bool), np.ones(their_slots[-1], bool)
        slot, their_slot = self._slots(pairs, ours, left, our_slots), self._slots(pairs, theirs, right, their_slots)
        ours_free[slot[exact]] = theirs_free[their_slot[exact]] = False
        size = len(left)
        common = _sums(pairs[exact], self._weights[self._words[ours[exact]]], size)
        union, shared = common.copy(), _counts(pairs[exact], size)
        open_ = np.flatnonzero(ours_free[slot] & theirs_free[their_slot])
        soft, value = self._soft(pairs, self._words[ours], self._words[theirs], open_)
        soft, value = _one_to_one(soft, value, slot, their_slot)
        ours_free[slot[soft]] = theirs_free[their_slot[soft]] = False
        weight = np.minimum(self._weights[self._words[ours[soft]]], self._weights[self._words[theirs[soft]]])
        common += _sums(pairs[soft], weight * value, size)
        union += _sums(pairs[soft], weight, size)
        shared += _counts(pairs[soft], size)
        return self._with_rest(
            Overlap(common, shared), union, (left, ours_free, our_slots), (right, theirs_free, their_slots)
        )

    def _combinations(self, left: Ints, right: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """Every word of the one name beside every word of the other; where the words of each pair start."""
        ours, theirs = (self._starts[side + 1] - self._starts[side] for side in (left, right))
        counts = ours * theirs
        pairs = np.repeat(np.arange(len(left)), counts)
        inner = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts)
        breadth = np.maximum(theirs[pairs], 1)
        return (
            pairs,
            self._starts[left][pairs] + inner // breadth,
            self._starts[right][pairs] + inner % breadth,
            np.append(0, np.cumsum(ours)),
            np.append(0, np.cumsum(theirs)),
        )

    def _slots(self, pairs: Ints, places: Ints, names: Ints, slots: Ints) -> Ints:
        return slots[pairs] + places - self._starts[names][pairs]

    def _soft(self, pairs: Ints, ours: Ints, theirs: Ints, candidates: Ints) -> tuple[Ints, Floats]:
        """Which combinations of other words are misspellings of one, and what they count."""
        scoring = self._scoring
        if not scoring.one_edit:
            return np.empty(0, np.int64), np.empty(0)
        one, other = ours[candidates], theirs[candidates]
        length, longer = (of(self._lengths[one], self._lengths[other]) for of in (np.minimum, np.maximum))
        near = longer - length <= 1 + (length >= scoring.two_edits_length)
        near &= self._worded[one] & self._worded[other] & (longer >= scoring.soft_length)
        candidates, length = candidates[near], length[near]
        kinds, which = np.unique(one[near] << 32 | other[near], return_inverse=True)
        distance = self._distances(kinds >> 32, kinds & 0xFFFFFFFF)[which]
        value = np.select(
            [distance == 1, (distance == 2) & (length >= scoring.two_edits_length)],
            [scoring.one_edit, scoring.two_edits],
        )
        return candidates[value > 0], value[value > 0]

    def _distances(self, one: Ints, other: Ints) -> Ints:
        return process.cpdist(
            [self.texts[word] for word in one],
            [self.texts[word] for word in other],
            scorer=OSA.distance,
            score_cutoff=2,
            dtype=np.int32,
        )

    def _with_rest(
        self, found: Overlap, union: Floats, ours: tuple[Ints, Flags, Ints], theirs: tuple[Ints, Flags, Ints]
    ) -> Overlap:
        """Add what is left over on either side to the union, unless it is one word written as two."""
        (our_rest, our_weight, our_count, our_length), (their_rest, their_weight, their_count, their_length) = (
            self._rest(*side) for side in (ours, theirs)
        )
        common, shared = found.jaccard, found.shared
        split = (our_count + their_count == 3) & (our_count > 0) & (their_count > 0)
        split &= np.abs(our_length - their_length) <= 1
        glued = (our_count == 1) & (their_count == 1) & np.isin(np.abs(our_length - their_length), self._glue_lengths)
        for pair in np.flatnonzero(split | glued) if self._scoring.one_edit else ():
            if self._joined(our_rest(pair), their_rest(pair)):
                weight = min(our_weight[pair], their_weight[pair])
                common[pair] += weight
                union[pair] += weight
                shared[pair] += 1
                our_weight[pair] = their_weight[pair] = 0
        spare = (1 - self._scoring.surplus_weight) * np.abs(our_weight - their_weight)
        union = union + our_weight + their_weight - spare
        return Overlap(np.divide(common, union, out=np.zeros_like(common), where=union > 0), shared)

    def _rest(self, names: Ints, free: Flags, slots: Ints) -> tuple[Any, Floats, Ints, Ints]:
        """What is left over of some names: as texts, in weight, in number of words and of letters."""
        counts = np.diff(slots)
        owners = np.repeat(np.arange(len(names)), counts)
        words = self._words[np.arange(slots[-1]) - slots[owners] + self._starts[names][owners]]
        rest = _sums(owners[free], self._weights[words[free]], len(names))

        def of(pair: int) -> list[str]:
            span = slice(slots[pair], slots[pair + 1])
            return [self.texts[word] for word in words[span][free[span]]]

        lengths = _sums(owners[free], self._lengths[words[free]], len(names)).astype(np.int64)
        return of, rest, _counts(owners[free], len(names)), lengths

    def _joined(self, ours: list[str], theirs: list[str]) -> bool:
        """Whether two words were run together, give or take a letter, or a word and one that says little."""
        few, many = sorted((ours, theirs), key=len)
        if len(many) == 2:
            whole, first, second = *few, *many
            return any(OSA.distance(whole, parts, score_cutoff=1) <= 1 for parts in (first + second, second + first))
        short, long = sorted((*few, *many), key=len)
        return any(long in (weak + short, short + weak) for weak in self._glue)


def _sums(groups: Ints, values: Floats, size: int) -> Floats:
    """The sum of each group, added up in the order given."""
    return np.bincount(groups, values, size).astype(np.float64)


def _counts(groups: Ints, size: int) -> Ints:
    return np.bincount(groups, minlength=size).astype(np.int64)


def _one_to_one(candidates: Ints, value: Floats, ours: Ints, theirs: Ints) -> tuple[Ints, Floats]:
    """Of several partners of a word the most similar, the first among equals."""
    for side in (ours, theirs):
        order = np.lexsort((candidates, -value, side[candidates]))
        candidates, value = candidates[order], value[order]
        firsts = np.append(True, np.diff(side[candidates]) != 0)[: len(candidates)]
        candidates, value = candidates[firsts], value[firsts]
    order = np.argsort(candidates)
    return candidates[order], value[order]
