"""The one question of this pipeline: how a passage reads without its mistakes."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, JsonValue

from schemas.base import Contract
from services.correction.dictionary import correct_words, misspellings, right_words
from services.correction.guards import breach
from services.correction.language import is_english
from shared.llm.question import Prompt, Question

_INSTRUCTIONS: Final = Path(__file__).with_name("prompts").joinpath("correct.md").read_text(encoding="utf-8").strip()
PROMPT_VERSION: Final = sha256(_INSTRUCTIONS.encode()).hexdigest()[:8]


class Passage(Contract):
    """Prose with a marker for whatever is protected. Nothing else of a message leaves the house."""

    text: str


class CorrectedPassage(Contract):
    """The same without mistakes."""

    text: str


class CorrectionReply(Contract):
    """What a model says of one item."""

    text: Annotated[str, Field(max_length=20_000)]


def accept(passage: Passage, reply: CorrectionReply) -> CorrectedPassage:
    """The reply, if it is a correction and nothing else. Raises ValueError: a reason, and what to tell the model."""
    text = as_typed(passage.text, reply.text.strip())
    if broken := breach(passage.text, text):
        raise ValueError(f"{broken.reason}: {broken.sentence}")
    return CorrectedPassage(text=text)


def as_typed(before: str, after: str) -> str:
    """Without a full stop or question mark at the end that nobody typed."""
    added = len(after) > 1 and after[-1] in ".!?" and before[-1:] not in ".!?…:;"
    return after[:-1] if added else after


def facts(passage: Passage) -> dict[str, JsonValue]:
    """What a model is shown; also all that the answer depends on, so equal passages share one."""
    return {"text": passage.text}


def _embedded() -> Callable[[Sequence[Passage]], tuple[Sequence[CorrectedPassage], str]]:
    name = f"codespell-{version('codespell')}"
    misspellings()  # read before there is work
    return lambda passages: ([CorrectedPassage(text=by_dictionary(one.text)) for one in passages], name)


def by_dictionary(text: str) -> str:
    """The text with listed misspellings put right, if it is English; as it is where a guard objects."""
    if not is_english(text, misspellings(), right_words()):
        return text
    corrected = correct_words(text)
    return text if breach(text, corrected) else corrected


CORRECTION: Final = Question(
    "correct",
    _embedded,
    Prompt(
        instructions=_INSTRUCTIONS,
        reply=CorrectionReply,
        facts=facts,
        identity=facts,
        accept=accept,
        output_tokens=12,
        echoes=True,
    ),
)
