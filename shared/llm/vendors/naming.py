"""Names as vendors allow them."""

import re

_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


def schema_name(question: str) -> str:
    """A question's name as that of a schema or a tool."""
    return _FOREIGN.sub("_", question)[:64]
