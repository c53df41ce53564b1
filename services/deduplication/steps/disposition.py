"""Step 11: what becomes of each record, by the first rule that fits, and why."""

import re
from collections import defaultdict
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import to_json

from services.deduplication.inputs.account_ids import extended, valid_ids
from services.deduplication.names.arrays import Flags
from services.deduplication.names.name import fold
from services.deduplication.rules import Rules
from services.deduplication.steps.alias import MATCHES
from services.deduplication.work import Part, Produced, Tables

DETAILS = (
    *("row", "group_id", "group_size", "max_score", "is_primary", "account_id", "name_raw", "name_core"),
    *("suffix_class", "created_date", "group_join_reason", "disposition", "disposition_reason"),
)


BLACKLISTED = "blacklisted_name"


class Disposition(StrEnum):
    """What to do with a record."""

    KEEP = "Keep"
    UPDATE = "Update"
    DELETE = "Delete"
    VERIFY = "Verify"


def dispose(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Survivors with disposition and reason, for the slices of the input they are from; and what statistics need."""
    survivors = tables["survivors"].combine_chunks()
    references = _references(survivors, tables["alias_matches"])
    verdicts, reasons = _decided(survivors, references, tables["overrides"], tables["blacklist"])
    decided = survivors.append_column("alias_cross_refs", pa.array([_json(found) for found in references], pa.string()))
    decided = decided.append_column("disposition", verdicts).append_column("disposition_reason", reasons)
    slices = np.asarray(decided["slice"])
    return {
        "decisions": [decided.filter(pa.array(slices == number)) for number in range(part.inputs)],
        "details": decided.select(DETAILS),
    }


def _decided(
    survivors: pa.Table, references: list[list[dict[str, Any]]], overrides: pa.Table, blacklist: pa.Table
) -> tuple[pa.Array, pa.Array]:
    alone, primary = np.asarray(survivors["group_size"]) == 1, np.asarray(survivors["is_primary"])
    blacklisted = np.asarray(survivors["blacklisted"]) | _listed(survivors["spelling"], blacklist)
    manual = _overrides(survivors["account_id"], overrides)
    rules: list[tuple[Flags, Disposition, str]] = [
        (blacklisted, Disposition.DELETE, BLACKLISTED),
        (np.asarray(survivors["has_multiple_names"]), Disposition.VERIFY, "multi_name_string_requires_split"),
        (np.array([bool(found) for found in references], bool), Disposition.VERIFY, "alias_matches"),
        (np.asarray(survivors["suffix_classes"]) > 1, Disposition.VERIFY, "suffix_mismatch"),
        (alone & np.asarray(survivors["suspicious"]), Disposition.VERIFY, "suspicious_singleton"),
        (alone, Disposition.KEEP, "clean_singleton"),
        (primary, Disposition.KEEP, "primary_record"),
        (~primary, Disposition.UPDATE, "duplicate_record"),
    ]
    first = np.argmax([applies for applies, _, _ in rules], axis=0) if survivors.num_rows else np.empty(0, np.int64)
    verdicts = pa.array([verdict.value for _, verdict, _ in rules]).take(pa.array(first))
    reasons = pa.array([reason for _, _, reason in rules]).take(pa.array(first))
    by_alias = first == 2
    named = [_alias_reason(references[place]) for place in np.flatnonzero(by_alias)]
    reasons = pc.replace_with_mask(reasons, pa.array(by_alias), pa.array(named, pa.string()))
    said = pc.binary_join_element_wise("manual_override", manual, ":")
    return pc.coalesce(manual, verdicts), pc.coalesce(said, reasons)


def _listed(spellings: pa.ChunkedArray, blacklist: pa.Table) -> Flags:
    """Which names hold a term that people listed, anywhere in them; case, accents and white space are as in names."""
    terms = sorted({fold(" ".join((term or "").split())) for term in blacklist["term"].to_pylist()} - {""})
    if not terms:
        return np.zeros(len(spellings), bool)
    encoded = spellings.combine_chunks().dictionary_encode()
    names = pa.array(map(fold, encoded.dictionary.to_pylist()), pa.string())
    found = pc.match_substring_regex(names, "|".join(map(re.escape, terms)))
    return np.asarray(found.take(encoded.indices))


def _overrides(account_ids: pa.ChunkedArray, overrides: pa.Table) -> pa.Array:
    """What people decided for accounts, by id of either length; of several decisions the last."""
    known = overrides.filter(valid_ids(overrides["account_id"]))
    order = pc.sort_indices(known, [("timestamp", "ascending")])
    known = known.take(order).combine_chunks()
    last = dict(
        zip(extended(known["account_id"].combine_chunks()).to_pylist(), known["override"].to_pylist(), strict=True)
    )
    place = pc.index_in(account_ids.combine_chunks(), pa.array(list(last), pa.string()))
    return pa.array(list(last.values()), pa.string()).take(place)


def _references(survivors: pa.Table, matches: pa.Table) -> list[list[dict[str, Any]]]:
    """For each record the matches of its aliases in other groups."""
    by_spelling: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for match in matches.sort_by([(column, "ascending") for column in MATCHES.names]).to_pylist():
        by_spelling[match["spelling"]].append(match)
    spellings, groups = survivors["spelling"].to_pylist(), survivors["group_id"].to_pylist()
    return [
        [match for match in by_spelling[spelling] if match["group_id"] != group] if spelling in by_spelling else []
        for spelling, group in zip(spellings, groups, strict=True)
    ]


def _alias_reason(references: list[dict[str, Any]]) -> str:
    groups = {match["group_id"] for match in references}
    sources = sorted({match["source"] for match in references})
    return f"alias_matches_{len(groups)}_groups_via_{'_'.join(sources)}"


def _json(references: list[dict[str, Any]]) -> str | None:
    if not references:
        return None
    shown = ("alias", "group_id", "score", "source")
    return to_json([{key: match[key] for key in shown} for match in references]).decode()
