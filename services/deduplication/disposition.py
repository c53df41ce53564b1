"""Step disposition."""

from services.deduplication.rules import Rules
from services.deduplication.work import Part, Produced, Tables


def dispose(tables: Tables, part: Part, rules: Rules) -> Produced:
    """Not yet."""
    raise NotImplementedError
