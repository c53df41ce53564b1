import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.cli.inputs import Accepted, Rejected, read_indicators

Read = Callable[..., tuple[list[Accepted], list[Rejected]]]


@pytest.fixture
def read() -> Read:
    """Reads inputs to their end and parts the accepted rows from the rejected ones."""

    def reader(*paths: Path | str) -> tuple[list[Accepted], list[Rejected]]:
        rows = list(read_indicators([str(path) for path in paths]))
        return [row for row in rows if isinstance(row, Accepted)], [row for row in rows if isinstance(row, Rejected)]

    return reader


@pytest.fixture
def lines_file(tmp_path: Path) -> Callable[..., Path]:
    """A JSON Lines file of objects, or of bytes taken as they are."""

    def write(*rows: Any, name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(
            b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)
        )
        return path

    return write


@pytest.fixture
def text_file(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
