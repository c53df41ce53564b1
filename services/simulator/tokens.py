"""How many tokens a text has, and which of them a vendor has in its prompt cache.

The count is near that of real tokenizers on English and JSON, and made of whole words and marks: whoever estimates by
the number of characters is off by a different amount for each text, as with a real vendor.
"""

from collections import OrderedDict
from collections.abc import Hashable
from functools import lru_cache

from services.simulator.limits import Clock

_LONG = 8
_WORD, _GAP = ord("a"), ord(" ")


def _is_word(byte: int) -> bool:
    return byte >= 128 or chr(byte).isalnum()


_SHAPE = bytes(_WORD if _is_word(byte) else _GAP for byte in range(256))
"""Word characters become a, all others a gap."""
_NOT_MARKS = bytes(byte for byte in range(256) if _is_word(byte) or chr(byte).isspace())
CACHE_SECONDS = 300.0
CACHED_PREFIXES = 10_000


def count_tokens(text: str) -> int:
    """One for a word, one more for each further eight characters of it; marks go in pairs."""
    raw = text.encode()
    shape = raw.translate(_SHAPE)
    marks = len(raw.translate(None, _NOT_MARKS))
    return len(shape.split()) + shape.count(b"a" * (_LONG + 1)) + (marks + 1) // 2


count_again = lru_cache(maxsize=1024)(count_tokens)
"""As `count_tokens`, for texts that come in every call."""


class PrefixCache:
    """The prompt beginnings that a vendor remembers, each for some minutes after its last use."""

    def __init__(self, clock: Clock, seconds: float = CACHE_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._expires: OrderedDict[Hashable, float] = OrderedDict()

    def use(self, prefix: Hashable) -> bool:
        """Whether it was there; it is from now on."""
        now = self._clock()
        known = self._expires.pop(prefix, 0.0) > now
        self._expires[prefix] = now + self._seconds
        if len(self._expires) > CACHED_PREFIXES:
            self._expires.popitem(last=False)
        return known
