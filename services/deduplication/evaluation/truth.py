"""What is known to be true of records or names, read from a file."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from services.deduplication.names.arrays import Ints
from services.deduplication.runs.preparing import Source
from services.deduplication.steps.clusters import clusters
from shared.errors import UsageError

PAIRS, CLUSTERS, NAMES = ("id_a", "id_b"), ("id", "cluster"), ("name_a", "name_b", "is_match")

_YES, _NO = ("1", "true", "yes"), ("0", "false", "no", "")


@dataclass(frozen=True)
class LabelledNames:
    """Pairs of names, each with whether they are of one company."""

    left: Sequence[str]
    right: Sequence[str]
    matches: Sequence[bool]


@dataclass(frozen=True)
class LinkedRecords:
    """Pairs of ids that match; and the ids of which the truth is known, where that is not all of them."""

    pairs: Sequence[tuple[str, str]]
    known: Collection[str] | None = None


def read_truth(path: Path) -> LinkedRecords | LabelledNames:
    """What a file knows of records or of names. Raises UsageError."""
    table = Source.of(path).table
    columns = set(table.column_names)
    if columns.issuperset(PAIRS):
        return LinkedRecords(list(zip(*_texts(table, PAIRS), strict=True)))
    if found := _cluster_columns(table.column_names):
        return _linked(*_texts(table, found))
    if columns.issuperset(NAMES):
        left, right, labels = _texts(table, NAMES)
        return LabelledNames(left, right, [_label(label, path) for label in labels])
    raise UsageError(
        f"{path} tells no truth: its columns are {', '.join(table.column_names[2:])}",
        remedy="give it the columns " + ", or ".join(", ".join(kind) for kind in (PAIRS, CLUSTERS, NAMES)),
    )


def _cluster_columns(headers: Sequence[str]) -> tuple[str, str] | None:
    """The columns of ids and of clusters: by their words, for exports call them Account ID and true_cluster_id."""
    words = {header: re.split(r"[\W_]+", header.lower()) for header in headers}
    clusters = [header for header in headers if "cluster" in words[header]]
    ids = [header for header in headers if "id" in words[header] and header not in clusters]
    return (ids[0], clusters[0]) if len(ids) == len(clusters) == 1 else None


def _linked(ids: Sequence[str], labels: Sequence[str]) -> LinkedRecords:
    """Each record with the first of its cluster."""
    firsts = dict(zip(reversed(labels), reversed(ids), strict=True))
    return LinkedRecords([(firsts[label], one) for one, label in zip(ids, labels, strict=True)], frozenset(ids))


def true_groups(ids: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Ints:
    """A number for each id, the same for those that pairs connect. Raises UsageError if one of a pair is no id."""
    place = {account_id: number for number, account_id in enumerate(ids)}
    if unknown := next((known for pair in pairs for known in pair if known not in place), None):
        raise UsageError(f"the truth names {unknown}, which no record has for its id", remedy="--map account_id=COLUMN")
    groups = np.arange(len(ids), dtype=np.int64)
    for cluster in clusters(ids, ((one, other, 1.0) for one, other in pairs), 1.0, "single").clusters:
        groups[[place[account_id] for account_id in cluster]] = place[cluster[0]]
    return groups


def _texts(table: pa.Table, columns: Sequence[str]) -> list[list[str]]:
    return [[(text or "").strip() for text in table[column].to_pylist()] for column in columns]


def _label(text: str, path: Path) -> bool:
    if text.lower() not in (*_YES, *_NO):
        raise UsageError(f"{path}: is_match is {text!r}", remedy="write 1 or 0")
    return text.lower() in _YES
