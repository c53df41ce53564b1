"""`--map`, of the commands that read files of accounts."""

from collections.abc import Mapping

import click

from shared.errors import UsageError

mapping = click.option(
    "--map", "mapping", multiple=True, metavar="CANONICAL=ACTUAL", help="Column to read something from."
)


def as_mapping(mapping: tuple[str, ...]) -> Mapping[str, str]:
    """Canonical columns by what `--map` says of them. Raises UsageError."""
    pairs = {}
    for text in mapping:
        canonical, equals, actual = text.partition("=")
        if not equals:
            raise UsageError(f"--map {text} names no column", remedy="write --map CANONICAL=ACTUAL")
        pairs[canonical.strip()] = actual.strip()
    return pairs
