"""The name of a question about one thing: equal names share one answer."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from shared.llm.question import Question


class Keys:
    """Keys of one question to one model.

    A key holds the question's name, provider and model, the temperature, the static instructions and the schema of the
    reply (so a new wording asks anew), and the item's identity: what the answer depends on, as the question states it.
    Where the provider is asked at another address than its own, it holds that `place`: a simulator or a server of one's
    own may call its model anything, and its answers are not the vendor's. It holds nothing else, so items that differ
    only in what does not matter share an answer.
    """

    def __init__(
        self, question: Question[Any, Any], provider: str, model: str, temperature: float, place: str = ""
    ) -> None:
        prompt = question.prompt
        if prompt is None:
            raise LookupError(f"no language model can be asked {question.name}")
        schema = prompt.reply.model_json_schema()
        fixed = [question.name, provider, model, temperature, prompt.instructions, schema, *([place] if place else [])]
        self._asked = hashlib.sha256(_canonical(fixed))

    def of(self, identity: Mapping[str, JsonValue]) -> bytes:
        """32 bytes."""
        key = self._asked.copy()
        key.update(_canonical(identity))
        return key.digest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
