"""The manifest: what was found, and whether to go on. It is the contract for everything that follows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from services.correction.inventory import Bounded, KeyInventory
from services.correction.transcripts.rows import USERS
from shared.errors import UsageError

VERSION: Final = "1.0"
MOST_FILES_LISTED: Final = 10_000
MOST_ERRORS_LISTED: Final = 20
"""Of one file."""
MOST_FILES_TOLD: Final = 5
"""Of those that have errors, in what a person is told."""
NO_GO_SHARE, CAUTION_SHARE = 0.5, 0.1
"""Of the files, those that have lines which cannot be read."""
REQUIRED: Final = ("manifest_version", "source", "discovery", "go_no_go", "recommendations", "run_id")

_AGAIN: Final = "write it again: sluice correct INPUT --dry-run --manifest FILE"


class Decision(StrEnum):
    """Whether to extract."""

    GO = "GO"
    CAUTION = "CAUTION"
    NO_GO = "NO-GO"


@dataclass(slots=True)
class FileFacts:
    """What was seen of one file."""

    file: str
    size: int
    format: str = ""
    lines: int = 0
    messages: int = 0
    rows: int = 0
    errors: list[str] = field(default_factory=list)
    error_count: int = 0
    has_thinking_blocks: bool = False
    has_tool_use: bool = False

    def fails(self, error: str) -> None:
        """Note a line that cannot be read, or the whole file."""
        self.error_count += 1
        if len(self.errors) < MOST_ERRORS_LISTED:
            self.errors.append(error)


@dataclass(slots=True)
class Discovery:
    """Counts over all files; no bodies."""

    keys: KeyInventory = field(default_factory=KeyInventory)
    types: Bounded = field(default_factory=lambda: Bounded(200))
    blocks: Bounded = field(default_factory=lambda: Bounded(200))
    roles: Bounded = field(default_factory=lambda: Bounded(200))
    tools: Bounded = field(default_factory=lambda: Bounded(500))
    not_typed: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    folders: dict[str, list[str]] = field(default_factory=dict)
    files: list[FileFacts] = field(default_factory=list)
    file_count: int = 0
    failing_files: int = 0
    lines: int = 0
    messages: int = 0
    rows: int = 0
    invalid: int = 0
    earliest: str = ""
    latest: str = ""
    cost_usd: float = 0.0

    def seen_at(self, moment: str) -> None:
        """Note a moment, as ISO 8601 in UTC."""
        if moment:
            self.earliest = min(self.earliest or moment, moment)
            self.latest = max(self.latest, moment)

    def add(self, facts: FileFacts) -> None:
        """Sum up a file that is done."""
        self.file_count += 1
        self.failing_files += facts.error_count > 0
        self.lines += facts.lines
        self.messages += facts.messages
        self.rows += facts.rows
        self.invalid += facts.error_count
        if len(self.files) < MOST_FILES_LISTED:
            self.files.append(facts)
            folder, _, name = facts.file.rpartition("/")
            self.folders.setdefault(folder or ".", []).append(name)

    @property
    def decision(self) -> Decision:
        """By the share of files with errors; of a single file, by the share of its lines."""
        if not self.file_count or not self.messages or self.failing_share > NO_GO_SHARE:
            return Decision.NO_GO
        return Decision.CAUTION if self.failing_share > CAUTION_SHARE else Decision.GO

    @property
    def failing_share(self) -> float:
        """0 if everything can be read."""
        if self.file_count == 1:
            return self.invalid / max(1, self.lines)
        return self.failing_files / max(1, self.file_count)


def manifest(found: Discovery, *, path: str, run_id: str, assessed_at: str) -> dict[str, Any]:
    """The whole document."""
    return {
        "manifest_version": VERSION,
        "source": {"path": path, "format": "jsonl", "encoding": "utf-8"},
        "discovery": _discovery(found),
        "go_no_go": found.decision.value,
        "recommendations": recommendations(found),
        "run_id": run_id,
        "assessment_timestamp": assessed_at,
    }


def checked(document: Mapping[str, Any], *, force: bool = False) -> str:
    """The path that a manifest is about. Raises UsageError if it lacks what is needed to go on, or says not to."""
    source = document.get("source")
    path = source.get("path") if isinstance(source, dict) else None
    lacking = [name for name in REQUIRED if name not in document]
    if lacking or not isinstance(path, str) or not path:
        raise UsageError(f"the manifest lacks {', '.join(lacking) or 'source.path'}", remedy=_AGAIN)
    if document["manifest_version"] != VERSION:
        raise UsageError(f"the manifest is not of version {VERSION}", remedy=_AGAIN)
    if document["go_no_go"] not in list(Decision):
        raise UsageError(f"the manifest says none of {', '.join(Decision)}", remedy=_AGAIN)
    if document["go_no_go"] == Decision.NO_GO and not force:
        remedy = "see its recommendations, repair what it lists under files_analyzed, or go on with --force"
        raise UsageError("the manifest says NO-GO", remedy=remedy)
    return path


def recommendations(found: Discovery) -> list[str]:
    """What a person should know before going on."""
    told = []
    if not found.file_count:
        told.append("there is no .jsonl file below the source")
    elif not found.messages:
        told.append("no file has a single readable record")
    told += _failing(found)
    names = {"user": USERS, "assistant": {"assistant"}}
    lacking = [role for role, known in names.items() if found.messages and not known & found.roles.counts.keys()]
    told += [f"no message has the role {role}" for role in lacking]
    if found.cost_usd > 0:
        told.append(f"the transcripts record a cost of {found.cost_usd:.2f} USD")
    return told


def _failing(found: Discovery) -> list[str]:
    """How much cannot be read, and what is wrong with the first of it."""
    if not found.failing_files:
        return []
    failing = [facts for facts in found.files if facts.errors]
    told = [f"{facts.file}: {facts.error_count} unreadable, first {facts.errors[0]}" for facts in failing]
    files = f"{found.failing_files} of {found.file_count} files"
    return [f"{found.invalid} of {found.lines} lines, in {files}, cannot be read", *told[:MOST_FILES_TOLD]]


def _discovery(found: Discovery) -> dict[str, Any]:
    return {
        "files_processed": found.file_count,
        "lines_processed": found.lines,
        "messages_processed": found.messages,
        "rows_expected": found.rows,
        "lines_invalid": found.invalid,
        "records_skipped": dict(found.skipped),
        "files_per_folder": {
            folder: {"file_count": len(files), "files": files} for folder, files in found.folders.items()
        },
        "structure": {"fields_top_level": found.keys.top.as_dict(), "fields_nested": found.keys.nested.as_dict()},
        "identifiers": {key: {"messages_with_key": n} for key, n in found.keys.identifiers.as_dict().items()},
        "primitives": {
            "message_types": found.types.as_dict(),
            "content_block_types": found.blocks.as_dict(),
            "tool_names": found.tools.as_dict(),
            "actable_elements": {"typed_by_a_person": found.not_typed.get("", 0), "not_typed": _reasons(found)},
        },
        "date_range": {"earliest": found.earliest or None, "latest": found.latest or None},
        "counts": {
            "thinking_blocks": found.blocks.counts["thinking"],
            "text_blocks": found.blocks.counts["text"],
            "tool_calls": found.blocks.counts["tool_use"],
            "tool_results": found.blocks.counts["tool_result"],
        },
        "files_analyzed": [_file(facts) for facts in found.files],
        "interpretation": _interpretation(found),
    }


def _reasons(found: Discovery) -> dict[str, int]:
    return {reason: count for reason, count in found.not_typed.most_common() if reason}


def _file(facts: FileFacts) -> dict[str, Any]:
    return {
        "file_path": facts.file,
        "file_size_bytes": facts.size,
        "format": facts.format,
        "message_count": facts.messages,
        "errors": facts.errors,
        "error_count": facts.error_count,
        "has_thinking_blocks": facts.has_thinking_blocks,
        "has_tool_use": facts.has_tool_use,
    }


def _interpretation(found: Discovery) -> dict[str, list[str]]:
    """In plain words."""
    typed = found.not_typed.get("", 0)
    could = [f"correct {typed:,} texts that a person has typed"] if typed else []
    known = [f"{sum(_reasons(found).values()):,} other blocks are passed on as they are"] if found.rows else []
    if found.keys.nested.others:
        known.append("there are more key paths than are listed")
    return {"what_you_could_do": could, "things_you_might_not_know": known}
