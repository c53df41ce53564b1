"""Step 3: number the distinct names and their words, and find words that may be the same one misspelt."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.names.typos import neighbours
from services.deduplication.rules import Rules
from services.deduplication.steps.normalize import SEPARATOR, usual_names
from services.deduplication.work import Part, Produced, Tables
from shared.errors import UsageError


def index(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Names and words numbered in order of their texts, so that the numbers depend on nothing else."""
    names = usual_names(tables["forms"])
    if not names.num_rows:
        raise UsageError("no row is left: every one was refused or names no company")
    names, tokens = number_names(names)
    return {
        "names": names.append_column("sources", _sources(names, tables["origins"])),
        "tokens": tokens,
        "neighbours": _neighbours(tokens, rules),
        "repeats": _repeats(tables["ids"]),
    }


def number_names(names: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Names, whose number is their place, with their words by number; and the words with the number of their names."""
    parts = pc.split_pattern(names["key"], SEPARATOR)
    form = pc.list_element(parts, 0)
    spelt = pc.split_pattern(form, " ").combine_chunks()
    texts = spelt.flatten()
    owners = np.asarray(pc.list_parent_indices(spelt))
    sorted_texts = pc.unique(texts).sort()
    pairs = np.unique(owners << 32 | np.asarray(pc.index_in(texts, sorted_texts)))  # a word counts once in a name
    owners, words = pairs >> 32, pairs & 0xFFFFFFFF
    offsets = np.searchsorted(owners, np.arange(names.num_rows + 1))
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(words, pa.int32()))
    frequency = np.bincount(words, minlength=len(sorted_texts))
    columns = {
        "key": names["key"],
        "form": form,
        "suffix_class": pc.list_element(parts, 1),
        "marks": pc.list_element(parts, 2),
        **{column: names[column] for column in ("name_core", "joined", "numbers")},
        "tokens": lists,
    }
    return pa.table(columns), pa.table({"token": sorted_texts, "frequency": pa.array(frequency, pa.int32())})


def _sources(names: pa.Table, origins: pa.Table) -> pa.Array:
    """The sources of each name, every one once."""
    found: dict[str, set[str]] = {}
    for key, source in zip(origins["key"].to_pylist(), origins["source"].to_pylist(), strict=True):
        found.setdefault(key, set()).add(source)
    return pa.array([sorted(found.get(key, ())) for key in names["key"].to_pylist()], pa.list_(pa.string()))


def _neighbours(tokens: pa.Table, rules: Rules) -> pa.Table:
    shortest, longest = rules.blocking.typo_lengths
    lengths = pc.utf8_length(tokens["token"])
    worded = pc.invert(pc.match_substring_regex(tokens["token"], r"\d"))
    fit = pc.and_(worded, pc.and_(pc.greater_equal(lengths, shortest), pc.less_equal(lengths, longest)))
    lower, higher = neighbours(
        tokens["token"].to_pylist(),
        np.flatnonzero(np.asarray(fit)),
        two_edits_length=rules.scoring.two_edits_length,
    )
    return pa.table({"lower": pa.array(lower, pa.int32()), "higher": pa.array(higher, pa.int32())})


def _repeats(ids: pa.Table) -> pa.Table:
    """Rows whose account id an earlier row has."""
    firsts = ids.group_by("account_id", use_threads=False).aggregate([("row", "min")])["row_min"]
    return pa.table({"row": ids["row"].filter(pc.invert(pc.is_in(ids["row"], firsts.combine_chunks()))).sort()})
