"""What was changed in a text, word by word."""

import re
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA, Levenshtein

WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_NEAR: Final = 2
"""Slips between a word and its misspelling; more make another word, or another ending."""
_TOKEN: Final = re.compile(r"⟦\d+⟧|\w+(?:['\u2019]\w+)*|[^\w\s]")


class Edit(NamedTuple):
    """Words in a row, and what stands in their place; one of the two may be empty."""

    wrong: tuple[str, ...]
    right: tuple[str, ...]
    place: int = 0
    """Of the first of the words among the tokens of the text before."""

    def shown(self) -> tuple[str, str]:
        """For people and tables."""
        return " ".join(self.wrong), " ".join(self.right)


def tokens(text: str) -> list[str]:
    """Words, markers and single signs, without blanks."""
    return _TOKEN.findall(text)


def edits(before: str, after: str) -> list[Edit]:
    """The shortest list of edits that makes one text of the other, blanks aside."""
    old, new = tokens(before), tokens(after)
    found: list[Edit] = []
    old_end = new_end = -1
    for step in Levenshtein.opcodes(old, new):
        if step.tag == "equal":
            continue
        wrong, right = tuple(old[step.src_start : step.src_end]), tuple(new[step.dest_start : step.dest_end])
        edit = Edit(wrong, right, step.src_start)
        if found and (old_end, new_end) == (step.src_start, step.dest_start):
            last = found.pop()
            edit = Edit(last.wrong + wrong, last.right + right, last.place)
        found.append(edit)
        old_end, new_end = step.src_end, step.dest_end
    return found


def kind_of(wrong: str, right: str) -> str:
    """What kind of mistake is repaired by writing `right` for `wrong`; one of the two may be empty."""
    if not any(letter.isalnum() for letter in wrong + right):
        return "punctuation"
    if not wrong or not right:
        return "missing word" if right else "surplus word"
    if wrong.casefold() == right.casefold():
        return "case"
    if "".join(wrong.split()) == "".join(right.split()):
        return "spacing"
    return "spelling" if len(wrong.split()) == len(right.split()) and slips(wrong, right) <= _NEAR else "wording"


def slips(one: str, other: str) -> int:
    """Letters to change, insert, leave out or swap with their neighbour."""
    return OSA.distance(one, other)


def changed_share(before: str, after: str) -> float:
    """0 for equal texts, 1 for texts that have nothing in common."""
    return Levenshtein.normalized_distance(before, after)
