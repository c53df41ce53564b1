"""State directories for servers of a test's own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_directory(purpose: str) -> Iterator[Path]:
    """A directory that the database's own user can reach: pytest's temporary folders are closed to it."""
    path = Path(tempfile.mkdtemp(prefix=f"sluice-{purpose}-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
