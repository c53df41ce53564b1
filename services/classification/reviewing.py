"""Reviews as other services show them (shared.reviewing): the same questions and decisions as `sluice review` has."""

from collections.abc import Sequence
from typing import Any

from schemas.enums import ReviewField
from services.classification.deciding import Made, Wish, checked_value, decide
from services.classification.review_files import field_named, from_text
from services.classification.review_queue import Wanted, known, waiting
from services.classification.rules.review import VOCABULARIES
from shared.database import Database, Executor
from shared.reviewing import Choice, Ruling

FLAG = ("true", "false")


class ClassificationReviews:
    """What waits for a person among the classifications."""

    def choices(self) -> Sequence[Choice]:
        """The nine values; a currency is any code."""
        return [Choice(field.value, _possible(field)) for field in ReviewField]

    async def waiting(self, executor: Executor, limit: int) -> list[dict[str, Any]]:
        """The least certain first."""
        return await waiting(executor, Wanted(limit))

    async def known(self, executor: Executor, item_id: str) -> dict[str, Any]:
        """Everything about one classification. Raises UsageError if there is none."""
        return (await known(executor, item_id)).as_json()

    async def decide(self, database: Database, ruling: Ruling) -> str:
        """Accept, or correct if there are fields. Raises UsageError."""
        fields = {field: checked_value(field, from_text(field, text)) for field, text in _named(ruling)}
        return in_a_sentence(
            await decide(database, Wish(ruling.item_id, fields, ruling.reviewer, ruling.reason, ruling.force))
        )


def in_a_sentence(made: Made) -> str:
    """What a decision came to."""
    if made.repeated:
        return f"{made.indicator_id}: {made.decision.verdict} already"
    changes = ", ".join(f"{field}={'null' if value is None else value}" for field, value in made.changed.items())
    told = f"{made.indicator_id}: {made.decision.verdict}" + (f", {changes}" if changes else "")
    return f"{told}; no longer waits in {len(made.batches)} batch(es)" if made.batches else told


def _possible(field: ReviewField) -> Sequence[str]:
    if field is ReviewField.IS_CURRENCY_DENOMINATED:
        return FLAG
    return [str(word) for word in VOCABULARIES.get(field, ())]


def _named(ruling: Ruling) -> list[tuple[ReviewField, str]]:
    return [(field_named(name), text) for name, text in ruling.fields.items()]


REVIEWS = ClassificationReviews()
