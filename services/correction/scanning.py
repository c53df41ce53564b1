"""Looking through files once, from beginning to end: what is in them, and how they are cut into slices."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from schemas.correction import FileSlice, TranscriptSource
from services.correction.manifest import Discovery, FileFacts
from services.correction.moments import in_utc
from services.correction.reading import Line, Unreadable, lines_of
from services.correction.transcripts.formats import records_of
from services.correction.transcripts.rows import Row, Skipped

SLICE_RECORDS: Final = 1_000
SLICE_BYTES: Final = 2 * 1024 * 1024
"""A slice ends with the record that reaches one of the two."""
EXPORT: Final = "conversations.json"
"""What ChatGPT and Claude call the array of all conversations; .json files beside it hold other things."""


def transcript_files(source: TranscriptSource) -> Iterator[Path]:
    """The file itself, or every .jsonl file and export of conversations below the folder, in the order of names.

    Links are not followed. Raises OSError.
    """
    root = Path(source.path)
    if root.is_file():
        yield root
        return
    found = filter(is_transcript, _walk(root))
    for number, path in enumerate(found):
        if source.max_files is not None and number >= source.max_files:
            return
        yield path


def is_transcript(path: Path) -> bool:
    """Whether a file below a folder is read, by its name."""
    return path.suffix == ".jsonl" or path.name == EXPORT


def _walk(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def name_below(path: Path, root: str) -> str:
    """A file's name in ids and listings: the way to it from the source, so that the source may be moved."""
    return path.name if Path(root).is_file() else path.relative_to(root).as_posix()


def _digest(*parts: bytes) -> str:
    return sha256(b"\n".join(parts)).hexdigest()[:16]


def _session_of_file(path: Path, file: str) -> str:
    """The session of a file whose records name none: by its name, and by its first record, for other sources may have
    files of the same name. So it is the same after the source was moved, and after the file has grown.
    """
    first = None
    with suppress(OSError):  # the file cannot be read: that is told when it is
        first = next(records_of(path), None)
    return _digest(file.encode(), (first and first.raw) or b"")


@dataclass(slots=True)
class _Cutter:
    """Cuts one file into slices while it is read."""

    path: Path
    file: str
    session: str
    format: str = ""
    start: int = 0
    first_line: int = 1
    first_row: int = 0
    records: int = 0
    session_at_start: str = ""
    format_at_start: str = ""
    done: list[FileSlice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session_at_start, self.format_at_start = self.session, self.format

    def passed(self, line: Line, rows: int) -> None:
        """A line has been read; `rows` of the file so far."""
        record, self.format, self.session = line.record, line.format, line.next_session
        self.records += 1
        if self.records >= SLICE_RECORDS or record.end - self.start >= SLICE_BYTES:
            self.cut(record.end, record.line + 1, rows)

    def cut(self, end: int, next_line: int, rows: int) -> None:
        """End the slice here."""
        if end > self.start:
            self.done.append(
                FileSlice(
                    slice_id=f"{_digest(bytes(self.path))}:{self.start}",
                    path=str(self.path),
                    file=self.file,
                    format=self.format_at_start,
                    start=self.start,
                    end=end,
                    first_line=self.first_line,
                    first_row=self.first_row,
                    session_id=self.session_at_start,
                )
            )
        self.start, self.first_line, self.first_row, self.records = end, next_line, rows, 0
        self.session_at_start, self.format_at_start = self.session, self.format


def scanned(source: TranscriptSource, files: Iterable[Path], found: Discovery) -> Iterator[list[FileSlice]]:
    """The slices of each file; what is in the files is summed up in `found`."""
    for path in files:
        if source.max_rows is not None and found.rows >= source.max_rows:
            return
        yield _scan(path, source, found)


def _scan(path: Path, source: TranscriptSource, found: Discovery) -> list[FileSlice]:
    file = name_below(path, source.path)
    facts = FileFacts(file.encode(errors="replace").decode(), 0, source.format)
    if facts.file != file:
        facts.fails("the name of the file is not UTF-8")
        found.add(facts)
        return []
    cutter = _Cutter(path, file, _session_of_file(path, file), source.format)
    end, number = 0, 0
    try:
        facts.size = path.stat().st_size
        for line in lines_of(records_of(path), source.format, cutter.session):
            end, number = line.record.end, line.record.line
            _look(line, facts, found)
            cutter.passed(line, facts.rows)
    except OSError as error:
        facts.fails(f"the file cannot be read: {error.strerror}")
    cutter.cut(end, number + 1, facts.rows)
    found.add(facts)
    return cutter.done if facts.lines else []


def _look(line: Line, facts: FileFacts, found: Discovery) -> None:
    """Take note of one line."""
    facts.lines += 1
    facts.format = line.format
    if isinstance(line.found, Unreadable):
        facts.fails(f"line {line.record.line}: {line.found}")
        return
    if line.content is not None:
        facts.messages += 1
        found.keys.add(line.content)
    if isinstance(line.found, Skipped):
        found.skipped[line.found.reason] += 1
    else:
        facts.rows += len(line.found)
        _count(line.found, facts, found)


def _count(rows: Sequence[Row], facts: FileFacts, found: Discovery) -> None:
    for row in rows:
        is_text = row.message_type == row.role or row.message_type in {"user", "assistant", "system"}
        found.types.add(row.message_type)
        found.roles.add(row.role)
        found.blocks.add("text" if is_text else row.message_type)
        found.not_typed[row.not_typed] += 1
        if tool := row.fields.get("tool_name"):
            found.tools.add(tool)
        facts.has_thinking_blocks |= row.message_type == "thinking"
        facts.has_tool_use |= row.message_type == "tool_use"
    found.cost_usd += rows[0].fields.get("cost_usd") or 0.0
    found.seen_at(in_utc(rows[0].fields.get("timestamp", "")))
