"""Step 6: the score of each pair of names, with all its parts."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process

from services.deduplication.arrays import Flags, Floats, Ints
from services.deduplication.jaccard import Words
from services.deduplication.names import NO_SUFFIX
from services.deduplication.rules import Rules, Scoring
from services.deduplication.work import Part, Produced, Tables

CHUNK = 200_000  # pairs at once: bounds the memory

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
    found = list(scorer.edges(pairs >> 32, pairs & 0xFFFFFFFF))
    scored = pa.concat_tables([EDGES.empty_table(), *found])
    edges = scored.filter(pc.greater_equal(scored["score"], rules.medium))
    high = pc.sum(pc.greater_equal(edges["score"], rules.high)).as_py() or 0
    counts = {"pairs": [len(pairs)], "gated": [scored.num_rows], "medium": [edges.num_rows], "high": [high]}
    return {"edges": edges.combine_chunks(), "scored": pa.table(counts)}


class Scorer:
    """Scores pairs of names by one set of rules."""

    def __init__(self, names: pa.Table, tokens: pa.Table, rules: Rules, total: int | None = None) -> None:
        self._rules = rules
        self._strict = rules.profile == "strict"
        self._forms: list[str] = names["form"].to_pylist()
        self._cores: list[str] = names["name_core"].to_pylist() if self._strict else self._forms
        self._sorted = [" ".join(sorted(form.split())) for form in self._forms] if self._strict else self._forms
        self._words = Words(names, tokens, rules, total)
        self._classes, self._none = _codes(names["suffix_class"], NO_SUFFIX)
        self._numbers, self._no_numbers = _codes(names["numbers"], "")
        self._marks, _ = _codes(names["marks"], "")

    def edges(self, left: Ints, right: Ints) -> Iterator[pa.Table]:
        """Scored pairs that pass the gate, a chunk at a time."""
        for start in range(0, len(left), CHUNK):
            chunk = slice(start, start + CHUNK)
            yield self.scored(*self._gated(left[chunk], right[chunk]))

    def _gated(self, left: Ints, right: Ints) -> tuple[Ints, Ints]:
        texts, scorer = (self._cores, fuzz.token_set_ratio) if self._strict else (self._sorted, fuzz.ratio)
        passed = _ratios(texts, left, right, scorer, self._rules.scoring.gate) > 0
        return left[passed], right[passed]

    def scored(self, left: Ints, right: Ints) -> pa.Table:
        """Pairs with their score and its parts."""
        rules = self._rules.scoring
        name, whole = (_ratios(self._sorted, left, right, scorer) for scorer in (fuzz.ratio, fuzz.token_set_ratio))
        overlap = self._words.overlap(left, right)
        base = rules.sort_weight * name + rules.set_weight * whole + rules.jaccard_weight * overlap.jaccard
        suffix, numbers, marks = self._differences(left, right)
        total = np.clip(
            np.rint(base - self._suffix_penalty(left, right) - self._penalties(rules, numbers, marks)), 0, 100
        )
        columns = (left, right, total, name, whole, overlap.jaccard, ~numbers, ~suffix, marks, base, overlap.shared)
        return pa.table(
            [
                pa.array(column.astype(field.type.to_pandas_dtype()))
                for column, field in zip(columns, EDGES, strict=True)
            ],
            schema=EDGES,
        )

    def _differences(self, left: Ints, right: Ints) -> tuple[Flags, Flags, Flags]:
        numbers = self._numbers[left] != self._numbers[right]
        if not self._strict:  # a number on one side only is no contradiction
            numbers &= (self._numbers[left] != self._no_numbers) & (self._numbers[right] != self._no_numbers)
        return self._classes[left] != self._classes[right], numbers, self._marks[left] != self._marks[right]

    def _suffix_penalty(self, left: Ints, right: Ints) -> Floats:
        differ = self._classes[left] != self._classes[right]
        one_has_none = (self._classes[left] == self._none) | (self._classes[right] == self._none)
        rules = self._rules.scoring
        return differ * np.where(one_has_none, rules.unsuffixed_penalty, rules.suffix_penalty)

    @staticmethod
    def _penalties(rules: Scoring, numbers: Flags, marks: Flags) -> Floats:
        return numbers * rules.number_penalty + marks * rules.punctuation_penalty


def _ratios(texts: list[str], left: Ints, right: Ints, scorer: Any, cutoff: float | None = None) -> Floats:
    found = process.cpdist(
        [texts[place] for place in left],
        [texts[place] for place in right],
        scorer=scorer,
        score_cutoff=cutoff,
        dtype=np.float64,
    )
    return np.asarray(found)


def _codes(column: pa.ChunkedArray, absent: str) -> tuple[Ints, int | None]:
    """Numbers for texts, and the number of the one that stands for nothing."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    return np.asarray(encoded.indices), encoded.dictionary.index(absent).as_py()
