"""Step 12: groups and the run as a whole in figures, and the account of every row."""

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import to_json

from services.deduplication.inputs.account_ids import extended, valid_ids
from services.deduplication.inputs.columns import DATE_ORDER, DAY_FIRST, MONTH_FIRST
from services.deduplication.rules import Rules
from services.deduplication.steps.disposition import BLACKLISTED
from services.deduplication.steps.keys import first_token
from services.deduplication.work import Part, Produced, Tables

TOP_TOKENS = 10
EXAMPLES = 5

STATISTICS_OF = (
    *("details", "refused", "filtered", "blocks", "scored", "refusals", "date_flaws"),
    *("mapping", "overrides", "blacklist", "aliases", "alias_matches"),
)
"""Artifacts that this step reads."""

GROUP_STATS = pa.schema(
    [
        ("group_id", pa.string()),
        ("group_size", pa.int32()),
        ("max_score", pa.float32()),
        ("primary_name", pa.string()),
        ("disposition", pa.string()),
    ]
)
GROUP_DETAILS = ("group_id", "account_id", "account_name", "suffix_class", "created_date", "disposition")


def summarize(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Statistics and details of groups, the audit, blocks by family, and two documents about the run."""
    details = tables["details"].rename_columns({"name_raw": "account_name"})
    audit = pa.concat_tables([tables["refused"], tables["filtered"]]).sort_by("row").combine_chunks()
    stats = group_stats(details)
    tokens, said = first_tokens(details, rules), rules.model_dump(mode="json")
    meta = {
        "rules": said,
        "rules_digest": rules.digest(),
        "version": version("sluice"),
        "thresholds": _thresholds(said),
        "dispositions": _counts(details["disposition"]),
        "reasons": _counts(details["disposition_reason"]),
        "audit": _counts(audit["reason"]),
        "dates": _dates(tables["date_flaws"], tables["mapping"]),
        "blacklist": _blacklist(tables, rules),
        "overrides": _overrides(tables["overrides"], details["account_id"]),
        "aliases": _aliases(tables["aliases"], tables["alias_matches"]),
        "brands": brand_suggestions(tokens, rules),
    }
    return {
        "group_stats": stats,
        "group_details": _details(details),
        "audit": audit,
        "diagnostics": _diagnostics(tables["blocks"]),
        "review_meta": _document(meta),
        "perf_summary": _document(_performance(tables, stats, audit, tokens)),
    }


def group_stats(details: pa.Table) -> pa.Table:
    """A row a group, in order of their ids; name and disposition are the primary's."""
    primaries = (
        details.filter(details["is_primary"]).sort_by("group_id").rename_columns({"account_name": "primary_name"})
    )
    return primaries.select(GROUP_STATS.names).cast(GROUP_STATS).combine_chunks()


def _details(details: pa.Table) -> pa.Table:
    order = [("group_id", "ascending"), ("is_primary", "descending"), ("account_id", "ascending")]
    return details.sort_by(order).select(GROUP_DETAILS).combine_chunks()


def first_tokens(details: pa.Table, rules: Rules) -> pa.Table:
    """How many records begin with a word, and how many of them are alone in their group; the most frequent first."""
    cores = pc.dictionary_encode(details["name_core"]).combine_chunks()
    firsts = pa.array([first_token(core, rules.blocking.stop_tokens) for core in cores.dictionary.to_pylist()])
    alone = pc.cast(pc.equal(details["group_size"], 1), pa.int64())
    table = pa.table({"token": firsts.take(cores.indices), "singletons": alone})
    counted = table.group_by("token", use_threads=False).aggregate([("token", "count"), ("singletons", "sum")])
    named = counted.rename_columns({"token_count": "count", "singletons_sum": "singletons"})
    return named.sort_by([("count", "descending"), ("token", "ascending")])


def brand_suggestions(tokens: pa.Table, rules: Rules) -> list[dict[str, Any]]:
    """First words of many names that have little to do with each other: candidates for a rule of their own."""
    found = []
    for row in tokens.filter(pc.greater_equal(tokens["count"], rules.blocking.brand_count)).to_pylist():
        rate = row["singletons"] / row["count"]
        if rate >= rules.blocking.brand_singletons:
            confidence = 0.5 * min(1, row["count"] / 50) + 0.5 * max(0, (rate - 0.5) / 0.5)
            found.append(
                {"token": row["token"], "count": row["count"], "singleton_rate": rate, "confidence": confidence}
            )
    return sorted(found, key=lambda row: (-row["confidence"], row["token"]))


def _thresholds(rules: Mapping[str, Any]) -> dict[str, float]:
    named = {name: rules[name] for name in ("high", "medium", "canopy", "alias_score")}
    return {**named, "gate": rules["scoring"]["gate"]}


def _dates(flaws: pa.Table, mapping: pa.Table) -> dict[str, Any]:
    """Which order they are in, and how many records have a date that is flawed in some way, with examples."""
    order = DAY_FIRST if DATE_ORDER in mapping["canonical"].to_pylist() else MONTH_FIRST
    found: dict[str, Counter[str]] = {}
    for flaw in flaws.to_pylist():
        found.setdefault(flaw["reason"], Counter())[flaw["value"]] += flaw["rows"]
    return {"order": order, "flaws": {reason: _with_examples(found[reason]) for reason in sorted(found)}}


def _with_examples(values: Counter[str]) -> dict[str, Any]:
    examples = sorted(values, key=lambda value: (-values[value], value))[:EXAMPLES]
    return {"records": values.total(), "examples": examples}


def _blacklist(tables: Tables, rules: Rules) -> dict[str, int]:
    """Terms by where they are from, and the records that any of them has deleted."""
    decided = rules.dispositions
    return {
        "of_rules": len(decided.blacklist_tokens) + len(decided.blacklist_names) + len(decided.blacklist_phrases),
        "of_people": tables["blacklist"].num_rows,
        "records": pc.sum(pc.equal(tables["details"]["disposition_reason"], BLACKLISTED)).as_py() or 0,
    }


def _overrides(overrides: pa.Table, accounts: pa.ChunkedArray) -> dict[str, Any]:
    """How many accounts they are about, and which of these are in no group."""
    given = overrides["account_id"].combine_chunks()
    ids = pc.unique(extended(given.filter(valid_ids(given))))
    unmatched = ids.filter(pc.invert(pc.is_in(ids, accounts.combine_chunks())))
    return {
        "accounts": len(ids),
        "applied": len(ids) - len(unmatched),
        "unmatched": sorted(unmatched.to_pylist()),
    }


def _aliases(aliases: pa.Table, matches: pa.Table) -> dict[str, Any]:
    """Aliases in names, each spelling counted once, and what they match."""
    found = aliases.group_by(["spelling", "alias", "source"], use_threads=False).aggregate([])
    return {"found": _counts(found["source"]), "matches": _counts(matches["source"])}


def _performance(tables: Tables, stats: pa.Table, audit: pa.Table, tokens: pa.Table) -> dict[str, Any]:
    sizes = np.asarray(stats["group_size"])
    rows_out = tables["details"].num_rows
    return {
        "rows_in": rows_out + audit.num_rows,
        "rows_out": rows_out,
        "rows_audited": audit.num_rows,
        "pairs": {column: pc.sum(tables["scored"][column]).as_py() for column in tables["scored"].column_names},
        "refusals": dict(
            zip(tables["refusals"]["reason"].to_pylist(), tables["refusals"]["edges"].to_pylist(), strict=True)
        ),
        "groups": len(sizes),
        "group_sizes": {**{str(n): int((sizes == n).sum()) for n in (1, 2, 3)}, "4+": int((sizes > 3).sum())},
        "first_tokens": tokens.slice(0, TOP_TOKENS).to_pylist(),
    }


def _diagnostics(blocks: pa.Table) -> pa.Table:
    """Blocks of all parts by kind; of profile strict each first word is one."""
    keys = ["block", "strategy"]
    figures = [name for name in blocks.column_names if name not in keys]
    summed = blocks.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in figures])
    named = summed.rename_columns({f"{name}_sum": name for name in figures})
    return named.sort_by([("pairs_generated", "descending"), ("block", "ascending"), ("strategy", "ascending")])


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    counted = sorted((row["values"], row["counts"]) for row in pc.value_counts(column).to_pylist())
    return dict(counted)


def _document(content: Mapping[str, Any]) -> pa.Table:
    return pa.table({"json": [to_json(content).decode()]})
