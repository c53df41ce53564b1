"""What a corrected text must not be. Every check is a rule; none asks a model.

Both texts are masked: what is protected stands there as markers. A breach is a reason, and a sentence for whoever
corrected the text.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence, Set
from functools import lru_cache
from typing import Final, NamedTuple

from services.correction.dictionary import correct_words
from services.correction.edits import WORD, Edit, changed_share, edits, tokens
from services.correction.language import language, negations, scripts
from services.correction.masking import MARKER
from services.correction.protect import protected_spans
from services.correction.respelling import are_respelled, is_listed, is_surely_meant
from services.correction.terms import begins_sentence, may_be_name

LONG: Final = 40
"""Characters from which on a length is judged by its ratio."""
RATIO: Final = (0.80, 1.25)
MOST_CHARACTERS_MORE_OR_LESS: Final = 10
MOST_CHANGED: Final = 0.30
_SIGNS: Final = re.compile(r"[^\w\s.,;:!?'\u2019\u2018\"“”…\u2013—-]")
_ODD_BLANK: Final = re.compile(r"[^\S \n]")
_BESIDE: Final = re.compile(r"(\A|\s)?⟦\d+⟧[.,;:!?…]*(?=(\s|\Z)?)")
_INDENT: Final = re.compile(r"^[ \t]*(?:(?:[-*+]|\d+[.)])(?:[ \t]+|\Z))?")


class Breach(NamedTuple):
    """Why a corrected text is refused."""

    reason: str
    sentence: str


def breach(before: str, after: str) -> Breach | None:
    """The first rule that the corrected text breaks; None if it may stand."""
    return None if before == after else _first_breach(before, after)


@lru_cache(maxsize=1_024)
def _first_breach(before: str, after: str) -> Breach | None:
    """Kept for a moment: an answer is judged when it comes, and once more when it is handed out with all others."""
    return next(
        (Breach(reason, sentence) for reason, (broken, sentence) in GUARDS.items() if broken(before, after)), None
    )


def _empty(before: str, after: str) -> bool:
    return bool(before.strip()) and not after.strip()


def _markers(before: str, after: str) -> bool:
    return MARKER.findall(before) != MARKER.findall(after)


def _lines(before: str, after: str) -> bool:
    return [*map(_edges, before.split("\n"))] != [*map(_edges, after.split("\n"))]


def _edges(line: str) -> tuple[str, str]:
    """Blanks, and the sign or number of a list; and the blanks at the end, which break lines in Markdown."""
    found = _INDENT.match(line)
    return found.group() if found else "", line[len(line.rstrip()) :]


def _blanks(before: str, after: str) -> bool:
    return _ODD_BLANK.findall(before) != _ODD_BLANK.findall(after) or _beside(before) != _beside(after)


def _beside(text: str) -> list[tuple[bool, bool]]:
    """Whether a blank stands before each marker, and after it; a comma may come between."""
    return [(place[1] is None, place[2] is None) for place in _BESIDE.finditer(text)]


def _length(before: str, after: str) -> bool:
    if len(before) < LONG:
        return abs(len(after) - len(before)) > MOST_CHARACTERS_MORE_OR_LESS
    return not RATIO[0] <= len(after) / len(before) <= RATIO[1]


def _distance(before: str, after: str) -> bool:
    return changed_share(before, after) > MOST_CHANGED


def _language(before: str, after: str) -> bool:
    spoken = language(before), language(after)
    return scripts(before) != scripts(after) or ("" not in spoken and spoken[0] != spoken[1])


def _question(before: str, after: str) -> bool:
    return before.count("?") != after.count("?")


def _negation(before: str, after: str) -> bool:
    """A misspelled `nto` is a negation already. One that moves elsewhere denies something else."""
    spelt = correct_words(before)
    return any(negations(spelt, edit.wrong) != negations(spelt, edit.right) for edit in edits(spelt, after))


def _signs(before: str, after: str) -> bool:
    return _SIGNS.findall(before) != _SIGNS.findall(after)


def _new_tokens(before: str, after: str) -> bool:
    """A URL, number, path, name of a thing in code that was not there."""
    return bool(_special(after) - _special(before))


def _special(text: str) -> Counter[str]:
    return Counter(text[span.start : span.end] for span in protected_spans(text))


def _casing(before: str, after: str) -> bool:
    """Names keep their case: only `I` and the first letter of a sentence may become capital."""
    return any(
        old != new and old.casefold() == new.casefold() and not _may_be_capital(old, new, after)
        for edit in edits(before, after)
        if len(edit.wrong) == len(edit.right)
        for old, new in zip(edit.wrong, edit.right, strict=True)
    )


def _may_be_capital(old: str, new: str, after: str) -> bool:
    if new[:1] != old[:1].upper() or new[1:] != old[1:]:
        return False
    return new[:2] in {"I", "I'", "I\u2019"} or any(
        begins_sentence(after, place.start()) for place in re.finditer(rf"\b{re.escape(new)}\b", after)
    )


def _cut(before: str, after: str) -> bool:
    made = edits(before, after)
    return bool(made) and _cuts_the_end(made[-1], tokens(before))


def _cuts_the_end(edit: Edit, words: Sequence[str]) -> bool:
    """Whether the last words are gone, even small ones; not if they stood there twice, or are written together now."""
    behind = words[edit.place + len(edit.wrong) :]
    wrong, right = _words(edit.wrong), _words(edit.right)
    if len(wrong) <= len(right) or _words(behind) or any(map(MARKER.match, behind)):
        return False
    if not right:
        return not _stood_twice(edit, words)
    return not (is_listed(wrong[-1], right[-1]) or right[-1].endswith(wrong[-1]))


def _rewritten(before: str, after: str) -> bool:
    words, made = tokens(before), edits(before, after)
    names = _names(before, {word for edit in made for word in edit.wrong})
    return not all(_is_correction(edit, names) if edit.right else _may_go(edit, words) for edit in made)


def _is_correction(edit: Edit, names: frozenset[str]) -> bool:
    """Words respelled, small words put in or left out, signs; of what may be a name, only into a word that is known."""
    wrong, right = _words(edit.wrong), _words(edit.right)
    if names.intersection(edit.wrong):
        return len(wrong) == len(right) and all(map(is_surely_meant, wrong, right))
    return are_respelled(wrong, right)


def _names(text: str, words: Set[str]) -> frozenset[str]:
    """Those of the words that may be names where they stand in the text."""
    return frozenset(word.group() for word in WORD.finditer(text) if word.group() in words and may_be_name(word))


def _may_go(edit: Edit, words: Sequence[str]) -> bool:
    """Small words; words that stand beside themselves; and one that is said again."""
    said_again = len(edit.wrong) == 1 and [word.lower() for word in words].count(edit.wrong[0].lower()) > 1
    return said_again or _stood_twice(edit, words) or are_respelled(_words(edit.wrong), ())


def _stood_twice(edit: Edit, words: Sequence[str]) -> bool:
    size, start, lower = len(edit.wrong), edit.place, [word.lower() for word in words]
    left_out = lower[start : start + size]
    return left_out in (lower[max(0, start - size) : start], lower[start + size : start + 2 * size])


def _words(words: Sequence[str]) -> list[str]:
    return [word.lower().replace("\u2019", "'") for word in words if word[0].isalnum()]


GUARDS: Final[dict[str, tuple[Callable[[str, str], bool], str]]] = {
    "empty": (_empty, "the text is empty; repeat it, corrected"),
    "markers": (_markers, "each marker like ⟦1⟧ must stand there exactly once, in the same order"),
    "lines": (_lines, "lines, their indentation, ends and list signs must stay as they are"),
    "blanks": (_blanks, "tabs, and blanks beside markers, must stay as they are"),
    "length": (_length, "the text has become much longer or shorter; only correct spelling and grammar"),
    "distance": (_distance, "too much was changed; only correct spelling and grammar"),
    "language": (_language, "the text must stay in its language and script"),
    "question": (_question, "the text must not be answered; a question stays a question"),
    "negation": (_negation, "a negation must neither appear nor vanish"),
    "signs": (_signs, "brackets, markup and other signs must stay as they are"),
    "new-token": (_new_tokens, "no number, address, path or name may be added"),
    "casing": (_casing, "capitals and small letters of names must stay as they are"),
    "cut": (_cut, "the last words are missing; give back the whole text"),
    "rewrite": (_rewritten, "words were replaced, added or left out; only correct spelling and grammar"),
}
"""Reason → rule, and what to tell the model. The cheap and the telling ones come first."""
