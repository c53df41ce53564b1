"""What a merge of a group would keep and what it would lose. Nothing is written back to where the records come from."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

Record = Mapping[str, Any]

_FIELDS = {"account_name": "name_raw", "Relationship": "relationship", "created_date": "created_date"}


def preview(records: Sequence[Record], belonging: Sequence[Record], fields: Sequence[str]) -> str | None:
    """JSON for a group whose records, the primary first, differ in some field; ids differ always."""
    primary, others = records[0], records[1:]
    compared = {
        field: _compared([record[column] for record in records])
        for field, column in (*_FIELDS.items(), *zip(fields, fields, strict=True))
    }
    if not any(field["has_conflict"] for field in compared.values()):
        return None
    document = {
        "primary": primary["account_id"],
        "group_size": len(records),
        "fields": compared,
        "others": [_other(record, how) for record, how in zip(others, belonging[1:], strict=True)],
    }
    return to_json(document).decode()


def _compared(values: Sequence[Any]) -> dict[str, Any]:
    """The primary's value and the others that are given, each once, in order of the records."""
    alternatives = [value for value in dict.fromkeys(values[1:]) if value not in (None, "", values[0])]
    return {"primary": values[0], "alternatives": alternatives, "has_conflict": bool(alternatives)}


def _other(record: Record, how: Record) -> dict[str, Any]:
    return {
        "account_id": record["account_id"],
        "account_name": record["name_raw"],
        "relationship_rank": record["relationship_rank"],
        "edge": how["weakest_edge_to_primary"],
    }
