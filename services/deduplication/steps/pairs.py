"""Step 5: pairs of names that share a key, without those that no score can bring together."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.names.arrays import Flags, Hashes, Ints
from services.deduplication.names.name import NO_SUFFIX
from services.deduplication.rules import Blocking, Rules
from services.deduplication.steps.first_tokens import strict_blocks
from services.deduplication.steps.keys import FAMILIES
from services.deduplication.work import Part, Produced, Tables

PAIRS = pa.schema([("lower", pa.int32()), ("higher", pa.int32())])
BLOCKS = pa.schema(
    [
        ("block", pa.string()),  # a family of keys; of profile strict, a first word
        ("strategy", pa.string()),
        ("blocks", pa.int64()),
        ("names", pa.int64()),
        ("pairs_generated", pa.int64()),
        ("pairs_capped", pa.int64()),
    ]
)


def make_pairs(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Pairs for the parts that score them, by the lower name; and what blocks of each kind came to."""
    make = _strict if rules.profile == "strict" else _balanced
    pairs, blocks = make(tables["keys"], tables["names"], rules)
    lower, higher = pairs >> 32, pairs & 0xFFFFFFFF
    return {
        "pairs": [pair_table(lower[chosen], higher[chosen]) for chosen in _by_shard(lower, part.shards)],
        "blocks": pa.Table.from_pylist(blocks, BLOCKS),
    }


def pair_table(lower: Ints, higher: Ints) -> pa.Table:
    """Pairs as an artifact."""
    return pa.table([pa.array(lower, pa.int32()), pa.array(higher, pa.int32())], schema=PAIRS)


def _by_shard(lower: Ints, shards: int) -> list[Ints]:
    return [np.flatnonzero(lower % shards == number) for number in range(shards)]


def _strict(keys: pa.Table, names: pa.Table, rules: Rules) -> tuple[Ints, list[dict[str, Any]]]:
    members = keys["name"].combine_chunks()
    cores = names["name_core"].take(members).to_pylist()
    found = list(strict_blocks(list(zip(members.to_pylist(), cores, strict=True)), rules.blocking))
    rows = [
        {
            "block": block.block,
            "strategy": block.strategy,
            "blocks": 1,
            "names": block.names,
            "pairs_generated": len(block.pairs),
            "pairs_capped": block.capped,
        }
        for block in found
        if block.names > 1
    ]
    return np.unique(np.concatenate([np.empty(0, np.int64), *(block.pairs for block in found)])), rows


def _balanced(table: pa.Table, names: pa.Table, rules: Rules) -> tuple[Ints, list[dict[str, Any]]]:
    keys, members, families = (np.asarray(table[column]) for column in ("key", "name", "family"))
    order = np.lexsort((families, members, keys))
    keys, members = keys[order], members[order].astype(np.int64)
    once = np.append(True, (keys[1:] != keys[:-1]) | (members[1:] != members[:-1]))[: len(keys)]
    keys, members, families = keys[once], members[once], families[order][once]
    pairs = _within_blocks(keys, members, rules.blocking, Possible(names, rules))
    return pairs, _diagnostics(keys, families, rules.blocking)


def _within_blocks(keys: Hashes, names: Ints, rules: Blocking, possible: "Possible") -> Ints:
    """All pairs of small blocks; in larger ones each name with those that follow it in order of their words."""
    ends = np.searchsorted(keys, keys, side="right")
    sizes = ends - np.searchsorted(keys, keys)
    breadth = np.where(sizes <= rules.full_block, rules.full_block, rules.window)
    reach = np.minimum(ends, np.arange(len(keys)) + 1 + breadth)
    found = [np.empty(0, np.int64)]
    at, step = np.flatnonzero(sizes > 1), 1
    while len(at):
        at = at[at + step < reach[at]]
        lower, higher = names[at], names[at + step]
        kept = possible(lower, higher)
        found.append(lower[kept] << 32 | higher[kept])
        step += 1
    return np.unique(np.concatenate(found))


class Possible:
    """Tells which pairs are of different names, have no two legal forms, and are of lengths that allow a high ratio."""

    def __init__(self, names: pa.Table, rules: Rules) -> None:
        classes = names["suffix_class"].combine_chunks().dictionary_encode()
        self._classes = np.asarray(classes.indices)
        self._none = classes.dictionary.index(NO_SUFFIX).as_py()
        self._lengths = np.asarray(pc.utf8_length(names["form"])).astype(np.int64)
        self._rules = rules

    def __call__(self, lower: Ints, higher: Ints) -> Flags:
        """Which of some pairs are possible."""
        one, other = self._lengths[lower], self._lengths[higher]
        kept: Flags = 2 * np.minimum(one, other) >= self._rules.blocking.length_ratio * (one + other)
        if self._rules.suffix_constraint:
            one, other = self._classes[lower], self._classes[higher]
            kept &= (one == other) | (one == self._none) | (other == self._none)
        kept &= lower != higher
        return kept


def _diagnostics(keys: Hashes, families: Ints, rules: Blocking) -> list[dict[str, Any]]:
    """A row a family and strategy."""
    firsts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    sizes, family = np.diff(np.append(firsts, len(keys))), families[firsts]
    pairs = sizes * (sizes - 1) // 2
    windowed = sizes > rules.full_block
    generated = np.where(windowed, rules.window * sizes - rules.window * (rules.window + 1) // 2, pairs)
    return [
        {
            "block": name,
            "strategy": strategy,
            "blocks": int(chosen.sum()),
            "names": int(sizes[chosen].sum()),
            "pairs_generated": int(generated[chosen].sum()),
            "pairs_capped": int((pairs - generated)[chosen].sum()),
        }
        for number, name in enumerate(FAMILIES)
        for strategy, kind in (("full_pairs", ~windowed), ("windowed", windowed))
        if (chosen := (family == number) & (sizes > 1) & kind).any()
    ]
