"""Pages that a pipeline adds to the console: found by entry point, so that who shows them names no pipeline.

A section says what there is to see and to do, and knows no HTTP. Who shows it decides who may look, and escapes.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from shared.database import Database
from shared.pipelines import installed
from shared.settings import Settings

GROUP = "sluice.console"


class Visit(NamedTuple):
    """What somebody asks for, or wants to be done."""

    database: Database
    fields: Sequence[tuple[str, str]]
    """Of the address, or of the form, in their order."""

    @property
    def values(self) -> dict[str, str]:
        """The last value of each field, without the blanks around it."""
        return {name: text.strip() for name, text in self.fields}

    def every(self, name: str) -> list[str]:
        """All values of a field."""
        return [text for field, text in self.fields if field == name]


class Page(NamedTuple):
    """A template of the section, and what it shows."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


class Download(NamedTuple):
    """A file, made while it is sent. Its name has no character that needs quoting."""

    name: str
    kind: str
    parts: Iterator[bytes]


View = Callable[[Visit], Awaitable[Page | Download]]
"""Raises UsageError for what there is not, and ValidationError for fields that hold what they cannot hold."""


class Views(NamedTuple):
    """By name, which is the last part of their address; the first page has none."""

    shown: Mapping[str, View]
    done: Mapping[str, View]
    """They change something."""


class Section(NamedTuple):
    """Some pages that belong together. Nothing is opened until somebody looks."""

    path: str
    title: str
    package: str
    """Has the folder `templates`."""
    open: Callable[[Settings], Views]


@cache
def sections() -> Sequence[Section]:
    """All there are."""
    return tuple(installed(GROUP))
