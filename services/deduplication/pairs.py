"""Step 5: pairs of names that share a key, without those that no score can bring together."""

from typing import Any

import numpy as np
import pyarrow as pa

from services.deduplication.keys import FAMILIES
from services.deduplication.names import NO_SUFFIX
from services.deduplication.rules import Blocking, Rules
from services.deduplication.work import Part, Produced, Tables

Ints = np.ndarray[Any, np.dtype[np.int64]]

PAIRS = pa.schema([("lower", pa.int32()), ("higher", pa.int32())])


def make_pairs(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Pairs for the parts that score them, by the lower name; and what each kind of block cost."""
    keys, names, families = (np.asarray(tables["keys"][column]) for column in ("key", "name", "family"))
    order = np.lexsort((names, keys))
    keys, names, families = keys[order], names[order].astype(np.int64), families[order]
    lower, higher, family = _within_blocks(keys, names, families, rules.blocking)
    kept = possible(tables["names"], lower, higher, rules)
    pairs = np.unique(lower[kept] << 32 | higher[kept])
    lower, higher = pairs >> 32, pairs & 0xFFFFFFFF
    return {
        "pairs": [pair_table(lower[chosen], higher[chosen]) for chosen in _by_shard(lower, part.shards)],
        "blocks": _diagnostics(keys, families, family, rules.blocking),
    }


def pair_table(lower: Ints, higher: Ints) -> pa.Table:
    """Pairs as an artifact."""
    return pa.table([pa.array(lower, pa.int32()), pa.array(higher, pa.int32())], schema=PAIRS)


def _by_shard(lower: Ints, shards: int) -> list[Ints]:
    return [np.flatnonzero(lower % shards == number) for number in range(shards)]


def _within_blocks(keys: Any, names: Ints, families: Any, rules: Blocking) -> tuple[Ints, Ints, Ints]:
    """All pairs of small blocks; in larger ones each name with those that follow it in order of their words."""
    ends = np.searchsorted(keys, keys, side="right")
    sizes = ends - np.searchsorted(keys, keys)
    reach = np.minimum(
        ends, np.arange(len(keys)) + 1 + np.where(sizes <= rules.full_block, rules.full_block, rules.window)
    )
    lower, higher, family = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, families.dtype)]
    at, step = np.flatnonzero(sizes > 1), 1
    while len(at):
        at = at[at + step < reach[at]]
        lower.append(names[at])
        higher.append(names[at + step])
        family.append(families[at])
        step += 1
    return np.concatenate(lower), np.concatenate(higher), np.concatenate(family)


def possible(names: pa.Table, lower: Ints, higher: Ints, rules: Rules) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which pairs are of different names, have no two legal forms, and are of lengths that allow a high ratio."""
    kept = lower != higher
    if rules.profile == "strict":
        return kept
    if rules.suffix_constraint:
        classes = names["suffix_class"].combine_chunks().dictionary_encode()
        codes, none = np.asarray(classes.indices), classes.dictionary.index(NO_SUFFIX).as_py()
        kept &= (codes[lower] == codes[higher]) | (codes[lower] == none) | (codes[higher] == none)
    lengths = np.asarray(pa.compute.utf8_length(names["form"])).astype(np.int64)
    shorter, longer = np.minimum(lengths[lower], lengths[higher]), np.maximum(lengths[lower], lengths[higher])
    return kept & (2 * shorter >= rules.blocking.length_ratio * (shorter + longer))


def _diagnostics(keys: Any, families: Any, paired: Any, rules: Blocking) -> pa.Table:
    """A row a family and strategy."""
    firsts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.empty(0, np.int64)
    sizes = np.diff(np.append(firsts, len(keys)))
    rows = []
    for number, name in enumerate(FAMILIES):
        chosen = sizes[(families[firsts] == number) & (sizes > 1)]
        rows.append(
            {
                "family": name,
                "blocks": len(chosen),
                "names": int(chosen.sum()),
                "largest": int(chosen.max(initial=0)),
                "windowed": int((chosen > rules.full_block).sum()),
                "pairs_generated": int((paired == number).sum()),
            }
        )
    return pa.Table.from_pylist(rows)
