"""What commands that read files of accounts are told: the file, its sheet, its columns, the rules to go by."""

from collections.abc import Mapping
from pathlib import Path

import click

from shared.errors import UsageError

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that is there."""

mapping = click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="CANONICAL=ACTUAL",
    help="Header of account_id, account_name, created_date, relationship, parent_account_id, suffix_class or source.",
)
sheet = click.option("--sheet", metavar="NAME", help="Of a workbook. [default: the only one with rows]")
rules = click.option("--rules", type=FILE, help="JSON or TOML over those of the profile; see `sluice dedupe rules`.")


def as_mapping(mapping: tuple[str, ...]) -> Mapping[str, str]:
    """Canonical columns by what `--map` says of them. Raises UsageError."""
    pairs = {}
    for text in mapping:
        canonical, equals, actual = text.partition("=")
        if not equals:
            raise UsageError(f"--map {text} names no column", remedy="write --map CANONICAL=ACTUAL")
        pairs[canonical.strip()] = actual.strip()
    return pairs
