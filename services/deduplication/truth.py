"""What is known to be true of records or names, read from a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from services.deduplication.arrays import Ints
from services.deduplication.clusters import clusters
from services.deduplication.preparing import Source
from shared.errors import UsageError

Pair = tuple[str, str]

OF_RECORDS, OF_NAMES = ("id_a", "id_b"), ("name_a", "name_b", "is_match")

_YES, _NO = ("1", "true", "yes"), ("0", "false", "no", "")


@dataclass(frozen=True)
class LabelledNames:
    """Pairs of names, each with whether they are of one company."""

    left: Sequence[str]
    right: Sequence[str]
    matches: Sequence[bool]


def read_truth(path: Path) -> Sequence[Pair] | LabelledNames:
    """The pairs of ids that match, or labelled pairs of names. Raises UsageError."""
    table = Source.of(path).table
    if set(OF_RECORDS) <= set(table.column_names):
        return list(zip(*_texts(table, OF_RECORDS), strict=True))
    if set(OF_NAMES) <= set(table.column_names):
        left, right, labels = _texts(table, OF_NAMES)
        return LabelledNames(left, right, [_label(label, path) for label in labels])
    raise UsageError(
        f"{path} tells no truth: its columns are {', '.join(table.column_names[2:])}",
        remedy=f"give it the columns {', '.join(OF_RECORDS)}, or {', '.join(OF_NAMES)}",
    )


def true_groups(ids: Sequence[str], pairs: Sequence[Pair]) -> Ints:
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
