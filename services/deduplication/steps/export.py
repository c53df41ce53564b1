"""Step 13: the table that people review. Every row of the input that is in a group, with all that was found out."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.inputs.reading import FLAW, ROW, distinct
from services.deduplication.rules import Rules
from services.deduplication.work import Part, Produced, Tables

FOUND = (
    *("account_id", "account_id_src", "name_raw", "name_base", "name_core", "suffix_class", "created_date"),
    *(
        "has_parentheses",
        "has_semicolon",
        "has_multiple_names",
        "alias_candidates",
        "alias_sources",
        "name_core_tokens",
    ),
    *("group_id", "group_size", "is_primary", "group_join_reason", "weakest_edge_to_primary", "shared_tokens_count"),
    *("join_path", "exact_representative", "relationship_rank", "survivorship_reason", "merge_preview_json"),
    *("disposition", "disposition_reason", "alias_cross_refs", "applied_penalties"),
)
"""Columns behind those of the input."""

_OF_SPELLING = ("has_parentheses", "has_semicolon", "alias_candidates", "alias_sources")


def export(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Rows of this slice of the input in their order."""
    decisions = tables["decisions"].combine_chunks().sort_by(ROW)
    spellings = tables["spellings"]
    place = pc.index_in(decisions["spelling"], spellings["spelling"].combine_chunks())
    for column in _OF_SPELLING:
        decisions = decisions.append_column(column, spellings[column].take(place))
    decisions = decisions.append_column("name_core_tokens", pc.split_pattern(decisions["name_core"], " "))
    rows = _given(tables["input"], decisions[ROW])
    for column in FOUND:
        rows = rows.append_column(column, decisions[column])
    return {"review_ready": rows.combine_chunks()}


def _given(table: pa.Table, rows: pa.ChunkedArray) -> pa.Table:
    """Columns of the input as they came; one that is named like a column of ours says that it is the input's."""
    place = np.asarray(rows) - table[ROW][0].as_py()
    given = table.drop_columns([FLAW]).take(pa.array(place))
    names = (f"{name} (input)" if name in FOUND else name for name in given.column_names)
    return given.rename_columns(distinct(names, FOUND))
