"""Answers kept by the facts they depend on: production repeats the same (name, units) thousands of times."""

from collections.abc import Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

CAPACITY: Final = 16_384
"""Answers of one generation; at most two generations are held, about 20 MB."""


class AnswerCache(Generic[Key, Answer]):
    """Two generations of answers: what is not asked for while the young one fills up is forgotten.

    Threads may share it: each step is one dictionary operation, and the worst that a race does is to compute twice.
    """

    def __init__(self, compute: Callable[[Sequence[Key]], Sequence[Answer]], capacity: int = CAPACITY) -> None:
        self._compute = compute
        self._capacity = capacity
        self._young: dict[Key, Answer] = {}
        self._old: dict[Key, Answer] = {}

    def answers(self, keys: Sequence[Key]) -> list[Answer]:
        """One answer a key, in order; each unknown key is computed once, all of them in one call."""
        found = {key: answer for key in set(keys) if (answer := self._recall(key)) is not None}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing:
            fresh = dict(zip(missing, self._compute(missing), strict=True))
            found.update(fresh)
            self._keep(fresh)
        return [found[key] for key in keys]

    def _recall(self, key: Key) -> Answer | None:
        answer = self._young.get(key)
        if answer is None and (answer := self._old.get(key)) is not None:
            self._young[key] = answer
        return answer

    def _keep(self, fresh: dict[Key, Answer]) -> None:
        if len(self._young) + len(fresh) > self._capacity:
            self._old, self._young = self._young, {}
        self._young.update(fresh)
