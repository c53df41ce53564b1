"""Numbers spread over 64 bits, the same on every machine."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from services.deduplication.names.arrays import Hashes

_STEP, _FIRST, _SECOND = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def spread(*numbers: np.ndarray[Any, Any] | int) -> Hashes:
    """One hash of some columns of numbers."""
    state = np.zeros(1, np.uint64)
    for column in numbers:
        state = _mixed(state + np.asarray(column).astype(np.uint64))
    return state


def _mixed(state: Hashes) -> Hashes:
    """The finalizer of SplitMix64."""
    state = state + _STEP
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


def hash_texts(texts: Sequence[str], length: int) -> Hashes:
    """Hashes of texts, of each only its first characters."""
    letters = np.array(texts, f"U{length}").view(np.uint32).reshape(len(texts), length)
    return spread(*letters.T) if len(texts) else np.empty(0, np.uint64)
