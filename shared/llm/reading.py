"""What a model said, read item by item: whatever is missing, doubtful or wrong is asked again, nothing is guessed.

Replies belong to items by id alone. An id that nobody asked about is dropped; an id that comes twice with different
replies counts as missing, for nobody knows which one is meant.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from schemas.base import Contract
from shared.llm.rendering import ANSWERS

Accept = Callable[[str, Contract], object]
"""(id, reply) → whatever; raises ValueError with a sentence for the model."""

SHOWN_PROBLEMS = 15
NUL = "\\u0000"


@dataclass(slots=True)
class Read:
    """Valid replies by id, what is wrong with the others, and how much was dropped, by reason."""

    replies: dict[str, Contract] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str) -> None:
        """Count something that is of no use."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def complaint(self) -> str:
        """What to tell the model."""
        told = [f"{item_id}: {problem}" for item_id, problem in list(self.problems.items())[:SHOWN_PROBLEMS]]
        return "Your answer cannot be used. " + "; ".join(told) + ". Answer again for every item, as the schema says."


def read_answers(text: str, ids: Sequence[str], reply: type[Contract], accept: Accept, *, cut: bool) -> Read:
    """Read a whole answer. `cut`: it was truncated, so its complete objects count."""
    read = Read()
    found = _by_id(_objects(text, cut=cut), set(ids), read)
    for item_id in ids:
        if item_id not in found:
            read.problems.setdefault(item_id, "no answer for this item")
            continue
        try:
            parsed = reply.model_validate(found[item_id])
            if NUL in parsed.model_dump_json():
                raise ValueError("a NUL character, which cannot be stored")
            accept(item_id, parsed)
        except ValidationError as error:
            read.problems[item_id] = _in_words(error)
        except ValueError as error:
            read.problems[item_id] = str(error)
        else:
            read.replies[item_id] = parsed
    for _ in read.problems:
        read.drop("unusable")
    return read


def _objects(text: str, *, cut: bool) -> list[Mapping[str, Any]]:
    """The objects of the list of answers; none if there is no such list."""
    body = text[max(text.find("{"), 0) :]
    document = _parsed(body) or _parsed(body[: body.rfind("}") + 1])
    if document is None and cut:
        # The cut may have gone through the last object, even through a number in it: that one does not count.
        return _list_of(_parsed(body, partial=True))[:-1]
    return _list_of(document)


def _parsed(text: str, *, partial: bool = False) -> Any:
    try:
        return from_json(text, allow_partial=partial)
    except ValueError:
        return None


def _list_of(document: Any) -> list[Mapping[str, Any]]:
    answers = document.get(ANSWERS) if isinstance(document, dict) else None
    return [one for one in answers if isinstance(one, dict)] if isinstance(answers, list) else []


def _by_id(objects: Sequence[Mapping[str, Any]], asked: set[str], read: Read) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for one in objects:
        item_id = one.get("id")
        if not isinstance(item_id, str) or item_id not in asked:
            read.drop("unknown-id")
        elif item_id in read.problems:
            read.drop("repeated-id")
        elif item_id not in found:
            found[item_id] = one
        else:
            read.drop("repeated-id")
            if one != found[item_id]:
                del found[item_id]
                read.problems[item_id] = "two different answers for this item"
    return found


def _in_words(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()[:3])
