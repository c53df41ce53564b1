"""The columns of a final row."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.correction import Corrected

_THREAD: Final = (
    "logical_parent_uuid",
    "subtype",
    "compact_metadata",
    "is_compact_summary",
    "version",
    "git_branch",
    "cwd",
    "slug",
    "is_sidechain",
    "is_snapshot",
)
_SAME: Final = (
    "extraction_id",
    "entity_id",
    "fingerprint",
    "reason",
    "session_id",
    "message_index",
    "message_type",
    "role",
    "persona",
    "typed",
    "word_count",
    "content_hash",
    "model",
    "cost_usd",
    "tool_name",
    "uuid",
    "parent_uuid",
    "provider",
    "prompt_version",
    "tokens_in",
    "tokens_out",
    "correction_cost_usd",
)
"""Fields that are columns by the same name."""


def final_row(item: Corrected, run_id: str) -> Mapping[str, Any]:
    """Column → value, as JSON has it."""
    moment = item.timestamp_utc or None
    return {
        **{name: getattr(item, name) for name in _SAME},
        "run_id": run_id,
        "status": item.status.value,
        "original_text": item.text,
        "cleaned_text": item.cleaned,
        "corrected_text": item.corrected,
        "body": item.body.model_dump() if item.body else None,
        "edits": item.edits,
        "content_length": item.length,
        "message_at": moment,
        "content_date": moment[:10] if moment else None,
        "source_file": item.file,
        "source_line": item.line,
        "thread": {name: value for name in _THREAD if (value := getattr(item, name))},
        "extra": item.extra,
        "correction_model": item.model_used,
    }
