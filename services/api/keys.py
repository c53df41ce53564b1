"""API keys as they are kept, one a line: name, SHA-256, and perhaps when it expires.

    # who loads prices
    prices:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    reports:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752:2027-01-31T00:00:00Z

A plain, fast hash is the right one for keys that `new_key` makes. Slow and salted ones, such as Argon2, are for what
people choose: they make every guess dear. Nobody guesses 256 random bits at any price, no table lists them, and each
request has to be checked.
"""

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple

from shared.errors import UsageError

PREFIX = "sluice_"
"""By it a scanner for leaked secrets knows a key."""
REMEDY = "A line is NAME:SHA-256 or NAME:SHA-256:EXPIRY; `sluice api-keys new NAME` makes one."
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_LINE = re.compile(rf"({_NAME}):([0-9A-Fa-f]{{64}})(?::(\S+))?")


class ApiKey(NamedTuple):
    """A key as far as it is known: whose it is, not what it is."""

    name: str
    digest: bytes
    expires: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether it is of no more use."""
        return self.expires is not None and self.expires <= now

    def line(self) -> str:
        """Its line in the file."""
        line = f"{self.name}:{self.digest.hex()}"
        if self.expires:
            line += f":{self.expires.astimezone(UTC).isoformat(timespec='seconds').replace('+00:00', 'Z')}"
        return line


def new_key() -> str:
    """A key that nobody has yet."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(key: bytes) -> bytes:
    """What is kept of a key."""
    return sha256(key).digest()


def named(name: str) -> str:
    """`name`, if a key can have it. Raises UsageError."""
    if not re.fullmatch(_NAME, name):
        remedy = "Use up to 64 letters, digits, dots, dashes and underscores, the first one a letter or digit."
        raise UsageError(f"{name!r} cannot be the name of a key", remedy=remedy)
    return name


def match(keys: Iterable[ApiKey], digest: bytes) -> ApiKey | None:
    """The key of this digest. Every key is compared, so that the time it takes tells nothing about them."""
    found = None
    for key in keys:
        if compare_digest(key.digest, digest):
            found = key
    return found


def parse_line(line: str) -> ApiKey | None:
    """The key of a line, None if it is empty or a comment. Raises ValueError, which does not repeat what is there."""
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    parts = _LINE.fullmatch(text)
    if not parts:
        raise ValueError("is not a name, a SHA-256 in hexadecimal and perhaps an expiry, with colons between")
    return ApiKey(parts[1], bytes.fromhex(parts[2]), _expiry(parts[3]) if parts[3] else None)


def _expiry(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise ValueError("has an expiry that is no time such as 2027-01-31T12:00Z") from None


def parse_keys(content: bytes) -> list[ApiKey]:
    """The keys of a file. Raises UsageError with the number of the line that is wrong, never with what it holds."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UsageError("not text in UTF-8", remedy=REMEDY) from None
    places: dict[bytes, int] = {}
    keys = []
    for place, line in enumerate(lines, 1):
        try:
            key = parse_line(line)
        except ValueError as error:
            raise UsageError(f"line {place} {error}", remedy=REMEDY) from None
        if key and places.setdefault(key.digest, place) != place:
            raise UsageError(f"line {place} has the key of line {places[key.digest]}", remedy="Keep one of them.")
        keys += [key] if key else []
    return keys
