"""SQL lives in .sql files, each statement under its name with a comment that says what it is for.

-- name: pending_items
-- Items of batch $1 that have no final status yet.
SELECT ...
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files

_NAME = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)
_NAMES: dict[str, str] = {}
"""The name of every statement that has been loaded, by its text: the driver takes nothing but text."""


class Queries(Mapping[str, str]):
    """The statements of every .sql file in a folder of a package, by name."""

    def __init__(self, package: str, folder: str = "sql") -> None:
        self._statements: dict[str, str] = {}
        self.descriptions: dict[str, str] = {}
        for file in sorted(files(package).joinpath(folder).iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".sql"):
                self._add(file.read_text())

    def _add(self, text: str) -> None:
        _, *parts = _NAME.split(text)
        for name, block in zip(parts[::2], parts[1::2], strict=True):
            if name in self._statements:
                raise ValueError(f"two queries are named {name}")
            self.descriptions[name], self._statements[name] = _parse(name, block)
            _NAMES[self._statements[name]] = name

    def __getitem__(self, name: str) -> str:
        return self._statements[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def name_of(statement: str) -> str:
    """The name a statement was loaded by; the first word of one that was not."""
    return _NAMES.get(statement) or statement.split(maxsplit=1)[0]


def _parse(name: str, block: str) -> tuple[str, str]:
    """Separate the comment that opens a block from the statement."""
    lines = block.strip().splitlines()
    start = next((index for index, line in enumerate(lines) if not line.startswith("--")), len(lines))
    description = " ".join(line.removeprefix("--").strip() for line in lines[:start])
    statement = "\n".join(lines[start:]).strip().removesuffix(";")
    if not statement or not description:
        raise ValueError(f"query {name} needs a comment that describes it, and a statement")
    return description, statement
