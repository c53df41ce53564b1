"""One question of a command to the database."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from shared.settings import Settings

if TYPE_CHECKING:
    from shared.database import Database

T = TypeVar("T")


def ask(question: "Callable[[Database], Coroutine[Any, Any, T]]") -> T:
    """The answer to a question."""
    from shared.terminal import connect

    return asyncio.run(connect.ask(Settings.load(), question))
