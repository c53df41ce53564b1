"""Which words may stand in the place of others in a correction, and which make another message of it.

Words are in small letters.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations
from typing import Final

from rapidfuzz.distance import Prefix

from services.correction.dictionary import misspellings, right_words, variants
from services.correction.edits import slips

_RESEMBLES: Final = 0.4
"""Share of its letters that a word may be respelled in."""
_SHORT: Final = 4
"""Letters up to which another one in the place of one makes another word."""
_MIDDLE: Final = 7
"""Letters from which on a word is still the same with two slips, known or not."""
_LONG: Final = 9
"""Letters from which on hardly two names differ by one letter more."""
_SAME_BEGINNING: Final = 3
"""Letters that a right word shares with one that it is taken for by a slip."""
_LISTS: Final = {
    name: frozenset(words.split())
    for name, words in {
        "small": "a an the and or but if so as at by for from in into of off on onto out over to up with about "
        "than then that this these those there their they're its it's it is are was were be been being "
        "am do does did have has had will would can could shall should may might must i me my we us our "
        "you your he she they them his her who whom whose which what when where how why too also any "
        "some more most much many",
        "optional": "a an the and of to in on at for by as with from that it i you we they is are am was were be been "
        "do does did have has had will would can now also so then",
        "linking": "a an the this that these those its their and about as at by for from in into of on onto to with",
        "exact": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
        "hundred thousand million billion trillion half once twice first third fourth fifth monday "
        "tuesday wednesday thursday friday saturday sunday he she employee employees employer employers",
        "inflections": "s es d ed t ing e y ies ied ly n en er est ier iest 's",
        "derivations": "s ed ing e y r ren able ably ible al ally ance ant ence ent ation ion ity ive ment ness or",
    }.items()
}
_SMALL: Final = _LISTS["small"]
_OPTIONAL: Final = _LISTS["optional"]
"""Small words that may be missing, or stand there without need."""
_LINKING: Final = _LISTS["linking"]
"""Which of them belongs where is a matter of grammar more than of meaning, but for opposites."""
_OPPOSITES: Final = frozenset(("to", "from"))
_EXACT: Final = _LISTS["exact"]
"""Numbers, days, persons: each resembles others that mean something else."""
_INFLECTIONS: Final = _LISTS["inflections"] | {""}
_DERIVATIONS: Final = _LISTS["derivations"] | {""}
_CONFUSED: Final = tuple(
    frozenset(words.split())
    for words in (
        *("a an the", "their there they're", "than then that", "whose who's", "your you're", "we're were where"),
        *("is are am", "was were", "be been being", "has have", "do does", "this these", "that those", "of have"),
        *("in on at", "in into", "on onto", "who which that", "who whom", "much many"),
        *("affect effect", "advice advise", "accept except", "weather whether", "passed past", "buy by", "hear here"),
        *("knew new", "know now", "right write", "led lead", "lose loose", "choose chose", "later latter", "cite site"),
        *("through threw though thorough", "license licence", "practice practise", "complement compliment"),
    )
)
"""Right words that are taken for each other, or that have to agree with others."""
_PREFIXES: Final = ("dis", "non", "mis", "pre", "un", "in", "im", "il", "ir", "de", "en", "em", "re", "ex", "")
_ALIKE: Final = (frozenset(("dis", "non", "un", "in", "im", "il", "ir")), frozenset(("in", "im", "en", "em")))
"""Prefixes that are taken for each other; any other exchange turns a word round."""
_STEM: Final = 2
"""Letters of a word that may be bent; one that another word is made of has twice as many."""
_COME_OR_GONE: Final = 2
_FEW: Final = 8
"""Words that may have come or gone, and words in a row that are looked at one by one for that."""


def are_respelled(wrong: Sequence[str], right: Sequence[str]) -> bool:
    """Word by word, with small ones put in or left out; or written together, or apart."""
    more = len(right) - len(wrong)
    if wrong and right and abs(more) == 1 and may_replace("".join(wrong), "".join(right)):
        return True
    if abs(more) > _COME_OR_GONE or (more and max(len(wrong), len(right)) > _FEW):
        return False
    if more < 0:
        return any(_are_aligned(some, right, left) for some, left in _choices(wrong, len(right)))
    return any(_are_aligned(wrong, some, come) for some, come in _choices(right, len(wrong)))


def _choices(words: Sequence[str], size: int) -> Iterator[tuple[list[str], list[str]]]:
    """So many of the words, in order, and the others."""
    for places in combinations(range(len(words)), size):
        chosen = [words[place] for place in places]
        yield chosen, [word for place, word in enumerate(words) if place not in places]


def _are_aligned(wrong: Sequence[str], right: Sequence[str], others: Sequence[str]) -> bool:
    return all(word in _OPTIONAL for word in others) and all(map(may_replace, wrong, right))


def may_replace(old: str, new: str) -> bool:
    """Whether `new` is `old` without a mistake, as far as rules tell. Listed corrections are; right words hardly."""
    if is_listed(old, new) or any({old, new} <= group for group in _CONFUSED):
        return True
    if old in _EXACT or (new in _EXACT and _is_right(old)) or _turns_round(old, new):
        return False
    if {old, new} <= _SMALL:
        linking = {old, new} <= _LINKING and {old, new} != _OPPOSITES
        return linking or slips(old, new) <= 1
    return _has_another_ending(old, new) or _is_near(old, new)


def is_surely_meant(old: str, new: str) -> bool:
    """Whether even what may be a name is respelled: a dictionary has it, or nearly so, or the word is long."""
    if is_listed(old, new) or old == new.replace("'", ""):
        return True
    letter_more_or_less = len(old) >= _LONG and len(old) != len(new)
    return slips(old, new) == 1 and not _is_right(old) and (_is_right(new) or letter_more_or_less)


def is_listed(old: str, new: str) -> bool:
    """Whether a dictionary has it: a misspelling, or the same word as spelt elsewhere."""
    return old == new or misspellings().get(old) == new or variants().get(old, old) == variants().get(new, new)


def _is_near(old: str, new: str) -> bool:
    """One that is right already has two letters swapped, such as form for from, or ends a little differently."""
    apart, swapped = slips(old, new), sorted(old) == sorted(new)
    if _is_right(old) or (len(old) == len(new) <= _SHORT):
        begins_alike = len(old) > _SHORT and Prefix.similarity(old, new) >= _SAME_BEGINNING
        return apart <= 1 and (swapped or begins_alike)
    surely = len(old) >= _MIDDLE or (len(old) > _SHORT and _is_right(new))
    return apart <= (max(2, _RESEMBLES * len(old)) if surely else 1)


def _is_right(word: str) -> bool:
    return word in right_words() or word in _SMALL


def _turns_round(old: str, new: str) -> bool:
    return any(
        old.startswith(one)
        and new.startswith(other)
        and len(old) > len(one) + _STEM
        and old[len(one) :] == new[len(other) :]
        for one, other in permutations(_PREFIXES, 2)
        if not any({one, other} <= alike for alike in _ALIKE)
    )


def _has_another_ending(old: str, new: str) -> bool:
    stem = old[: Prefix.similarity(old, new)]
    endings = {_ending(old, stem), _ending(new, stem)}
    return (len(stem) >= _STEM and endings <= _INFLECTIONS) or (len(stem) >= 2 * _STEM and endings <= _DERIVATIONS)


def _ending(word: str, stem: str) -> str:
    """What follows the stem, whose last letter may stand there twice, as in stopped."""
    rest = word.removeprefix(stem)
    return rest.removeprefix(stem[-1:]) if len(rest) > 1 else rest
