"""The value types of settings, as they are written in a variable: lists with commas, levels in any case."""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Upper = BeforeValidator(_upper)
Lower = BeforeValidator(_lower)
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_split)]
Seconds = Annotated[float, Field(ge=0)]
Delays = Annotated[tuple[Seconds, ...], BeforeValidator(_split)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Share = Annotated[float, Field(gt=0, le=1)]
