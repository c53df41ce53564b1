"""Whatever a line of a transcript holds: it becomes rows that can be stored, or is skipped or refused by name."""

import json
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from pydantic_core import to_json

from schemas.correction import Corrected, CorrectionStatus, Extracted, TranscriptSource
from services.correction.clean import cleaned_row
from services.correction.correct import hindrance
from services.correction.discover import look_through
from services.correction.extract import extracted
from services.correction.final_row import final_row
from services.correction.identify import identified
from shared.runtime.codec import encode
from shared.runtime.sizes import INNER_OUTPUT_BYTES
from tests.fuzz.cases import fuzz

KEYS = [
    "type", "message", "content", "role", "text", "thinking", "name", "input", "sessionId", "session_id",
    "uuid", "parentUuid", "timestamp", "costUSD", "isMeta", "isSidechain", "isCompactSummary",
    "toolUseResult", "compactMetadata", "snapshot", "messages", "mapping", "current_node", "author", "parts",
    "create_time", "model", "cwd", "version", "source", "data", "odd", "chat_messages", "sender",
]  # fmt: skip
KINDS = [
    "user",
    "assistant",
    "summary",
    "text",
    "tool_use",
    "tool_result",
    "thinking",
    "image",
    "system",
    "\0",
    "x" * 5000,
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.sampled_from(KINDS)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8),
    max_leaves=25,
)
RECORDS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=12)
LINES = RECORDS.map(json.dumps) | st.text(max_size=40) | st.just("") | st.just('{"type": "user", "content": "\\ud800"}')


@fuzz("transcripts", lines=st.lists(LINES, min_size=1, max_size=6), array=st.booleans())
def test_every_line_has_its_place(lines: list[str], array: bool) -> None:
    raw = (",\n" if array else "\n").join(line.replace("\n", " ").replace("\r", " ") for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("conversations.json" if array else "a.jsonl")
        path.write_bytes((f"[{raw}]" if array else raw).encode(errors="replace"))
        found, slices = look_through(TranscriptSource(source_id="s", path=str(path)))
        read = [extracted(one) for one in slices]
    assert found.lines == sum(one.counts.lines for one in read)
    assert found.rows == sum(one.counts.rows for one in read)
    assert found.invalid == sum(one.counts.invalid for one in read)
    for one in read:
        counts = one.counts
        assert counts.lines == counts.records + sum(counts.skipped.values()) + counts.invalid
        for row in one.rows:
            _can_be_stored(row)


def _can_be_stored(row: Extracted) -> None:
    sent = encode(row)
    assert len(sent) < INNER_OUTPUT_BYTES
    assert Extracted.model_validate_json(sent) == row
    item = identified(cleaned_row(row))
    assert hindrance(item) in {"", "too-short", "too-large", "no-prose"}
    row_of_table = final_row(Corrected(**item.__dict__, status=CorrectionStatus.SKIPPED), "run")
    assert "\0" not in to_json(row_of_table).decode()
    assert "\\u0000" not in to_json(row_of_table).decode().replace("\\\\", "")
