"""What a merge of a group would keep and what it would lose. Nothing is written back to where the records come from."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from pydantic_core import to_json


class Member(NamedTuple):
    """What is shown of a record, and what tells why it is in its group."""

    account_id: str
    name_raw: str
    spelling: str
    name: int
    form: str
    name_core: str
    relationship: str
    relationship_rank: int
    created_date: date | None
    fields: tuple[str, ...]


def preview(records: Sequence[Member], edges: Sequence[int | None], fields: Sequence[str]) -> str | None:
    """JSON for a group whose records, the primary first, differ in some field; ids differ always."""
    primary, *others = records
    columns = zip(*((r.name_raw, r.relationship, r.created_date, *r.fields) for r in records), strict=True)
    names = ("account_name", "Relationship", "created_date", *fields)
    compared = {name: _compared(values) for name, values in zip(names, columns, strict=True)}
    if not any(field["has_conflict"] for field in compared.values()):
        return None
    document = {
        "primary": primary.account_id,
        "group_size": len(records),
        "fields": compared,
        "others": [_other(record, edge) for record, edge in zip(others, edges[1:], strict=True)],
    }
    return to_json(document).decode()


def _compared(values: Sequence[Any]) -> dict[str, Any]:
    """The primary's value and the others that are given, each once, in order of the records."""
    if values.count(values[0]) == len(values):
        return {"primary": values[0], "alternatives": [], "has_conflict": False}
    alternatives = [value for value in dict.fromkeys(values[1:]) if value not in (None, "", values[0])]
    return {"primary": values[0], "alternatives": alternatives, "has_conflict": bool(alternatives)}


def _other(record: Member, edge: int | None) -> dict[str, Any]:
    return {
        "account_id": record.account_id,
        "account_name": record.name_raw,
        "relationship_rank": record.relationship_rank,
        "edge": edge,
    }
