"""Everything that decides what is a duplicate and what becomes of it, as one value with a digest."""

import json
from functools import partial
from hashlib import sha256
from operator import not_
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from services.deduplication.names import vocabulary

DIGEST_LENGTH = 8

Words = tuple[Annotated[str, Field(pattern=r"\S")], ...]
Rank = Annotated[int, Field(ge=0, le=32_767)]
Profile = Literal["balanced", "strict", "general", "screening"]

_off = partial(Field, exclude_if=not_)
"""Of a rule that most profiles do without: it is no part of their digests, so that it may come later than they."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Names(_Frozen):
    """How names are read."""

    suffix_classes: dict[str, Words] = vocabulary.SUFFIX_CLASSES
    terms: dict[str, str] = vocabulary.CANONICAL_TERMS
    weak_tokens: Words = vocabulary.WEAK_TOKENS
    trades: Words = vocabulary.TRADES
    opposites: Words = vocabulary.OPPOSITES
    no_alias_words: Words = vocabulary.NO_ALIAS_WORDS
    noise_names: Words = vocabulary.NOISE_NAMES
    branch_words: Words = ("store", "unit", "location")  # what follows is the number of a branch, as after #
    singular: bool = True
    sorted_tokens: bool = True  # names of the same words in another order are equal
    whole: bool = _off(default=False)  # all of a text is the name: nothing in it is a branch or another name


class Blocking(_Frozen):
    """Which pairs of names are compared."""

    rare_frequency: int = 100  # a token in more names is no key alone
    rare_tokens: int = 3  # so many of the rarest tokens of a name are keys
    paired_tokens: int = 4  # every two of so many rarest tokens are a key
    misspelt_tokens: int = 2  # so many of the rarest may be misspellings of rare words of other names
    prefix_length: int = 9
    typo_lengths: tuple[int, int] = (4, 24)
    full_block: int = 60  # up to here all pairs, above it only neighbours
    window: int = 6
    length_ratio: float = 0.8  # below, two lengths rule out a high ratio
    stop_tokens: Words = vocabulary.STOP_TOKENS
    denylist: Words = vocabulary.FUNCTION_WORDS
    allow_tokens: Words = vocabulary.ALLOWLIST_TOKENS
    allow_bigrams: Words = vocabulary.ALLOWLIST_BIGRAMS
    block_cap: int = 800
    banned_shard_cap: int = 200
    banned_length_difference: int = 150
    banned_bigram_similarity: float = 0.1
    banned_candidates: int = 50
    brand_count: int = 10
    brand_singletons: float = 0.6


class Scoring(_Frozen):
    """How two names are compared."""

    gate: float = 76  # of the ratio of sorted tokens (strict: of the set ratio)
    sort_weight: float = 0.5
    set_weight: float = 0.1
    jaccard_weight: float = 40
    suffix_penalty: float = 25  # two legal forms
    unsuffixed_penalty: float = 2  # a legal form against none
    number_penalty: float = 25  # different numbers
    numbered_penalty: float = 10  # a number against none
    disjoint_numbers_penalty: float = _off(default=0)  # numbers on both sides, and none in common
    evidence_weight: float = _off(default=0)  # of how much more, or less, is the same than what tells two records apart
    punctuation_penalty: float = 0
    surplus_weight: float = 1  # of words of one name, as far as the other has none left to set against them
    unmatched_weight: float | None = None  # a word without a partner counts at most so much; it may be misspelt
    acronym_score: float = 80  # at least, of a name and its initials
    acronym_length: int = 5
    one_edit: float = 0.95  # what a token counts that is one edit away
    two_edits: float = 0.85
    two_edits_length: int = 8
    soft_length: int = 4  # if both tokens are shorter, they match exactly or not at all
    known_frequency: int = 5  # two tokens of more names than this are two words, unless one is in
    mistake_ratio: float = 10  # so many times more names than the other


class Dispositions(_Frozen):
    """What becomes of records."""

    blacklist_tokens: Words = vocabulary.BLACKLIST_TOKENS
    blacklist_names: Words = vocabulary.BLACKLIST_NAMES
    blacklist_phrases: Words = vocabulary.BLACKLIST_PHRASES
    suspicious: Words = vocabulary.SUSPICIOUS
    name_lengths: tuple[int, int] = (3, 100)
    alphanumerics: float = 0.3
    stop_tokens: Words = vocabulary.FUNCTION_WORDS
    stop_words: float = 0.8  # more of a name are no name


class Rules(_Frozen):
    """All rules of a run. Two runs with the same digest decide alike."""

    profile: Profile = "balanced"
    high: int = 92
    medium: int = 86
    canopy: int = 8  # a group of this size takes a new member only over an edge of `high`
    suffix_constraint: bool = True  # a group never holds two legal forms
    sets_apart: bool = True  # records with a placeholder for a name stay alone, however many have the same one
    one_to_one: bool = _off(default=False)  # of one source a group holds one record, even if others are spelt alike
    names: Names = Names()
    blocking: Blocking = Blocking()
    scoring: Scoring = Scoring()
    dispositions: Dispositions = Dispositions()
    relationship_ranks: dict[str, Rank] = vocabulary.RELATIONSHIP_RANKS
    other_rank: Rank = 60
    tie_breaks: tuple[Literal["relationship_rank", "created_date", "account_id"], ...] = (
        "relationship_rank",
        "created_date",
        "account_id",
    )
    preview_fields: Words = ("Account Owner: Full Name", "Main Address", "Main Country")
    alias_score: int = 92
    alias_matches: int = Field(50, gt=0)  # of one alias, the best

    @classmethod
    def of(cls, profile: Profile, *, linking: bool = False) -> Self:
        """The rules of a profile.

        `balanced` is for companies; `strict` blocks and scores as the tool that came before; `general` is for records
        of other things: it knows no legal forms, and numbers are words like others; `screening` is for pairs of names,
        where one may leave out words of the other. `linking` is for records that say which list they are of.
        """
        return cls.model_validate(_PROFILES[profile] | (_LINKING.get(profile, {}) if linking else {}))

    def digest(self) -> str:
        """Identity of these rules in ids and results."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return sha256(canonical.encode()).hexdigest()[:DIGEST_LENGTH]


_STRICT = {
    "profile": "strict",
    "sets_apart": False,
    "medium": 84,
    "names": {"terms": vocabulary.STRICT_TERMS, "singular": False, "sorted_tokens": False},
    "scoring": {
        "gate": 72,
        "sort_weight": 0.45,
        "set_weight": 0.35,
        "jaccard_weight": 20,
        "unsuffixed_penalty": 25,
        "number_penalty": 5,
        "numbered_penalty": 5,
        "punctuation_penalty": 3,
        "acronym_score": 0,
        "one_edit": 0,
        "two_edits": 0,
    },
}
_GENERAL = {
    "profile": "general",
    "sets_apart": False,
    "suffix_constraint": False,
    "names": {"suffix_classes": {}, "terms": {}, "branch_words": (), "singular": False, "whole": True},
    "medium": 76,
    "blocking": {"length_ratio": 0.3},
    "scoring": {
        "gate": 40,
        "sort_weight": 0.4,
        "set_weight": 0,
        "jaccard_weight": 60,
        "surplus_weight": 0.3,
        "unmatched_weight": 2,
        "two_edits_length": 6,
        "number_penalty": 0,
        "numbered_penalty": 0,
        "disjoint_numbers_penalty": 25,
        "evidence_weight": 15,
    },
}
_SCREENING = {
    "profile": "screening",
    "sets_apart": False,
    "medium": 80,  # a name and its initials are a match
    "suffix_constraint": False,
    "scoring": {
        "gate": 40,
        "sort_weight": 0.2,
        "set_weight": 0.4,
        "surplus_weight": 0.3,
        "two_edits_length": 6,
        "mistake_ratio": 1,  # in a list of pairs, frequencies say nothing
    },
}
_PROFILES: dict[Profile, dict[str, Any]] = {
    "balanced": {},
    "strict": _STRICT,
    "general": _GENERAL,
    "screening": _SCREENING,
}
_LINKING: dict[Profile, dict[str, Any]] = {
    "general": {"one_to_one": True, "medium": 56},  # the best partner of a record seldom is a wrong one
}
