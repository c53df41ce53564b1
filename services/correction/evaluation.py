"""How good corrections are, against labelled texts: what is repaired, what is spoilt, what is left alone.

A row has `source`, and `target` with `edits` and `protected`, or `refs`. A target may hold other mistakes than those
that are listed, for people repair one at a time; so the listed edits are scored, never the whole text.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from schemas.correction import CorrectionStatus
from services.correction.correct import Verdict
from services.correction.edits import edits
from services.correction.guards import breach
from services.correction.masking import mask

Row = Mapping[str, Any]
_LONGEST_GRAM: Final = 4


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
    clean_breaches: int = 0
    """Clean texts whose correction a guard objects to; none may come out."""
    protected: int = 0
    protected_kept: int = 0
    kept_original: Counter[str] = field(default_factory=Counter)
    gleu: Gleu = field(default_factory=Gleu)

    def as_dict(self) -> dict[str, Any]:
        """With the shares; None where there is nothing to share."""
        return {
            **asdict(self),
            "kept_original": dict(self.kept_original),
            "recall": _share(self.repaired, self.edits),
            "precision": _share(self.made_as_listed, self.made if self.edits else 0),
            "clean_changed_share": _share(self.clean_changed, self.clean),
            "protected_share": _share(self.protected_kept, self.protected),
            "gleu": self.gleu.value,
        }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def score_row(score: Score, row: Row, source: Verdict, target: Verdict | None) -> None:
    """Add a row: `source` is what came of its source, `target` what came of its target."""
    text, corrected = str(row["source"]), source.text if source.text is not None else str(row["source"])
    score.rows += 1
    if source.status is CorrectionStatus.KEPT_ORIGINAL:
        score.kept_original[source.reason] += 1
    wanted = [(str(wrong), str(right)) for wrong, right in row.get("edits", ())]
    score.edits += len(wanted)
    score.repaired += sum(is_repaired(text, corrected, wrong, right) for wrong, right in wanted)
    made = [edit.shown() for edit in edits(text, corrected)]
    score.made += len(made)
    score.made_as_listed += sum(_listed(edit, wanted) for edit in made)
    spans = [str(span) for span in row.get("protected", ())]
    score.protected += len(spans)
    score.protected_kept += sum(corrected.count(span) >= text.count(span) for span in spans)
    if target is not None:
        _clean(score, str(row["target"]), target)
    _references(score, row, text, corrected)


def _clean(score: Score, text: str, found: Verdict) -> None:
    score.clean += 1
    if found.text is not None and found.text != text:
        score.clean_changed += 1
        score.clean_breaches += breach(mask(text).text, mask(found.text).text) is not None


def _references(score: Score, row: Row, text: str, corrected: str) -> None:
    references = [str(reference) for reference in row.get("refs", ())]
    if not references:
        return
    score.gleu.add(text, corrected, references)
    if all(reference == text for reference in references):
        score.clean += 1
        score.clean_changed += corrected != text


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
