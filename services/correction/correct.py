"""Correct what people typed, and nothing else. A row always leaves with a status; where anything is in doubt the
original stays, with the reason."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.correction import Corrected, CorrectionStatus, Identified
from services.correction.edits import edits
from services.correction.guards import GUARDS
from services.correction.masking import MARKER, Masked, in_parts, mask
from services.correction.passages import CORRECTION, PROMPT_VERSION, CorrectedPassage, Passage
from services.correction.protect import protected_spans
from services.correction.secrets import secret_spans
from shared.llm.gateway import EMBEDDED, Ask
from shared.llm.question import Answer
from shared.runtime.outcome import Outcome, Usage, emit
from shared.settings import CorrectionSettings

LEAST_CHARACTERS: Final = 10
MOST_EDITS_STORED: Final = 200
NO_ANSWER, PROTECTED = "no-answer", "protected"
_LETTER: Final = re.compile(r"[^\W\d_]")
_REASON: Final = re.compile(r"(?:^|: )([a-z-]+): ")

Answered = Answer[CorrectedPassage]


@dataclass(frozen=True, slots=True)
class Work:
    """A text that is to be corrected, in its parts."""

    place: int
    parts: tuple[Masked, ...]


class Verdict(NamedTuple):
    """What came of a text."""

    status: CorrectionStatus
    reason: str = ""
    text: str | None = None


async def correct(items: Sequence[Identified], ask: Ask, settings: CorrectionSettings) -> list[Outcome]:
    """One final row an item. Raises TransientError if nobody can answer now."""
    verdicts = {place: Verdict(CorrectionStatus.SKIPPED, why) for place, why in _hindrances(items)}
    work = [
        Work(place, _parts(item.text or "", secrets=settings.redact_secrets and _leaves(ask, place)))
        for place, item in enumerate(items)
        if place not in verdicts
    ]
    passages = [Passage(text=part.text) for one in work for part in one.parts]
    places = [one.place for one in work for _ in one.parts]
    answers = iter(await ask(CORRECTION, passages, places) if passages else ())
    usages = dict[int, Usage]()
    for one in work:
        given = [next(answers) for _ in one.parts]
        verdicts[one.place] = verdict(items[one.place].text or "", one.parts, given)
        usages[one.place] = _together([answer.usage for answer in given])
    return [_outcome(item, verdicts[place], usages.get(place, Usage())) for place, item in enumerate(items)]


def _hindrances(items: Sequence[Identified]) -> Iterator[tuple[int, str]]:
    return ((place, why) for place, item in enumerate(items) if (why := hindrance(item)))


def hindrance(item: Identified) -> str:
    """Why a typed text is not corrected; empty if it is."""
    if item.text is None:
        return "too-large"
    if len(item.text.strip()) < LEAST_CHARACTERS:
        return "too-short"
    return "" if _LETTER.search(MARKER.sub("", mask(item.text).text)) else "no-prose"


def _leaves(ask: Ask, place: int) -> bool:
    """Whether the item goes to somebody else's machine."""
    return ask.choice(CORRECTION, place) != EMBEDDED


def _parts(text: str, *, secrets: bool) -> tuple[Masked, ...]:
    return tuple(mask(part, secret_spans(part) if secrets else ()) for part in in_parts(text))


def verdict(text: str, parts: Sequence[Masked], answers: Sequence[Answered]) -> Verdict:
    """What the answers come to: a part without a usable one stays as it was, and says why."""
    refused = [_why(answer) for answer in answers if answer.value is None]
    restored = "".join(
        part.restored(answer.value.text if answer.value else part.text)
        for part, answer in zip(parts, answers, strict=True)
    )
    if restored == text:
        return Verdict(CorrectionStatus.KEPT_ORIGINAL, refused[0]) if refused else Verdict(CorrectionStatus.UNCHANGED)
    if _protected(text) != _protected(restored):
        return Verdict(CorrectionStatus.KEPT_ORIGINAL, PROTECTED)
    return Verdict(CorrectionStatus.CORRECTED, f"in part: {refused[0]}" if refused else "", restored)


def _protected(text: str) -> Counter[str]:
    """The second comparison: what is protected in the whole text, before and after."""
    return Counter(text[span.start : span.end] for span in protected_spans(text))


def _why(answer: Answered) -> str:
    """The guard that objected, as the gateway reports it; else there was no answer."""
    return next((reason for reason in _REASON.findall(answer.reason) if reason in GUARDS), NO_ANSWER)


def _together(usages: Sequence[Usage]) -> Usage:
    if len(usages) == 1:
        return usages[0]
    named = next((usage for usage in usages if usage.model), Usage())
    return Usage(
        named.provider,
        named.model,
        sum(usage.tokens_in for usage in usages),
        sum(usage.tokens_out for usage in usages),
        sum(usage.cost_usd for usage in usages),
    )


def _outcome(item: Identified, found: Verdict, usage: Usage) -> Outcome:
    changed = edits(item.text or "", found.text)[:MOST_EDITS_STORED] if found.text is not None else []
    row = Corrected(
        **item.__dict__,
        status=found.status,
        reason=found.reason,
        corrected=found.text,
        edits=tuple(edit.shown() for edit in changed),
        provider=usage.provider,
        model_used=usage.model,
        prompt_version=PROMPT_VERSION if usage.provider not in {"", EMBEDDED} else "",
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        correction_cost_usd=usage.cost_usd,
    )
    return emit(row, usage=usage)
