"""The value types of settings, as they are written in a variable: lists with commas, levels in any case."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr


def split_list(value: object) -> object:
    """The parts of a list that is written with commas. One that has commas alone is a mistake: no keys are meant."""
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts:
        raise ValueError("names nothing; leave it out for the default")
    return parts


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _web_address(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value


def _database_address(value: SecretStr) -> SecretStr:
    """The driver would fail with the part of the password that it takes for a port in its error."""
    if not _DATABASE.fullmatch(value.get_secret_value()):
        raise ValueError(
            "must be like postgresql://user:password@host:5432/database, / ? # @ in the password as %2F %3F %23 %40"
        )
    return value


_HOST = r"(\[[^]@/?#]*\]|[^]\[:@,/?#]*)(:\d+)?"
_DATABASE = re.compile(rf"postgres(ql)?://([^@/?#]*@)?{_HOST}(,{_HOST})*([/?#].*)?")

Upper = BeforeValidator(_upper)
Lower = BeforeValidator(_lower)
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(split_list)]
Folders = Annotated[tuple[Path, ...], BeforeValidator(split_list)]
Name = Annotated[str, Lower]
Names = Annotated[tuple[Name, ...], BeforeValidator(split_list)]
WebAddress = Annotated[SecretStr, AfterValidator(_web_address)]
"""Kept as a secret: it may hold a user and a password, which must not be shown."""
DatabaseAddress = Annotated[SecretStr, AfterValidator(_database_address)]
Seconds = Annotated[float, Field(ge=0)]
Delays = Annotated[tuple[Seconds, ...], BeforeValidator(split_list)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Share = Annotated[float, Field(gt=0, le=1)]
Ratio = Annotated[float, Field(ge=0, le=1)]
