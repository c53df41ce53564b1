"""Step 8: records to groups. Each goes where its name is, or into the audit: every row is in one of both."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.increments.identity import INHERITED
from services.deduplication.rules import Rules
from services.deduplication.steps.ingest import AUDIT
from services.deduplication.steps.normalize import first_rows
from services.deduplication.work import Part, Produced, Tables

REPEATED = "repeated_account_id"

_JUDGED = ("placeholder", "blacklisted", "suspicious")
_OF_SPELLING = ("name_core", "suffix_class", "has_multiple_names", "name_base", "noise", *_JUDGED)


def assign(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Records with their name and group, for the part that works on the group; and those that are in none, with why."""
    records, spellings, names = tables["records"], tables["spellings"], tables["names"]
    place = pc.index_in(records["spelling"], spellings["spelling"].combine_chunks())
    for column in _OF_SPELLING:
        records = records.append_column(column, spellings[column].take(place))
    name = pc.index_in(spellings["key"], names["key"].combine_chunks()).take(place)
    records = records.append_column("name", name)
    reasons = _reasons(records, tables["repeats"])
    kept = records.filter(pc.is_null(reasons)).drop_columns("noise")
    alone = pc.or_(kept["placeholder"], _repeated(kept, tables["origins"])) if rules.one_to_one else kept["placeholder"]
    kept = _grouped(kept, names, tables["grouping"], alone)
    return {
        "members": _routed(kept, part.shards),
        "filtered": _audit(records, reasons),
        "inherited": _inherited(kept, tables["previous"]),
    }


def _reasons(records: pa.Table, repeats: pa.Table) -> pa.ChunkedArray:
    repeated = pc.is_in(records["row"], repeats["row"].combine_chunks())
    return pc.if_else(repeated, REPEATED, records["noise"])


def _audit(records: pa.Table, reasons: pa.ChunkedArray) -> pa.Table:
    columns = [records["row"], records["account_id"], records["name_raw"], reasons]
    return pa.table(columns, schema=AUDIT).filter(pc.is_valid(reasons))


def _repeated(records: pa.Table, origins: pa.Table) -> pa.ChunkedArray:
    """Whether a source has the name in an earlier row; if it has each thing once, this is another one."""
    first = pc.is_in(records["row"], first_rows(origins)["row"].combine_chunks())
    return pc.and_not(pc.not_equal(records["source"], ""), first)


def _grouped(records: pa.Table, names: pa.Table, grouping: pa.Table, alone: pa.ChunkedArray) -> pa.Table:
    """With the group of the name, or alone. A placeholder, for one, makes no two records one company."""
    name = records["name"].combine_chunks()
    own = pc.add(records["row"], names.num_rows).cast(pa.int32())
    records = records.append_column("form", names["form"].take(name))
    records = records.append_column("root", pc.if_else(alone, own, grouping["root"].take(name)))
    best = pc.if_else(alone, pa.scalar(0, pa.float32()), grouping["max_score"].take(name))
    return records.append_column("max_score", best)


def _inherited(records: pa.Table, previous: pa.Table) -> pa.Table:
    """How many records of earlier groups are in which group now."""
    place = pc.index_in(records["account_id"], previous["account_id"].combine_chunks())
    known = pa.table({"was": previous["group_id"].take(place), "root": records["root"]}).drop_null()
    counted = known.group_by(["was", "root"], use_threads=False).aggregate([([], "count_all")])
    return counted.rename_columns(INHERITED.names).cast(INHERITED)


def _routed(records: pa.Table, shards: int) -> list[pa.Table]:
    shard = np.asarray(records["root"]) % shards
    return [records.filter(pa.array(shard == number)).combine_chunks() for number in range(shards)]
