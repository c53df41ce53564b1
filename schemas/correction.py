"""Correction of chat transcripts: what its topics carry.

Bodies beyond a size never travel: a message then says where the body is (claim check). What is empty, false or null is
left out on the way.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from schemas.base import Contract

MAX_PATH = 4_096


class TranscriptSource(Contract):
    """A file, or a folder with transcripts below it, as any producer may name it. Stages must see the same path."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    source_id: Annotated[str, Field(min_length=1, max_length=256)]
    path: Annotated[str, Field(min_length=1, max_length=MAX_PATH)]
    format: Annotated[str, Field(max_length=64)] = ""
    """Name of a format; empty: recognised, file by file."""
    force: bool = False
    """Go on although more is unreadable than a manifest may say GO to."""
    max_files: Annotated[int, Field(ge=1)] | None = None
    """At most so many files, for trials."""
    max_rows: Annotated[int, Field(ge=1)] | None = None
    """No more slices once they hold so many rows, for trials."""


class Reference(Contract):
    """Where a body is: bytes of a file that hold one record, and the place of the block in it."""

    path: str
    start: int
    end: int
    format: str
    block: int


class FileSlice(Contract):
    """Records of one file: bytes `start` to `end`. Lines and rows are counted from the beginning of the file."""

    slice_id: str
    path: str
    """As the stages open it."""
    file: str
    """Below the source."""
    format: str
    start: int
    end: int
    first_line: int
    first_row: int
    session_id: str
    """Of records that name none before another one does."""


class Extracted(Contract):
    """One block of one message."""

    extraction_id: str
    slice_id: str
    file: str
    session_id: str
    message_index: int
    """Among the rows of the file, from 0."""
    line: int
    """In the file, from 1; in an array, the number of the element."""
    block: int = 0
    """In the record, from 0."""
    message_type: str
    """user, assistant, thinking, tool_use, tool_result, image, system, file-history-snapshot, …"""
    role: str = ""
    persona: str = ""
    typed: bool = False
    """A person has typed it: what correction is about."""
    not_typed: str = ""
    """Why it is not taken for typed."""
    text: str | None = None
    """The body: text, or JSON of what a tool was given or gave. None: it is where `body` says."""
    body: Reference | None = None
    length: int = 0
    """Characters of the body."""
    content_hash: str = ""
    """SHA-256 of the whole body."""
    timestamp: str = ""
    model: str = ""
    cost_usd: float | None = None
    tool_name: str = ""
    uuid: str = ""
    parent_uuid: str = ""
    logical_parent_uuid: str = ""
    subtype: str = ""
    compact_metadata: JsonValue = None
    is_compact_summary: bool = False
    version: str = ""
    git_branch: str = ""
    cwd: str = ""
    slug: str = ""
    is_sidechain: bool = False
    is_snapshot: bool = False
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    """Fields of the record that nobody knows here."""


class Cleaned(Extracted):
    """With what is cleaned beside it; the body itself stays as it was."""

    cleaned: str | None = None
    """Blanks of prose in order; None where that is the text itself, or there is none."""
    word_count: int = 0
    timestamp_utc: str = ""
    """ISO 8601 in UTC; empty if there is none that can be read."""


class Identified(Cleaned):
    """With ids that are the same whenever the same is read."""

    entity_id: str
    fingerprint: str
    """Equal for rows that are the same message again."""


class CorrectionStatus(StrEnum):
    """How a row left the correction. All are final."""

    CORRECTED = "corrected"
    UNCHANGED = "unchanged"
    """There was nothing to correct."""
    KEPT_ORIGINAL = "kept_original"
    """A correction was refused, or nobody gave one."""
    SKIPPED = "skipped"
    """Typed, but not to be corrected."""
    PASSED = "passed"
    """Not typed by a person."""


class Corrected(Identified):
    """Final values, as they are stored."""

    status: CorrectionStatus
    reason: str = ""
    corrected: str | None = None
    """The whole text; None unless the status is corrected."""
    edits: tuple[tuple[str, str], ...] = ()
    """Words that were replaced, and by what."""
    provider: str = ""
    model_used: str = ""
    prompt_version: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    correction_cost_usd: float = 0.0
