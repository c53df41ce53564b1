"""Times as transcripts write them, in UTC."""

from datetime import UTC, datetime


def in_utc(text: str) -> str:
    """ISO 8601 in UTC with microseconds left out where they are zero; empty for what cannot be read."""
    try:
        moment = datetime.fromisoformat(text.strip()) if text else None
    except ValueError:
        return ""
    if moment is None or not 1 < moment.year < 9999:
        return ""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
