"""In a cascade a stored row tells what the embedded model said first."""

import json
from datetime import UTC, datetime

from services.classification.final_row import Effort, final_row
from services.classification.in_memory import classify_in_memory
from services.classification.store import upsert_classifications
from shared.database import Database
from tests.unit.classification.model_of_words import Words, gateway, indicator

SAID = "Time is measured."
FAMILY = {"family": "temporal", "runner_up": "other", "confidence": 0.93, "reasoning": SAID}
TYPE = {
    "indicator_type": "duration",
    "temporal_aggregation": "point-in-time",
    "heat_map_orientation": "neutral",
    "override_of_pattern": False,
    "confidence": 0.93,
    "reasoning": SAID,
}


async def test_both_opinions_are_stored_and_a_run_without_a_cascade_forgets_the_first(database: Database) -> None:
    given = [indicator("Widget position", "Tonnes")]
    words = Words(family=[FAMILY], type=[TYPE])
    (doubted,) = await classify_in_memory(given, gateway(words, cascade=True, cascade_confidence=1.1))
    (plain,) = await classify_in_memory(given)
    found = []
    for item in (doubted, plain):
        row = final_row(item, "b", Effort(1.0, "openai", "small", 0, 0, 0.0), datetime.now(UTC))
        await upsert_classifications(database, [row])
        found.append(await database.fetchval("SELECT opinions FROM classifications"))
    told = json.loads(found[0])
    assert set(told) == {"family", "type"}
    assert told["family"]["values"] == {"family": plain.family.family}
    assert told["type"]["provider"] == "embedded"
    assert told["family"]["confidence"] == plain.family.confidence
    assert doubted.family.reasoning == SAID
    assert found[1] is None
