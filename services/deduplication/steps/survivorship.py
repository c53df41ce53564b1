"""Step 9: of each group the record that survives, why every other belongs to it, and what merging them would change."""

from collections.abc import Mapping
from itertools import pairwise, repeat
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import to_json

from services.deduplication.increments.identity import Change, Event, Inheritance, changed, group_id
from services.deduplication.names.arrays import Ints
from services.deduplication.names.name import NO_SUFFIX
from services.deduplication.rules import Rules
from services.deduplication.steps.joining import EXACT, PRIMARY, SAME_NAME, SINGLETON, Way, Ways
from services.deduplication.steps.preview import Member, preview
from services.deduplication.work import Part, Produced, Tables

Record = dict[str, Any]


class Belonging(NamedTuple):
    """How a record belongs to its group."""

    group_join_reason: str
    weakest_edge_to_primary: int | None = None
    shared_tokens_count: int | None = None
    applied_penalties: str | None = None
    join_path: str | None = None
    merge_preview_json: str | None = None


def survive(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Members in order of their groups, the primary first; and the directory of names, for aliases."""
    members = _ranked(tables["members"], rules)
    roots = np.asarray(members["root"])
    starts = np.flatnonzero(np.append(True, roots[1:] != roots[:-1])) if len(roots) else np.empty(0, np.int64)
    sizes = np.diff(np.append(starts, len(roots)))
    owners = np.repeat(np.arange(len(starts)), sizes)
    inheritance = Inheritance.of(tables["inherited"])
    ids = group_ids(members["account_id"], roots, starts, rules.digest(), inheritance)
    first = np.zeros(len(roots), bool)
    first[starts] = True
    best = _best_scores(members, owners, sizes)
    survivors = members.drop_columns(["root", "form", "max_score"]).append_column("max_score", best)
    for column, values in {
        "group_id": pa.array(ids, pa.string()).take(pa.array(owners)),
        "group_size": pa.array(sizes[owners], pa.int32()),
        "is_primary": pa.array(first),
        "survivorship_reason": _survival(members, starts, sizes, rules),
        "suffix_classes": pa.array(_suffix_classes(members, owners)[owners], pa.int32()),
        "exact_representative": _representatives(members),
        **_explained(members, sizes, tables["joins"], rules),
    }.items():
        survivors = survivors.append_column(column, values)
    changes = _changes(inheritance, dict(zip(roots[starts].tolist(), ids, strict=True)), tables["previous"], part)
    return {"survivors": survivors, "directory": _directory(survivors), "changes": changes}


def _ranked(members: pa.Table, rules: Rules) -> pa.Table:
    order = [("root", "ascending"), *((column, "ascending") for column in rules.tie_breaks), ("row", "ascending")]
    return members.combine_chunks().sort_by(order).combine_chunks()


def group_ids(
    account_ids: pa.ChunkedArray, roots: Ints, starts: Ints, digest: str, inheritance: Inheritance
) -> list[str]:
    """Ids of groups: what they keep from before, else of their members' ids and the rules, so that the same group has
    the same id wherever it is made."""
    kept = inheritance.ids()
    order = pc.sort_indices(
        pa.table({"root": pa.array(roots), "id": account_ids}), [("root", "ascending"), ("id", "ascending")]
    )
    ids = account_ids.take(order).to_pylist()
    bounds = pairwise([*starts.tolist(), len(ids)])
    return [
        kept.get(root) or group_id(ids[start:end], digest, inheritance.heirs)
        for root, (start, end) in zip(roots[starts].tolist(), bounds, strict=True)
    ]


def _changes(inheritance: Inheritance, ids: Mapping[int, str], previous: pa.Table, part: Part) -> pa.Table:
    """What happened to the groups of this part; the first part also tells which are gone. At first nothing is news."""
    if not previous.num_rows:
        return changed(())
    gone = set(previous["group_id"].to_pylist()) - inheritance.heirs.keys() if part.number == 0 else ()
    return changed([*inheritance.events(ids), *(Event(Change.GONE, was) for was in gone)])


def _survival(members: pa.Table, starts: Ints, sizes: Ints, rules: Rules) -> pa.Array:
    """By which tie-break a record won or lost: the first in which it differs from the primary, or that from another."""
    rival = np.repeat(starts, sizes)
    rival[starts] = np.where(sizes > 1, starts + 1, starts)
    decided = np.zeros(members.num_rows, np.int64)
    for number, column in reversed(list(enumerate(rules.tie_breaks, 1))):
        codes = np.asarray(pc.fill_null(members[column].combine_chunks().dictionary_encode().indices, -1))
        decided[codes != codes[rival]] = number
    behind = np.ones(members.num_rows, bool)
    behind[starts] = False
    decided[behind] += len(rules.tie_breaks)
    ways = ("only_record", *(f"{way}_by_{column}" for way in ("first", "behind") for column in rules.tie_breaks))
    return pa.array(ways).take(pa.array(decided))


def _suffix_classes(members: pa.Table, owners: Ints) -> Ints:
    """How many legal forms each group holds; none is no form."""
    encoded = members["suffix_class"].combine_chunks().dictionary_encode()
    codes, none = np.asarray(encoded.indices).astype(np.int64), encoded.dictionary.index(NO_SUFFIX).as_py()
    kinds = np.unique((owners << 32 | codes)[codes != none])
    return np.bincount(kinds >> 32, minlength=int(owners.max(initial=-1)) + 1)


def _representatives(members: pa.Table) -> pa.Array:
    """Of records of a group that are spelt exactly alike, the smallest account id; none where only one is spelt so."""
    firsts = members.group_by("spelling", use_threads=False).aggregate([("account_id", "min"), ("account_id", "count")])
    place = pc.index_in(members["spelling"].combine_chunks(), firsts["spelling"].combine_chunks())
    several = pc.greater(firsts["account_id_count"], 1)
    found = pc.if_else(several, firsts["account_id_min"], None).combine_chunks().take(place)
    return pc.if_else(members["placeholder"], None, found).combine_chunks()


def _directory(survivors: pa.Table) -> pa.Table:
    """For each name of a company its group and the smallest account id that has it."""
    named = survivors.filter(pc.invert(survivors["placeholder"]))
    names = named.group_by(["name", "group_id"], use_threads=False).aggregate([("account_id", "min")])
    return names.rename_columns({"account_id_min": "account_id"}).sort_by("name")


def _best_scores(members: pa.Table, owners: Ints, sizes: Ints) -> pa.Array:
    """The best score in each group: 100 where two records have the same name."""
    names = np.unique(owners << 32 | np.asarray(members["name"]))
    repeated = np.bincount(names >> 32, minlength=len(sizes)) < sizes
    return pa.array(np.where(repeated[owners], 100, np.asarray(members["max_score"])), pa.float32())


def _explained(members: pa.Table, sizes: Ints, joins: pa.Table, rules: Rules) -> dict[str, pa.Array]:
    """Why each record is in its group and what a merge would change. Records alone need no words."""
    together = np.flatnonzero(np.repeat(sizes, sizes) > 1)
    chosen = members.take(pa.array(together))
    fields = zip(*(chosen[field].to_pylist() for field in rules.preview_fields), strict=True)
    columns = [chosen[column].to_pylist() for column in Member._fields[:-1]]
    records = list(map(Member, *columns, fields if rules.preview_fields else repeat(())))
    rows, ways, start = [], Ways(joins), 0
    for size in sizes[sizes > 1].tolist():
        rows += explain_group(records[start : start + size], ways, rules)
        start += size
    places = np.full(members.num_rows, len(rows))
    places[together] = np.arange(len(rows))
    found = zip(*rows, _ALONE, strict=True)
    return {
        name: pa.array(values, kind).take(pa.array(places))
        for (name, kind), values in zip(_EXPLAINED.items(), found, strict=True)
    }


_EXPLAINED = {
    "group_join_reason": pa.string(),
    "weakest_edge_to_primary": pa.int16(),
    "shared_tokens_count": pa.int16(),
    "applied_penalties": pa.string(),
    "join_path": pa.string(),
    "merge_preview_json": pa.string(),
}
_ALONE = Belonging(SINGLETON)


def explain_group(records: list[Member], ways: Ways, rules: Rules) -> list[Belonging]:
    """For each record of a group, the primary first, how it belongs to it; the preview is with the primary."""
    primary = records[0]
    routes = ways.to(primary.name)
    cores = {record.name: record.name_core for record in records}
    rows = [_belongs(record, primary, routes[record.name], cores) for record in records]
    shown = preview(records, [row.weakest_edge_to_primary for row in rows], rules.preview_fields)
    rows[0] = rows[0]._replace(group_join_reason=PRIMARY, merge_preview_json=shown)
    return rows


def _belongs(record: Member, primary: Member, way: Way, cores: dict[int, str]) -> Belonging:
    weakest = way.weakest
    if weakest is None:
        shared = record.form.count(" ") + 1
        return Belonging(EXACT if record.spelling == primary.spelling else SAME_NAME, 100, shared)
    steps = zip(way.names, (join["score"] for join in way.joins), strict=False)
    path = [*([cores.get(name), step] for name, step in steps), [primary.name_core]]
    shared = len(set(record.form.split()) & set(primary.form.split()))
    return Belonging(weakest["reason"], weakest["score"], shared, penalties(weakest), to_json(path).decode())


def penalties(edge: Record) -> str:
    """For what the score of an edge was lowered."""
    lowered = {
        "legal_form": not edge["suffix_match"],
        "numbers": not edge["num_style_match"],
        "punctuation": edge["punctuation_mismatch"],
    }
    return " ".join(what for what, applies in lowered.items() if applies)
