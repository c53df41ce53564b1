"""Changes to a file of API keys: comments stay, and whoever reads sees it before or after, never halfway."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from services.api.keys import ApiKey, parse_line
from services.api.keys_file import read_keys
from shared.errors import UsageError

Lines = list[str]


def add(path: Path, key: ApiKey) -> None:
    """Add a key under a new name; begins the file if there is none. Raises UsageError if the name has a key."""
    with _edited(path) as lines:
        if _count(lines, key.name):
            remedy = f"`sluice api-keys rotate {key.name}` replaces it without an interruption."
            raise UsageError(f"{key.name} has a key already", remedy=remedy)
        lines.append(key.line())


def rotate(path: Path, key: ApiKey, until: datetime) -> None:
    """Add another key under a name that has one; what it had is valid `until` then, or as long as it was if shorter."""
    with _edited(path) as lines:
        _expect(lines, key.name)
        lines[:] = [*(_changed(line, key.name, lambda old: _shortened(old, until)) for line in lines), key.line()]


def revoke(path: Path, name: str) -> int:
    """Remove every key of a name. Returns how many."""
    with _edited(path) as lines:
        found = _expect(lines, name)
        lines[:] = [line for line in lines if not _count([line], name)]
    return found


def _shortened(key: ApiKey, until: datetime) -> ApiKey:
    return key._replace(expires=min(key.expires or until, until))


def _changed(line: str, name: str, change: Callable[[ApiKey], ApiKey]) -> str:
    key = parse_line(line)
    return change(key).line() if key and key.name == name else line


def _count(lines: Lines, name: str) -> int:
    return sum(key.name == name for key in map(parse_line, lines) if key)


def _expect(lines: Lines, name: str) -> int:
    found = _count(lines, name)
    if not found:
        raise UsageError(f"{name} has no key in this file", remedy="`sluice api-keys list` shows the names there are.")
    return found


@contextmanager
def _edited(path: Path) -> Iterator[Lines]:
    """The lines of a file, which it has when the context ends without an error."""
    place = path.resolve()  # the file itself is replaced, not a link to it
    try:
        with _alone(place.parent):
            lines = _lines(place) if place.exists() else []
            yield lines
            _replace(place, "".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise UsageError(f"{path} cannot be changed: {error.strerror}", remedy="Choose a file of yours.") from None


def _lines(path: Path) -> Lines:
    read_keys(path)  # what is broken is not built upon
    return path.read_text("utf-8-sig").splitlines()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other command changes a file of this folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    """Put a whole new file in the place of the old one, with its owner and mode; a first one is its owner's alone."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if path.exists():
                before = path.stat()
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), before.st_mode & 0o7777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
