"""Options that several commands have."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

as_json: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


def limit(default: int, what: str) -> Decorator:
    """`--limit`, of `what`."""
    return click.option(
        "--limit", type=click.IntRange(min=1), default=default, show_default=True, help=f"At most so many {what}."
    )
