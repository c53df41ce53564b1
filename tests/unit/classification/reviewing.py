"""What the simulated reviewer says, items for it to review, and both reviews in a row."""

from typing import Any

from schemas.classification import ContestedIndicator, IndicatorWithType, ReviewedIndicator
from services.classification.boolean_review import review
from services.classification.final_review import settle
from services.classification.in_memory import classify_in_memory
from shared.llm.gateway import Provider
from shared.runtime.outcome import Usage
from shared.settings import LlmSettings
from tests.unit.classification.model_of_words import gateway, indicator

RIGHT = {"is_correct": True, "incorrect_fields": [], "confidence": 0.95, "reasoning": "All values fit."}
KEEPS = {"review_makes_sense": False, "corrections_applied": [], "confidence": 0.9, "final_reasoning": "It fits."}


def objects_to(*fields: str, confidence: float = 0.9) -> dict[str, Any]:
    reasoning = "These do not fit."
    return {"is_correct": False, "incorrect_fields": fields, "confidence": confidence, "reasoning": reasoning}


def corrects(confidence: float = 0.9, **values: str) -> dict[str, Any]:
    pairs = [{"field": field, "value": value} for field, value in values.items()]
    return {
        "review_makes_sense": True,
        "corrections_applied": pairs,
        "confidence": confidence,
        "final_reasoning": "The cost of money.",
    }


async def typed(name: str, units: str, **changes: Any) -> IndicatorWithType:
    """A classified item with some of its decisions overridden."""
    (item,) = await classify_in_memory([indicator(name, units)])
    values = {field: getattr(item, field) for field in IndicatorWithType.model_fields}
    for part, update in changes.items():
        values[part] = values[part].model_copy(update=update)
    return IndicatorWithType(**values)


async def reviewed(item: IndicatorWithType, words: Provider, mode: str = "flagged") -> tuple[ReviewedIndicator, Usage]:
    """The item after both reviews, and what the last one took."""
    ask, settings = gateway(words), LlmSettings.model_validate({"review": mode})
    (first,) = await review([item], ask("boolean-review", 1), settings)
    message, usage = first.messages[0], first.usage
    if isinstance(message, ContestedIndicator):
        (second,) = await settle([message], ask("final-review", 1), settings)
        message, usage = second.messages[0], second.usage
    assert isinstance(message, ReviewedIndicator)
    return message, usage
