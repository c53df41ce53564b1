"""What `sluice config` shows: every setting with its value, secrets masked."""

from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from shared.settings.concern import names_of
from shared.settings.loading import Settings, fields

MASK = "***"


class SettingRow(NamedTuple):
    """One setting as a person sees it."""

    variable: str
    value: str
    default: str
    meaning: str
    also: tuple[str, ...] = ()
    """Other variables that are accepted for it."""


def describe(settings: Settings) -> list[SettingRow]:
    """One row a setting, in the order of declaration; no secret in any of them."""
    return [
        SettingRow(
            variable=names_of(field)[0],
            value=_shown(getattr(getattr(settings, group), name)),
            default=_shown(field.default),
            meaning=field.description or "",
            also=names_of(field)[1:],
        )
        for group, name, field in fields()
    ]


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return _masked(value.get_secret_value())
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(_shown(part) for part in value)
    return str(value)


def _masked(secret: str) -> str:
    """Hide all of a secret, but of a URL only the password and the parameters, so that one can see where it points."""
    try:
        url = urlsplit(secret)
        place = f"{url.hostname}:{url.port}" if url.port else url.hostname
    except ValueError:
        return MASK
    if not url.scheme or not place:
        return MASK
    user = f"{url.username}:{MASK}@" if url.username else ""
    return urlunsplit((url.scheme, user + place, url.path, MASK if url.query else "", ""))
