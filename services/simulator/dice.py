"""Seeded chance that does not depend on the order in which calls arrive.

Each call draws from a stream of its own, made from the seed, its content and how often that content came before. Two
runs that send the same calls meet the same latencies and faults, however their calls interleave.
"""

import hashlib
import random
from collections import Counter


class Dice:
    """Streams of chance, one a call."""

    def __init__(self, seed: int) -> None:
        self._seed = str(seed).encode()[-64:]
        self._seen: Counter[bytes] = Counter()

    def throw(self, content: bytes) -> random.Random:
        """The stream of this call."""
        digest = hashlib.blake2b(content, digest_size=8, key=self._seed).digest()
        self._seen[digest] += 1
        return random.Random(digest + self._seen[digest].to_bytes(4, "big"))  # noqa: S311 - repeatable on purpose
