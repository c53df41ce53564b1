"""Step 6: the score of each pair of names, with all its parts."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process

from services.deduplication.names.arrays import Flags, Floats, Ints
from services.deduplication.names.jaccard import Overlap, Words
from services.deduplication.names.name import NO_SUFFIX
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Produced, Tables

CHUNK = 1_000_000  # pairs that are gated at once, which bounds the memory,
COMBINATIONS = 2_000_000  # and two words that are compared

USUAL, AMPLE = 3, 4  # in words that one record has: as much in common proves nothing, so much more or less all it can

EDGES = pa.schema(
    [
        ("a", pa.int32()),
        ("b", pa.int32()),
        ("score", pa.int16()),
        ("ratio_name", pa.float32()),
        ("ratio_set", pa.float32()),
        ("jaccard", pa.float32()),
        ("num_style_match", pa.bool_()),
        ("suffix_match", pa.bool_()),
        ("punctuation_mismatch", pa.bool_()),
        ("base_score", pa.float32()),
        ("shared_tokens", pa.int16()),
    ]
)


def score(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Edges: pairs that reach the medium threshold, in order of their names."""
    lower, higher = (np.asarray(tables["pairs"][side]).astype(np.int64) for side in ("lower", "higher"))
    pairs = np.unique(lower << 32 | higher)
    scorer = Scorer(tables["names"], tables["tokens"], rules)
    scored = scorer.edges(pairs >> 32, pairs & 0xFFFFFFFF)
    edges = scored.filter(pc.greater_equal(scored["score"], rules.medium))
    high = pc.sum(pc.greater_equal(edges["score"], rules.high)).as_py() or 0
    counts = {"pairs": [len(pairs)], "gated": [scorer.gated], "medium": [edges.num_rows], "high": [high]}
    return {"edges": edges.combine_chunks(), "scored": pa.table(counts)}


class Scorer:
    """Scores pairs of names by one set of rules."""

    def __init__(self, names: pa.Table, tokens: pa.Table, rules: Rules, total: int | None = None) -> None:
        self._rules = rules
        self._strict = rules.profile == "strict"
        self.gated = 0
        """How many pairs have passed the gate."""
        self._forms: list[str] = names["form"].to_pylist()
        self._names = names
        self._sorted = [" ".join(sorted(form.split())) for form in self._forms] if self._strict else self._forms
        self._joined: list[str] = names["joined"].to_pylist()
        self._weak = frozenset(rules.names.weak_tokens)
        self._short = np.asarray(pc.utf8_length(names["form"])) <= rules.scoring.acronym_length
        self._counts = np.asarray(pc.list_value_length(names["tokens"])).astype(np.int64)
        self._words = Words(names, tokens, rules, total)
        costs = rules.scoring
        self._classes = _Kind(names["suffix_class"], NO_SUFFIX, costs.suffix_penalty, costs.unsuffixed_penalty)
        self._numbers = _Kind(names["numbers"], "", costs.number_penalty, costs.numbered_penalty)
        self._marks = _Kind(names["marks"], "", costs.punctuation_penalty, costs.punctuation_penalty)

    @cached_property
    def _cores(self) -> list[str]:
        cores: list[str] = self._names["name_core"].to_pylist()
        return cores

    def edges(self, left: Ints, right: Ints, least: float | None = None) -> pa.Table:
        """Scored pairs that pass the gate and can have a score of `least`, the medium one."""
        least = self._rules.medium if least is None else least
        found = [EDGES.empty_table()]
        for start in range(0, len(left), CHUNK):
            chunk = slice(start, start + CHUNK)
            ours, theirs = self._gated(left[chunk], right[chunk])
            found += [self._scored(ours[part], theirs[part], least) for part in self._portions(ours, theirs)]
        return pa.concat_tables(found)

    def _portions(self, left: Ints, right: Ints) -> Iterator[slice]:
        """Stretches of pairs with not too many words to compare."""
        portion = np.cumsum(self._counts[left] * self._counts[right]) // COMBINATIONS
        bounds = [*np.flatnonzero(np.diff(portion, prepend=-1)).tolist(), len(left)]
        yield from (slice(start, end) for start, end in pairwise(bounds))

    def _gated(self, left: Ints, right: Ints) -> tuple[Ints, Ints]:
        """The pairs of a ratio that allows a high score, of the words in either order.

        In that of the alphabet, words that were exchanged do not matter; in that given, a wrong first letter or two
        words run together do not.
        """
        gate = self._rules.scoring.gate
        if self._strict:
            passed = _ratios(self._cores, left, right, fuzz.token_set_ratio, gate) > 0
        else:
            passed = _ratios(self._sorted, left, right, fuzz.ratio, gate) > 0
            rest = np.flatnonzero(~passed & (np.abs(self._counts[left] - self._counts[right]) <= 1))
            passed[rest] = _ratios(self._joined, left[rest], right[rest], fuzz.ratio, gate) > 0
        self.gated += int(passed.sum())
        return left[passed], right[passed]

    def _ratio_name(self, left: Ints, right: Ints) -> Floats:
        """The ratio of the words in order of the alphabet, or without spaces as given."""
        ratio = _ratios(self._sorted, left, right, fuzz.ratio)
        return ratio if self._strict else np.maximum(ratio, _ratios(self._joined, left, right, fuzz.ratio))

    def scored(self, left: Ints, right: Ints) -> pa.Table:
        """Pairs, whatever their score, with its parts."""
        return self._scored(left, right, -math.inf)

    def _scored(self, left: Ints, right: Ints, least: float) -> pa.Table:
        rules = self._rules.scoring
        name, overlap = self._ratio_name(left, right), self._words.overlap(left, right)
        words = rules.jaccard_weight * overlap.jaccard + self._evidence(overlap)
        hoped = rules.sort_weight * name + rules.set_weight * 100 + words
        able = np.flatnonzero(hoped >= least - 0.5)  # the ratio of sets is the dearest, and few need it
        left, right, shared = left[able], right[able], overlap.shared[able]
        name, words, jaccard = name[able], words[able], overlap.jaccard[able]
        whole = _ratios(self._sorted, left, right, fuzz.token_set_ratio)
        if not self._strict:
            whole = np.maximum(name, whole)
        base = rules.sort_weight * name + rules.set_weight * whole + words
        differences = [kind.differences(left, right) for kind in (self._classes, self._numbers, self._marks)]
        (suffix, _), (numbers, _), (marks, _) = differences
        penalties = [*(penalty for _, penalty in differences), self._disjoint_numbers(left, right)]
        total = np.clip(np.rint(base - sum(penalties)), 0, 100)
        total = np.maximum(total, rules.acronym_score * self._acronyms(left, right))
        return _table((left, right, total, name, whole, jaccard, ~numbers, ~suffix, marks, base, shared))

    def _evidence(self, overlap: Overlap) -> Floats | float:
        """What is added to long texts, of which much is the same though some differs, and taken off short ones."""
        if not self._rules.scoring.evidence_weight:
            return 0.0
        more = (overlap.common / self._words.unique_weight - USUAL) / AMPLE
        found: Floats = self._rules.scoring.evidence_weight * np.clip(more, -1, 1)
        return found

    def _disjoint_numbers(self, left: Ints, right: Ints) -> Floats | float:
        penalty = self._rules.scoring.disjoint_numbers_penalty
        return np.where(self._words.disjoint_numbers(left, right), penalty, 0.0) if penalty else 0.0

    def _acronyms(self, left: Ints, right: Ints) -> Flags:
        """Which pairs are a name and its initials."""
        found = np.zeros(len(left), bool)
        for one, other in ((left, right), (right, left)):
            for place in np.flatnonzero(self._short[one] & (self._counts[other] > 1)):
                words = [word for word in self._cores[other[place]].split() if word not in self._weak]
                found[place] |= self._bare(one[place]) == "".join(word[0] for word in words)
        return found

    def _bare(self, name: int) -> str:
        return "".join(word for word in self._cores[name].split() if word not in self._weak)


def _table(columns: Sequence[np.ndarray[Any, Any]]) -> pa.Table:
    kinds = [field.type.to_pandas_dtype() for field in EDGES]
    arrays = [pa.array(column.astype(kind)) for column, kind in zip(columns, kinds, strict=True)]
    return pa.table(arrays, schema=EDGES)


class _Kind:
    """What names are or have, and what it costs two of them to differ in it, or when only one has it."""

    def __init__(self, column: pa.ChunkedArray, nothing: str, cost: float, cost_of_one: float) -> None:
        encoded = pc.dictionary_encode(column).combine_chunks()
        self._codes = np.asarray(encoded.indices)
        self._nothing = encoded.dictionary.index(nothing).as_py()  # -1 if all have it
        self._cost, self._cost_of_one = cost, cost_of_one

    def differences(self, left: Ints, right: Ints) -> tuple[Flags, Floats]:
        """Which pairs differ, and what is taken off their scores."""
        one, other = self._codes[left], self._codes[right]
        differ = one != other
        lacking = (one == self._nothing) | (other == self._nothing)
        return differ, differ * np.where(lacking, self._cost_of_one, self._cost)


def _ratios(texts: list[str], left: Ints, right: Ints, scorer: Any, cutoff: float | None = None) -> Floats:
    ours, theirs = ([texts[place] for place in side.tolist()] for side in (left, right))
    found: Floats = process.cpdist(ours, theirs, scorer=scorer, score_cutoff=cutoff, dtype=np.float64)
    return found
