"""Blocking of profile strict: names that begin with the same word, in shards where that is said of too many.

Words that begin unrelated names (the, of) are banned softly: their blocks are filtered when they are large. Listed
brands never are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.deduplication.names.arrays import Ints
from services.deduplication.rules import Blocking
from services.deduplication.steps.keys import first_token

Named = tuple[int, str]  # number and core of a name
Ways = tuple[Callable[[str], str], ...]

FULL = "full_pairs"


@dataclass(frozen=True)
class Block:
    """What one block came to."""

    block: str
    strategy: str
    names: int
    pairs: Ints  # lower << 32 | higher
    capped: int  # pairs that were left out


def strict_blocks(names: Sequence[Named], rules: Blocking) -> Iterator[Block]:
    """Blocks of names, each with its strategy, in order of their words."""
    blocks: dict[tuple[str, bool], list[Named]] = defaultdict(list)
    for number, core in names:
        bigram = " ".join(core.split()[:2])
        listed = bigram in rules.allow_bigrams
        blocks[bigram if listed else first_token(core, rules.stop_tokens), listed].append((number, core))
    for (token, listed), members in sorted(blocks.items()):
        if token:
            yield _block(token, members, "allowlisted_bigram" if listed else None, rules)


def _block(token: str, members: list[Named], listed: str | None, rules: Blocking) -> Block:
    large = len(members) > rules.block_cap
    listed = listed or ("allowlisted" if token in rules.allow_tokens else None)
    if listed or not large:
        strategy = listed or FULL
        shards = list(_shards(members, rules.block_cap)) if large else [members]
        return _paired(token, f"{strategy}_sharded" if large else strategy, members, shards)
    if token not in rules.denylist:
        return _paired(token, "standard_sharded", members, list(_shards(members, rules.block_cap)))
    shards = list(_shards(members, rules.banned_shard_cap))
    pairs = np.concatenate([_filtered(shard, rules) for shard in shards])
    return Block(token, "soft_ban_sharded", len(members), pairs, sum(map(_all, map(len, shards))) - len(pairs))


def _paired(token: str, strategy: str, members: list[Named], shards: list[list[Named]]) -> Block:
    pairs = np.concatenate([_every(shard) for shard in shards])
    return Block(token, strategy, len(members), pairs, 0)


def _every(shard: list[Named]) -> Ints:
    numbers = np.sort(np.array([number for number, _ in shard], np.int64))
    lower, higher = np.triu_indices(len(numbers), 1)
    return numbers[lower] << 32 | numbers[higher]


def _all(size: int) -> int:
    return size * (size - 1) // 2


def _word(place: int) -> Callable[[str], str]:
    return lambda core: "".join(core.split()[place : place + 1])


_LETTERS: Ways = (lambda core: core.replace(" ", "")[:3], lambda core: core.replace(" ", "")[:4])


def _shards(members: list[Named], cap: int) -> Iterator[list[Named]]:
    """Members by their second word, then the third; those without one by their first letters."""
    pending: list[tuple[list[Named], Ways]] = [(members, (_word(1), _word(2)))]
    while pending:
        names, ways = pending.pop()
        if len(names) <= cap or not ways:
            yield names
            continue
        shards: dict[str, list[Named]] = defaultdict(list)
        for name in names:
            shards[ways[0](name[1])].append(name)
        without = shards.pop("", [])
        pending += [(shard, ways[1:]) for _, shard in sorted(shards.items(), reverse=True)]
        if without:
            pending.append((without, _LETTERS if ways[0] not in _LETTERS else ()))


def _filtered(shard: list[Named], rules: Blocking) -> Ints:
    """For each name the most similar of those that share a word, in number up to a cap."""
    cores = sorted(shard)
    words = [set(core.split()) for _, core in cores]
    letters = [{core[at : at + 2] for at in range(len(core) - 1)} for _, core in cores]
    found = [np.empty(0, np.int64)]
    for place, (number, core) in enumerate(cores):
        similar = []
        for other in range(place + 1, len(cores)):
            if (
                abs(len(core) - len(cores[other][1])) > rules.banned_length_difference
                or not words[place] & words[other]
            ):
                continue
            common = len(letters[place] & letters[other])
            similarity = common / max(1, len(letters[place]) + len(letters[other]) - common)
            if similarity >= rules.banned_bigram_similarity:
                similar.append((-similarity, cores[other][0]))
        best = [other for _, other in sorted(similar)[: rules.banned_candidates]]
        found.append(number << 32 | np.array(best, np.int64))
    return np.concatenate(found)
