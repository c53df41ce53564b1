"""How good corrections are, against labelled texts: what is repaired, what is spoilt, what is left alone.

A target may hold other mistakes than those that are listed, for people repair one at a time; so the listed edits are
scored, never the whole text.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from schemas.correction import CorrectionStatus
from services.correction.correct import Verdict
from services.correction.dictionary import misspellings
from services.correction.edits import edits, kind_of
from services.correction.guards import breach
from services.correction.labelled import LabelledText
from services.correction.masking import mask

_LONGEST_GRAM: Final = 4
_END_OF_SENTENCE: Final = re.compile(r"[.!?…]+[\"'\u2019”)\]]*(?:\s|$)|\n")


@dataclass(slots=True)
class Gleu:
    """GLEU over a corpus: n-grams shared with a reference, less those that only the source has (Napoles et al., 2015).

    Each reference of a text is scored by itself, the mean counts.
    """

    sums: dict[int, list[int]] = field(default_factory=dict)
    """Number of the reference → words, words of the reference, then for each length n-grams shared and all."""

    def add(self, source: str, corrected: str, references: Sequence[str]) -> None:
        """Add a text."""
        for number, reference in enumerate(references):
            found = _counts(source.split(), corrected.split(), reference.split())
            before = self.sums.get(number, [0] * len(found))
            self.sums[number] = [one + other for one, other in zip(before, found, strict=True)]

    @property
    def value(self) -> float | None:
        """0 to 1; None if nothing was added."""
        return sum(map(_of_sums, self.sums.values())) / len(self.sums) if self.sums else None


@dataclass(slots=True)
class KindScore:
    """Counts over edits of one kind."""

    listed: int = 0
    repaired: int = 0
    made: int = 0
    """That the correction made; right ones and others."""
    made_as_listed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """With the shares."""
        return {
            **asdict(self),
            "recall": _share(self.repaired, self.listed),
            "precision": _share(self.made_as_listed, self.made),
        }


@dataclass(slots=True)
class Score:
    """Counts over rows."""

    rows: int = 0
    edits: int = 0
    repaired: int = 0
    made: int = 0
    """Edits that the correction made."""
    made_as_listed: int = 0
    clean: int = 0
    """Texts that are right as they are."""
    clean_changed: int = 0
    clean_misspelled: int = 0
    """Of these, texts that were not so right: all that was changed are misspellings that codespell lists, too."""
    clean_breaches: int = 0
    """Clean texts whose correction a guard objects to; none may come out."""
    protected: int = 0
    protected_kept: int = 0
    kept_original: Counter[str] = field(default_factory=Counter)
    sentences_before: int = 0
    sentences_after: int = 0
    """What splits texts into sentences later should find as many as before, or more."""
    by_kind: dict[str, KindScore] = field(default_factory=dict)
    gleu: Gleu = field(default_factory=Gleu)

    def as_dict(self) -> dict[str, Any]:
        """With the shares; None where there is nothing to share."""
        return {
            **asdict(self),
            "kept_original": dict(self.kept_original),
            "kept_original_share": {why: _share(rows, self.rows) for why, rows in self.kept_original.items()},
            "protected_failures": self.protected - self.protected_kept,
            "by_kind": {kind: score.as_dict() for kind, score in sorted(self.by_kind.items()) if self.edits},
            "recall": _share(self.repaired, self.edits),
            "precision": _share(self.made_as_listed, self.made if self.edits else 0),
            "clean_changed_share": _share(self.clean_changed, self.clean),
            "over_correction_share": _share(self.clean_changed - self.clean_misspelled, self.clean),
            "protected_share": _share(self.protected_kept, self.protected),
            "gleu": self.gleu.value,
        }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def score_row(score: Score, row: LabelledText, source: Verdict, target: Verdict | None) -> None:
    """Add a row: `source` is what came of its source, `target` what came of its target."""
    corrected = _after(row.source, source)
    score.rows += 1
    if source.status is CorrectionStatus.KEPT_ORIGINAL:
        score.kept_original[source.reason] += 1
    score.sentences_before += sentences(row.source)
    score.sentences_after += sentences(corrected)
    _edits(score, row, corrected)
    score.protected += len(row.protected)
    score.protected_kept += sum(corrected.count(span) >= row.source.count(span) for span in row.protected)
    for text, after in clean_texts(row, source, target):
        _clean(score, text, after)
    if row.refs:
        score.gleu.add(row.source, corrected, row.refs)


def unrepaired(row: LabelledText, source: Verdict) -> list[tuple[str, str]]:
    """The listed edits that were not made."""
    corrected = _after(row.source, source)
    return [(wrong, right) for wrong, right in row.edits if not is_repaired(row.source, corrected, wrong, right)]


def clean_texts(row: LabelledText, source: Verdict, target: Verdict | None) -> Iterator[tuple[str, str]]:
    """Texts that are right as they are, and what came of them."""
    if row.target is not None and target is not None:
        yield row.target, _after(row.target, target)
    if row.refs and all(reference == row.source for reference in row.refs):
        yield row.source, _after(row.source, source)


def _after(text: str, verdict: Verdict) -> str:
    return text if verdict.text is None else verdict.text


def _edits(score: Score, row: LabelledText, corrected: str) -> None:
    for wrong, right in row.edits:
        kind = score.by_kind.setdefault(kind_of(wrong, right), KindScore())
        repaired = is_repaired(row.source, corrected, wrong, right)
        kind.listed += 1
        kind.repaired += repaired
        score.edits += 1
        score.repaired += repaired
    for made in (edit.shown() for edit in edits(row.source, corrected)):
        kind, listed = score.by_kind.setdefault(kind_of(*made), KindScore()), _listed(made, row.edits)
        kind.made += 1
        kind.made_as_listed += listed
        score.made += 1
        score.made_as_listed += listed


def sentences(text: str) -> int:
    """Sentences and lines without an end, as a simple splitter counts them."""
    return sum(bool(part.strip()) for part in _END_OF_SENTENCE.split(text))


def _clean(score: Score, text: str, after: str) -> None:
    score.clean += 1
    if after == text:
        return
    shown = [edit.shown() for edit in edits(text, after)]
    score.clean_changed += 1
    score.clean_misspelled += all(misspellings().get(wrong.lower()) == right.lower() for wrong, right in shown)
    score.clean_breaches += breach(mask(text).text, mask(after).text) is not None


def is_repaired(before: str, after: str, wrong: str, right: str) -> bool:
    """Whether a listed mistake is gone and what should stand there has come."""
    gone = not wrong or _count(after, wrong) < _count(before, wrong)
    return gone and (not right or _count(after, right) > _count(before, right))


def _count(text: str, words: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(words)}(?!\w)", text))


def _listed(made: tuple[str, str], wanted: Sequence[tuple[str, str]]) -> bool:
    return any(wrong in made[0] and right in made[1] for wrong, right in wanted)


def _counts(source: Sequence[str], corrected: Sequence[str], reference: Sequence[str]) -> list[int]:
    counts = [len(corrected), len(reference)]
    for size in range(1, _LONGEST_GRAM + 1):
        before, found, wanted = (_grams(words, size) for words in (source, corrected, reference))
        shared = sum((found & wanted).values()) - sum((found & (before - wanted)).values())
        counts += [max(shared, 0), sum(found.values())]
    return counts


def _of_sums(sums: Sequence[int]) -> float:
    words, wanted, *grams = sums
    if not words or 0 in grams:
        return 0.0
    logs = sum(math.log(shared / every) for shared, every in zip(grams[::2], grams[1::2], strict=True))
    return math.exp(min(0.0, 1 - wanted / words) + logs / _LONGEST_GRAM)


def _grams(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + size]) for start in range(len(words) - size + 1))
