"""A run in this process, or the scores of listed names, against a known truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.evaluation.measures import Quality, b_cubed, pairwise, sweep
from services.deduplication.evaluation.truth import LabelledNames, LinkedRecords, true_groups
from services.deduplication.explain import explain
from services.deduplication.inputs.columns import header_named, map_columns
from services.deduplication.inputs.given import Given
from services.deduplication.inputs.reading import slices
from services.deduplication.names.arrays import Flags, Floats, Ints
from services.deduplication.names.compare import WHOLE, compare_pairs
from services.deduplication.rules import Rules
from services.deduplication.runs.in_process import deduplicate
from services.deduplication.runs.preparing import Source
from services.deduplication.steps.keys import make_keys
from services.deduplication.steps.pairs import make_pairs
from services.deduplication.steps.similarity import Scorer

THRESHOLDS = (*range(50, 80, 5), *range(80, 101))
PARTS = ("ratio_name", "ratio_set", "jaccard", "num_style_match", "suffix_match")

_KEPT = ("survivors", "audit", "names", "tokens", "neighbours")
_NAME, _NO_DATE = "evaluated name", "no date"
_LOW = 0xFFFFFFFF

Row = dict[str, Any]


@dataclass(frozen=True)
class ScoredPairs:
    """Pairs that were compared, to calibrate with. Those of one owner belong together."""

    scores: Floats
    matches: Flags
    owners: Ints


@dataclass(frozen=True)
class Evaluation:
    """How good groups are; of listed names, how good the threshold of the rules is."""

    threshold: int
    records: int | None
    true_pairs: int
    candidates: int
    completeness: float
    pairwise: Quality
    b_cubed: Quality | None
    sweep: Sequence[tuple[float, Quality]]
    false_positives: Sequence[Row]
    false_negatives: Sequence[Row]
    scored: ScoredPairs


@dataclass(frozen=True)
class Reading:
    """Which columns are what; of several name columns the name is what they hold, one behind the other."""

    mapping: Mapping[str, str]
    name_columns: Sequence[str] = ()


def evaluate_names(truth: LabelledNames, rules: Rules, worst: int) -> Evaluation:
    """Listed pairs of names by their scores."""
    edges = compare_pairs(truth.left, truth.right, rules)
    scores, matches = np.asarray(edges["score"]).astype(float), np.asarray(truth.matches)
    ((_, quality),) = sweep(scores.tolist(), matches.tolist(), [rules.medium])

    def shown(wrong: Any, order: Any) -> list[Row]:
        places = np.flatnonzero(wrong)
        return [_of_names(truth, edges, place) for place in places[np.argsort(order[places], kind="stable")][:worst]]

    return Evaluation(
        threshold=rules.medium,
        records=None,
        true_pairs=int(matches.sum()),
        candidates=len(scores),
        completeness=1.0,
        pairwise=quality,
        b_cubed=None,
        sweep=sweep(scores.tolist(), matches.tolist(), THRESHOLDS),
        false_positives=shown(~matches & (scores >= rules.medium), -scores),
        false_negatives=shown(matches & (scores < rules.medium), scores),
        scored=ScoredPairs(scores, matches, np.arange(len(scores))),
    )


def _of_names(truth: LabelledNames, edges: pa.Table, place: int) -> Row:
    edge = edges.slice(place, 1).to_pylist()[0]
    return {
        "name_a": truth.left[place],
        "name_b": truth.right[place],
        "score": edge["score"],
        **{part: edge[part] for part in PARTS},
    }


def evaluate_records(source: Source, known: LinkedRecords, rules: Rules, worst: int, reading: Reading) -> Evaluation:
    """All steps over the records of a file. Pairs are read as connections: who is in one true group is a match.

    Records of which the truth is not known take part in the run, and count for nothing.
    """
    given, ids = _given(source, reading)
    truth = true_groups(ids, known.pairs)
    run = _Run(deduplicate(given, rules, keep=_KEPT), len(ids), rules)
    judged = np.array([known.known is None or account_id in known.known for account_id in ids], bool)
    run.leave_out(~judged)
    true, found = pairs_within(truth), pairs_within(run.groups)
    compared = _Compared(run, true)
    return Evaluation(
        threshold=rules.medium,
        records=int(judged.sum()),
        true_pairs=len(true),
        candidates=compared.candidates,
        completeness=compared.completeness,
        pairwise=pairwise(run.groups[judged], truth[judged]),
        b_cubed=b_cubed(run.groups[judged], truth[judged]),
        sweep=compared.sweep,
        false_positives=_worst(run, np.setdiff1d(found, true), ids, worst, -1),
        false_negatives=_worst(run, np.setdiff1d(true, found), ids, worst, 1),
        scored=compared.scored,
    )


def pairs_within(labels: Ints) -> Ints:
    """Every two places with the same label, the lower in the upper half of a number."""
    order = np.argsort(labels, kind="stable")
    ranked, found = labels[order], [np.empty(0, np.int64)]
    at, step = np.arange(len(labels)), 1
    while len(at):
        at = at[at + step < len(labels)]
        at = at[ranked[at] == ranked[at + step]]
        found.append(order[at] << 32 | order[at + step])
        step += 1
    return np.sort(np.concatenate(found))


def _given(source: Source, reading: Reading) -> tuple[Given, list[str]]:
    """The records with their places for ids, so that ids of any kind can be evaluated; and the ids."""
    table, wanted = _named(source, reading)
    if "created_date" not in wanted:  # which record of a group comes first is not evaluated
        table = table.append_column(_NO_DATE, pa.nulls(table.num_rows, pa.string()))
        wanted["created_date"] = _NO_DATE
    mapping = map_columns(table, source.name, wanted)
    columns = dict(zip(mapping["canonical"].to_pylist(), mapping["actual"].to_pylist(), strict=True))
    column = columns["account_id"]
    texts = pc.utf8_trim_whitespace(pc.fill_null(table[column], "")).combine_chunks()
    ids = pc.unique(texts)
    places = [_account_id(place) for place in pc.index_in(texts, ids).to_pylist()]
    table = table.set_column(table.column_names.index(column), column, pa.array(places, pa.string()))
    return Given(slices(table), mapping), ids.to_pylist()


def _named(source: Source, reading: Reading) -> tuple[pa.Table, dict[str, str]]:
    table, wanted = source.table, dict(reading.mapping)
    names = [header_named(table.column_names, column, source.name) for column in reading.name_columns]
    if names:
        parts = [pc.fill_null(table[column], "") for column in names]
        table = table.append_column(_NAME, pc.binary_join_element_wise(*parts, " "))
        wanted["account_name"] = _NAME
    return table, wanted


def _account_id(place: int) -> str:
    return f"{place:018}"


class _Run:
    """A run as it is looked at: of each record its group and its name, -1 if it is in none."""

    def __init__(self, made: Mapping[str, pa.Table], records: int, rules: Rules) -> None:
        self.made, self.rules = made, rules
        survivors = made["survivors"]
        places = np.array([int(account_id) for account_id in survivors["account_id"].to_pylist()], np.int64)
        self.names = np.full(records, -1, np.int64)
        self.names[places] = np.asarray(survivors["name"])
        self.groups = -1 - np.arange(records, dtype=np.int64)
        self.groups[places] = np.asarray(pc.dictionary_encode(survivors["group_id"].combine_chunks()).indices)
        self.scorer = Scorer(made["names"], made["tokens"], rules)

    def leave_out(self, records: Flags) -> None:
        """Take records for such that are in no group."""
        self.names[records] = -1
        self.groups[records] = -1 - np.flatnonzero(records)

    def by_name(self, pairs: Ints) -> tuple[Ints, Ints]:
        """The names of pairs of records, the lower first."""
        one, other = self.names[pairs >> 32], self.names[pairs & _LOW]
        return np.minimum(one, other), np.maximum(one, other)


class _Compared:
    """What was compared, by pairs of records: how much of the truth that holds, and what each threshold makes of it."""

    def __init__(self, run: _Run, true: Ints) -> None:
        keys = make_keys(run.made, WHOLE, run.rules)["keys"][0]
        pairs = make_pairs({"keys": keys, "names": run.made["names"]}, WHOLE, run.rules)["pairs"][0]
        lower, higher = (np.asarray(pairs[side]).astype(np.int64) for side in ("lower", "higher"))
        one, other = run.by_name(true)
        known = one >= 0
        self._true = len(true)
        self._codes, self._hits = np.unique(one[known] << 32 | other[known], return_counts=True)
        self._sizes = np.bincount(run.names[run.names >= 0], minlength=run.made["names"].num_rows)
        alike = np.flatnonzero(self._sizes > 1)
        self.candidates = int(self._weights(lower, higher).sum() + self._weights(alike, alike).sum())
        found = self._hits_of(lower, higher).sum() + self._hits_of(alike, alike).sum()
        self.completeness = float(found / self._true) if self._true else 1.0
        self.scored, missed = self._scored(run.scorer, lower, higher, alike)
        self.sweep = sweep(self.scored.scores.tolist(), self.scored.matches.tolist(), THRESHOLDS, missed)

    def _weights(self, one: Ints, other: Ints) -> Ints:
        """How many pairs of records have these two names."""
        sizes: Ints = self._sizes[one]
        return np.where(one == other, sizes * (sizes - 1) // 2, sizes * self._sizes[other])

    def _hits_of(self, one: Ints, other: Ints) -> Ints:
        """How many of them are true."""
        codes = one << 32 | other
        if not len(self._codes):
            return np.zeros(len(codes), np.int64)
        place = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return np.where(self._codes[place] == codes, self._hits[place], 0)

    def _scored(self, scorer: Scorer, lower: Ints, higher: Ints, alike: Ints) -> tuple[ScoredPairs, int]:
        """Pairs of records, those of one lower name together; and how many true ones are not among them."""
        edges = scorer.edges(lower, higher, least=THRESHOLDS[0])
        score, a, b = (np.asarray(edges[column]).astype(np.int64) for column in ("score", "a", "b"))
        scores = np.concatenate([np.full(len(alike), 100), score])
        one, other = np.concatenate([alike, np.minimum(a, b)]), np.concatenate([alike, np.maximum(a, b)])
        weights, hits = self._weights(one, other), self._hits_of(one, other)
        nth = np.arange(weights.sum()) - np.repeat(np.cumsum(weights) - weights, weights)
        matches = nth < np.repeat(hits, weights)
        owners = np.repeat(one, weights)
        return ScoredPairs(np.repeat(scores, weights).astype(float), matches, owners), self._true - int(hits.sum())


def _worst(run: _Run, pairs: Ints, ids: Sequence[str], worst: int, sign: int) -> list[Row]:
    """The pairs of the lowest score, or with -1 of the highest; first of all those of records that are in no group."""
    one, other = run.by_name(pairs)
    scores = np.where(one == other, 100, -1)
    different = np.flatnonzero((one >= 0) & (one != other))
    codes, back = np.unique(one[different] << 32 | other[different], return_inverse=True)
    scores[different] = np.asarray(run.scorer.scored(codes >> 32, codes & _LOW)["score"])[back]
    chosen = np.argsort(sign * scores, kind="stable")[:worst]
    return [_explained(run, ids, int(pair >> 32), int(pair & _LOW)) for pair in pairs[chosen]]


def _explained(run: _Run, ids: Sequence[str], one: int, other: int) -> Row:
    found = explain(run.made, _account_id(one), _account_id(other), run.rules)
    edge = found.edge or {}
    names = [record.get("name_raw") or record.get("account_name") for record in found.records]
    return {
        "id_a": ids[one],
        "id_b": ids[other],
        "name_a": names[0],
        "name_b": names[1],
        "score": edge.get("score", 100 if 0 <= run.names[one] == run.names[other] else None),
        **{part: edge.get(part) for part in PARTS},
        "reason": found.verdict,
    }
