"""Scores without groups: of listed pairs of texts, and of all pairs among some texts that are worth comparing."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.names.name import NameReader
from services.deduplication.rules import Rules
from services.deduplication.steps.index import index
from services.deduplication.steps.ingest import ID_COLUMNS
from services.deduplication.steps.keys import make_keys
from services.deduplication.steps.normalize import ORIGINS, forms, spelling_table
from services.deduplication.steps.pairs import make_pairs
from services.deduplication.steps.similarity import Scorer
from services.deduplication.work import Part

WHOLE = Part(0, 1, 1)


def compare_pairs(left: Sequence[str], right: Sequence[str], rules: Rules) -> pa.Table:
    """The edge of each pair of texts, in the order given."""
    spellings, tables = _indexed([*left, *right], rules)
    places = np.asarray(pc.index_in(spellings["key"], tables["names"]["key"].combine_chunks()))
    scorer = Scorer(tables["names"], tables["tokens"], rules)
    return scorer.scored(places[: len(left)], places[len(left) :])


def compare_all(texts: Sequence[str], rules: Rules) -> pa.Table:
    """Scores of the pairs of texts that share a key, `a` and `b` being their places; texts that are equal have 100."""
    spellings, tables = _indexed(texts, rules)
    tables |= {"keys": make_keys(tables, WHOLE, rules)["keys"][0]}
    pairs = make_pairs(tables, WHOLE, rules)["pairs"][0]
    lower, higher = (np.asarray(pairs[side]).astype(np.int64) for side in ("lower", "higher"))
    edges = Scorer(tables["names"], tables["tokens"], rules).edges(lower, higher, least=0)
    place = np.asarray(pc.index_in(spellings["key"], tables["names"]["key"].combine_chunks()))
    return _of_texts(edges, place)


def _indexed(texts: Sequence[str], rules: Rules) -> tuple[pa.Table, dict[str, pa.Table]]:
    reader = NameReader(rules.names, marks=rules.scoring.punctuation_penalty > 0)
    spellings = spelling_table(texts, [reader.read(text) for text in texts], rules)
    once = spellings.append_column("records", pa.array(np.ones(len(texts), np.int64)))
    made = index(
        {"forms": forms(once), "origins": ORIGINS.empty_table(), "ids": ID_COLUMNS.empty_table()}, WHOLE, rules
    )
    return spellings, dict(made)


def _of_texts(edges: pa.Table, place: np.ndarray) -> pa.Table:
    """Edges of names as scores of the texts that have them."""
    texts_of: dict[int, list[int]] = {}
    for text, name in enumerate(place.tolist()):
        texts_of.setdefault(name, []).append(text)
    found = {(a, b): 100 for texts in texts_of.values() for i, a in enumerate(texts) for b in texts[i + 1 :]}
    for a, b, score in zip(*(edges[column].to_pylist() for column in ("a", "b", "score")), strict=True):
        found |= {(min(x, y), max(x, y)): score for x in texts_of[a] for y in texts_of[b]}
    rows = sorted((a, b, score) for (a, b), score in found.items())
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    kinds = (("a", pa.int64()), ("b", pa.int64()), ("score", pa.int16()))
    return pa.table({name: pa.array(values, kind) for (name, kind), values in zip(kinds, columns, strict=True)})
