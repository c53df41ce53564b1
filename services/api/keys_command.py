"""`sluice api-keys`: keys for clients of the HTTP API, in a file that holds only their hashes."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from services.api import keys_editing
from services.api.keys import ApiKey, digest_of, named, new_key
from services.api.keys_file import read_keys
from shared.errors import UsageError
from shared.settings import Settings
from shared.terminal import options
from shared.terminal.printing import moment, print_json, show, table
from shared.terminal.values import Moment

VARIABLE = "SLUICE_API_KEYS_FILE"
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_name: Decorator = click.argument("name", callback=lambda _, __, name: named(name))
_file: Decorator = click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The file of keys. [default: {VARIABLE}]",
)
_expires: Decorator = click.option(
    "--expires",
    type=Moment(ahead=True),
    help="When the key shall end: a time (2027-01-31), or from now (90d). [default: never]",
)


@click.group(
    name="api-keys",
    epilog="\b\nFirst steps:\n"
    "  sluice api-keys new prices --file keys      begin a file with one key\n"
    f"  export {VARIABLE}=$PWD/keys       what the API reads when it starts\n"
    "  sluice api-keys rotate prices --grace 1d    a new key; the old one ends tomorrow\n"
    "  sluice api-keys revoke prices               shut it out now",
)
def api_keys() -> None:
    """Keys for clients of the HTTP API: make, list, rotate and revoke them.

    The file has a line for each key, NAME:SHA-256 or NAME:SHA-256:EXPIRY; lines that begin with # are comments. The key
    itself is shown once and kept nowhere. The API reads the file again when it changes: no restart, and no request is
    lost. Clients send their key in the header x-api-key, or as Authorization: Bearer.
    """


@api_keys.command(epilog="Example: sluice api-keys new prices --expires 90d --json | jq -r .key")
@_name
@_expires
@_file
@options.as_json
def new(name: str, expires: datetime | None, path: Path | None, as_json: bool) -> None:
    """Make a key for a client and show it, this once.

    Its line is added to the file. Without a file the line is shown too: put it where the API reads it, for example into
    a secret of your cluster.
    """
    key, entry = _made(name, expires)
    if place := path or _configured():
        keys_editing.add(place, entry)
    _tell(key, entry, place, as_json)


@api_keys.command(epilog="Example: sluice api-keys rotate prices --grace 7d --expires 90d")
@_name
@click.option(
    "--grace",
    type=Moment(ahead=True),
    default="1d",
    show_default=True,
    help="How long, or until when, the old key works.",
)
@_expires
@_file
@options.as_json
def rotate(name: str, grace: datetime, expires: datetime | None, path: Path | None, as_json: bool) -> None:
    """Replace a client's key; the old one stays valid for a while, so that nothing is refused meanwhile."""
    place = _needed(path)
    key, entry = _made(name, expires)
    keys_editing.rotate(place, entry, grace)
    _tell(key, entry, place, as_json)


@api_keys.command(epilog="Example: sluice api-keys revoke prices")
@_name
@_file
def revoke(name: str, path: Path | None) -> None:
    """Remove every key of a client. It is refused from its next request on; what it is reading now goes on."""
    count = keys_editing.revoke(_needed(path), name)
    click.echo(f"revoked {count} key{'s' if count > 1 else ''} of {name}")


@api_keys.command(name="list")
@_file
@options.as_json
def list_(path: Path | None, as_json: bool) -> None:
    """List whose keys there are and until when, never what they are."""
    columns, now = ("name", "expires", "valid"), datetime.now(UTC)
    rows = [(key.name, key.expires, not key.expired(now)) for key in read_keys(_needed(path))]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        show(table("API keys", columns, rows))


def _made(name: str, expires: datetime | None) -> tuple[str, ApiKey]:
    if expires and expires <= datetime.now(UTC):
        raise UsageError("a key that has expired already", remedy="Give --expires a time to come, such as 90d.")
    key = new_key()
    return key, ApiKey(name, digest_of(key.encode()), expires and expires.replace(microsecond=0))


def _configured() -> Path | None:
    return Settings.load().api.keys_file


def _needed(path: Path | None) -> Path:
    found = path or _configured()
    if found is None:
        raise UsageError("no file of keys", remedy=f"Give --file, or set {VARIABLE}.")
    return found


def _tell(key: str, entry: ApiKey, place: Path | None, as_json: bool) -> None:
    if as_json:
        file = str(place) if place else None
        print_json({"name": entry.name, "key": key, "expires": entry.expires, "line": entry.line(), "file": file})
        return
    until = f", valid until {moment(entry.expires)}" if entry.expires else ""
    click.echo(f"The key of {entry.name}{until}. It is shown this once:\n\n  {key}\n")
    click.echo(f"Added to {place}." if place else f"The line for the file that {VARIABLE} names:\n\n  {entry.line()}")
