"""Correct what people typed, and nothing else. A row always leaves with a status; where anything is in doubt the
original stays, with the reason."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from schemas.correction import Corrected, CorrectionStatus, Identified
from services.correction.edits import edits
from services.correction.guards import GUARDS
from services.correction.masking import MARKER, Masked, in_parts, mask
from services.correction.passages import CORRECTION, PROMPT_VERSION, CorrectedPassage, Passage, by_dictionary
from services.correction.protect import protected_spans
from services.correction.secrets import secret_spans
from shared.llm.gateway import EMBEDDED, Ask
from shared.llm.question import Answer
from shared.runtime.outcome import NO_USAGE, Outcome, Usage, emit
from shared.settings import CorrectionSettings

LEAST_CHARACTERS: Final = 10
MOST_EDITS_STORED: Final = 200
NO_ANSWER, PROTECTED = "no-answer", "protected"
_LETTER: Final = re.compile(r"[^\W\d_]")
_REASON: Final = re.compile(r"(?:^|(?<=: ))[a-z-]+(?=: )")

Answered = Answer[CorrectedPassage]


class Verdict(NamedTuple):
    """What came of a text."""

    status: CorrectionStatus
    reason: str = ""
    text: str | None = None


async def correct(items: Sequence[Identified], ask: Ask, settings: CorrectionSettings) -> list[Outcome]:
    """One final row an item. Raises TransientError if nobody can answer now."""
    hindrances = await asyncio.to_thread(lambda: [hindrance(item) for item in items])
    places = [place for place, why in enumerate(hindrances) if not why]
    found = await corrected_texts([items[place].text or "" for place in places], ask, settings, places)
    results = dict(zip(places, found, strict=True))
    return [
        _outcome(item, *results.get(place, (Verdict(CorrectionStatus.SKIPPED, hindrances[place]), NO_USAGE)))
        for place, item in enumerate(items)
    ]


async def corrected_texts(
    texts: Sequence[str], ask: Ask, settings: CorrectionSettings, places: Sequence[int] | None = None
) -> list[tuple[Verdict, Usage]]:
    """What comes of each text and what it took. `places`: where they stand in the batch, default all.

    Raises TransientError.
    """
    places = range(len(texts)) if places is None else places
    leave = [_leaves(ask, place) for place in places]
    works = await asyncio.to_thread(lambda: [*map(partial(_masked, settings), texts, leave)])
    passages = [Passage(text=part.text) for parts in works for part in parts]
    asked = [place for parts, place in zip(works, places, strict=True) for _ in parts]
    answers = iter(await ask(CORRECTION, passages, asked) if passages else ())
    given = [[next(answers) for _ in parts] for parts in works]
    verdicts = await asyncio.to_thread(lambda: [*map(verdict, texts, works, given)])
    return [(one, _together([answer.usage for answer in some])) for one, some in zip(verdicts, given, strict=True)]


def _masked(settings: CorrectionSettings, text: str, leaves: bool) -> tuple[Masked, ...]:
    return _for_vendor(text, settings) if leaves else tuple(map(mask, in_parts(text)))


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


def _for_vendor(text: str, settings: CorrectionSettings) -> tuple[Masked, ...]:
    """The parts as they leave the house. What the dictionary has put right stays so, whatever comes of the call."""
    redact = settings.redact_secrets
    parts = tuple(mask(part, secret_spans(part) if redact else ()) for part in in_parts(text))
    return tuple(part._replace(text=by_dictionary(part.text)) for part in parts) if settings.pre_pass else parts


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
