"""What a corrected text must not be. Every check is a rule; none asks a model.

Both texts are masked: what is protected stands there as markers. A breach is a reason, and a sentence for whoever
corrected the text.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from services.correction.dictionary import correct_words
from services.correction.edits import Edit, changed_share, edits, slips
from services.correction.language import language, scripts
from services.correction.masking import MARKER
from services.correction.protect import protected_spans
from services.correction.terms import begins_sentence

LONG: Final = 40
"""Characters from which on a length is judged by its ratio."""
RATIO: Final = (0.80, 1.25)
MOST_CHARACTERS_MORE_OR_LESS: Final = 10
MOST_CHANGED: Final = 0.30
_RESEMBLES: Final = 0.4
"""Share of its letters that a word may be respelled in."""
_SMALL: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "or",
        "but",
        "if",
        "so",
        "as",
        "at",
        "by",
        "for",
        "from",
        "in",
        "into",
        "of",
        "off",
        "on",
        "onto",
        "out",
        "over",
        "to",
        "up",
        "with",
        "about",
        "than",
        "then",
        "that",
        "this",
        "these",
        "those",
        "there",
        "their",
        "they're",
        "its",
        "it's",
        "it",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "am",
        "do",
        "does",
        "did",
        "have",
        "has",
        "had",
        "will",
        "would",
        "can",
        "could",
        "shall",
        "should",
        "may",
        "might",
        "must",
        "i",
        "me",
        "my",
        "we",
        "us",
        "our",
        "you",
        "your",
        "he",
        "she",
        "they",
        "them",
        "his",
        "her",
        "who",
        "whom",
        "whose",
        "which",
        "what",
        "when",
        "where",
        "how",
        "why",
        "too",
        "also",
        "any",
        "some",
        "more",
        "most",
        "much",
        "many",
    ]
)
_STEM: Final = 2
_ENDINGS: Final = frozenset(("", "s", "es", "d", "ed", "ing", "e", "y", "ies", "ied", "ly", "n", "en", "'s"))
_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|none|nor|neither|nothing|nobody|nowhere|cannot|without|"
    r"(?:do|does|did|is|are|was|were|has|have|had|ca|could|wo|would|should|must|need|ai)n['\u2019]?t)\b",
    re.IGNORECASE,
)
_SIGNS: Final = re.compile(r"[^\w\s.,;:!?'\u2019\u2018\"“”…\u2013—-]")
_INDENT: Final = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])?[ \t]*")


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
    return [_indent(line) for line in before.split("\n")] != [_indent(line) for line in after.split("\n")]


def _indent(line: str) -> str:
    """Blanks, and the sign or number of a list."""
    found = _INDENT.match(line)
    return found.group() if found else ""


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
    """A misspelled `nto` is a negation already."""
    return len(_NEGATION.findall(correct_words(before))) != len(_NEGATION.findall(after))


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


def _rewritten(before: str, after: str) -> bool:
    return not all(_is_correction(edit, before) for edit in edits(before, after))


def _is_correction(edit: Edit, before: str) -> bool:
    """Words respelled, or small words put in, left out or replaced; words that stood there twice left out."""
    wrong, right = _words(edit.wrong), _words(edit.right)
    if not wrong and not right:
        return True
    if all(word in _SMALL for word in (*wrong, *right)):
        return len(right) - len(wrong) in {-1, 0, 1, 2} and len(wrong) <= 3
    if not right:
        return re.search(rf"\b({re.escape(' '.join(edit.wrong))})\s+\1\b", before, re.IGNORECASE) is not None
    if len(wrong) == len(right):
        return all(_resembles(old, new) or {old, new} <= _SMALL for old, new in zip(wrong, right, strict=True))
    return bool(wrong) and abs(len(wrong) - len(right)) == 1 and _resembles("".join(wrong), "".join(right))


def _resembles(old: str, new: str) -> bool:
    """Respelled, or the same word with another ending."""
    if slips(old, new) <= max(2, _RESEMBLES * len(old)):
        return True
    differs = (place for place, letters in enumerate(zip(old, new, strict=False)) if len(set(letters)) > 1)
    stem = next(differs, min(len(old), len(new)))
    return stem >= _STEM and old[stem:] in _ENDINGS and new[stem:] in _ENDINGS


def _words(words: tuple[str, ...]) -> list[str]:
    return [word.lower().replace("\u2019", "'") for word in words if word[0].isalnum()]


GUARDS: Final[dict[str, tuple[Callable[[str, str], bool], str]]] = {
    "empty": (_empty, "the text is empty; repeat it, corrected"),
    "markers": (_markers, "each marker like ⟦1⟧ must stand there exactly once, in the same order"),
    "lines": (_lines, "lines, their indentation and list signs must stay as they are"),
    "length": (_length, "the text has become much longer or shorter; only correct spelling and grammar"),
    "distance": (_distance, "too much was changed; only correct spelling and grammar"),
    "language": (_language, "the text must stay in its language and script"),
    "question": (_question, "the text must not be answered; a question stays a question"),
    "negation": (_negation, "a negation must neither appear nor vanish"),
    "signs": (_signs, "brackets, markup and other signs must stay as they are"),
    "new-token": (_new_tokens, "no number, address, path or name may be added"),
    "casing": (_casing, "capitals and small letters of names must stay as they are"),
    "rewrite": (_rewritten, "words were replaced, added or left out; only correct spelling and grammar"),
}
"""Reason → rule, and what to tell the model. The cheap and the telling ones come first."""
