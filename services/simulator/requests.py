"""What is asked, out of the several places in which a request may say it."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.simulator.calls import Rejection
from services.simulator.replies import ReplyPlan, plan_of
from services.simulator.strictness import check_anthropic, check_openai
from services.simulator.tokens import count_again
from services.simulator.wire import as_json

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
KEPT_PLANS = 1000


class Recogniser(Protocol):
    """Finds the question by the fields of its reply."""

    def recognise(self, fields: Collection[str]) -> str:
        """Its name, empty if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """The plan of the reply, and the schema as text with its tokens: it is part of the prompt."""

    plan: ReplyPlan
    schema: str = ""
    tokens: int = 0


class RequestReader:
    """Reads what is asked; a schema that came before is not checked again."""

    def __init__(self, answers: Recogniser) -> None:
        self._answers = answers
        self._known: dict[tuple[str, str], Asked] = {}
        self._strict: set[tuple[str, str]] = set()

    def openai_question(
        self, form: Mapping[str, Any], instructions: str, texts: Sequence[str], *, particular: bool = True
    ) -> Asked:
        """From `response_format`. Raises Rejection; if `particular`, also for schemas that OpenAI does not take."""
        kind = form.get("type", "text")
        if kind == "json_schema":
            return self._openai_schema(form.get("json_schema") or {}, particular)
        if kind not in ("json_object", "text"):
            raise _invalid(f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.")
        if kind == "json_object" and not any("json" in text.lower() for text in texts):
            raise _invalid(
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
            )
        schema = form.get("schema") or _schema_in(instructions) or next(filter(None, map(_schema_in, texts)), {})
        return self._asked("", schema)

    def _openai_schema(self, named: Mapping[str, Any], particular: bool) -> Asked:
        name, schema = named.get("name"), named.get("schema")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _invalid("Missing or invalid parameter: 'response_format.json_schema.name'.")
        if not isinstance(schema, Mapping):
            raise _invalid("Missing required parameter: 'response_format.json_schema.schema'.")
        text = as_json(schema)
        if particular and named.get("strict") and (name, text) not in self._strict:
            check_openai(name, schema)
            self._strict.add((name, text))
        return self._known.get((name, text)) or self._asked(name, schema, text)

    def anthropic_tool(self, tool: Mapping[str, Any], place: int) -> Asked:
        """From the tool that has to be used. Raises Rejection."""
        schema, name = tool.get("input_schema"), str(tool.get("name"))
        if not isinstance(schema, Mapping) or schema.get("type") != "object":
            raise _invalid(f"tools.{place}.custom.input_schema.type: Field required")
        text = as_json(tool)
        known = self._known.get((name, text))
        if known is None and tool.get("strict"):
            check_anthropic(f"tools.{place}.custom", schema)
        return known or self._asked(name, schema, text)

    def anthropic_format(self, form: Mapping[str, Any]) -> Asked:
        """From the format of the output. Raises Rejection."""
        schema = form.get("schema")
        if form.get("type") != "json_schema" or not isinstance(schema, Mapping):
            raise _invalid("output_config.format.schema: Field required")
        text = as_json(schema)
        known = self._known.get(("", text))
        if known is None:
            check_anthropic("output_config.format.schema", schema)
        return known or self._asked("", schema, text)

    def unasked(self, instructions: str) -> Asked:
        """No schema is given but, perhaps, in the instructions."""
        return self._asked("", _schema_in(instructions) or {})

    def _asked(self, name: str, schema: Mapping[str, Any], text: str = "") -> Asked:
        plan = plan_of(name, schema)
        if not name:
            plan = ReplyPlan(self._answers.recognise(plan.fields.keys()), plan.fields, plan.required)
        asked = Asked(plan, text, count_again(text) if text else 0)
        if text and len(self._known) < KEPT_PLANS:
            self._known[name, text] = asked
        return asked


def _schema_in(text: str) -> Mapping[str, Any] | None:
    """A schema of an object that is written out in the text."""
    start = -1
    while (start := text.find("{", start + 1)) >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            continue
        if isinstance(found, dict) and "properties" in found:
            return found
    return None


def _invalid(message: str) -> Rejection:
    return Rejection(400, "invalid_request_error", message)
