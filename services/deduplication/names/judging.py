"""Whether a spelling names a company at all."""

import re

from services.deduplication.names.name import Reading
from services.deduplication.rules import Rules, Words

EMPTY, NOISE = "empty_name_core", "noise_string"


class NameJudge:
    """Judges names by the words of one set of rules."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules.dispositions
        self._noise = frozenset(rules.names.noise_names)
        self._stop_words = frozenset(self._rules.stop_tokens)
        self._names = frozenset(self._rules.blacklist_names)
        self._bad = _Terms((*self._rules.blacklist_tokens, *self._rules.blacklist_phrases))
        self._doubtful = _Terms(self._rules.suspicious)

    def noise(self, reading: Reading) -> str | None:
        """Why the name cannot be compared with others, if so."""
        core = reading.core
        if not core:
            return EMPTY
        return NOISE if core.isdigit() or (len(core) == 1 and core.isascii()) or core in self._noise else None

    def blacklisted(self, spelling: str, reading: Reading) -> bool:
        """Whether the name is no company's: by its words as a whole, or by what it is made of."""
        base = reading.base
        return base in self._names or self._bad.within(base) or self._misshapen(spelling, base.split())

    def placeholder(self, reading: Reading) -> bool:
        """Whether what is compared of the name stands for any company or none, such as "unknown"."""
        return reading.core in self._names or self._bad.within(reading.core)

    def _misshapen(self, spelling: str, tokens: list[str]) -> bool:
        shortest, longest = self._rules.name_lengths
        if not shortest <= len(spelling) <= longest:
            return True
        if sum(map(str.isalnum, spelling)) < self._rules.alphanumerics * len(spelling):
            return True
        if self._stop_words.isdisjoint(tokens):
            return False
        return sum(token in self._stop_words for token in tokens) > self._rules.stop_words * len(tokens)

    def suspicious(self, reading: Reading) -> bool:
        """Whether a record alone in its group should be looked at."""
        return self._doubtful.within(reading.base)


class _Terms:
    """Words and phrases to be found in names as whole words."""

    def __init__(self, terms: Words) -> None:
        self._firsts = frozenset(term.split()[0] for term in terms)
        self._pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, terms))})\b")

    def within(self, base: str) -> bool:
        """Whether any is. Most names hold no word that any begins with."""
        return not self._firsts.isdisjoint(base.split()) and self._pattern.search(base) is not None
