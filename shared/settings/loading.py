"""Settings are read once, at the entry point, from the environment and `.env`, and handed down from there."""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from shared.errors import UsageError
from shared.settings.concern import Concern, names_of
from shared.settings.correction import CorrectionSettings
from shared.settings.dedupe import DedupeSettings
from shared.settings.llm import LlmSettings
from shared.settings.servers import DatabaseSettings, EmbeddedSettings, KafkaSettings
from shared.settings.work import ApiSettings, FeedSettings, LogSettings, RuntimeSettings, TracingSettings

PREFIX = "SLUICE_"


class Settings(BaseModel):
    """Every setting of Sluice, one frozen group a concern."""

    model_config = ConfigDict(frozen=True)

    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    feed: FeedSettings = FeedSettings()
    dedupe: DedupeSettings = DedupeSettings()
    api: ApiSettings = ApiSettings()
    llm: LlmSettings = LlmSettings()
    correction: CorrectionSettings = CorrectionSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the process environment and, below it, `.env` of the working directory; or exactly `env` if given.

        Raises UsageError for an unknown SLUICE_ variable or an impossible value.
        """
        given = _environment() if env is None else env
        variables = {name: value for name, value in given.items() if value.strip()}
        _refuse_unknown(variables)
        return cls.model_validate({name: _read(concern, variables) for name, concern in groups().items()})

    def as_environment(self) -> dict[str, str]:
        """The variables that make `load` in a child process give these settings again. Holds secrets."""
        return {
            names_of(field)[0]: _written(value)
            for group, name, field in fields()
            if (value := getattr(getattr(self, group), name)) != field.default and value is not None
        }

    def in_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment in which a child process has these settings and none of those that `environment` holds."""
        known = {alias for _, _, field in fields() for alias in names_of(field)}
        return {name: value for name, value in environment.items() if name not in known} | self.as_environment()


def groups() -> dict[str, type[Concern]]:
    """The groups by the name of their attribute in Settings."""
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Concern)
    }


def fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Every setting there is: its group, its field name, its declaration."""
    for group, concern in groups().items():
        for name, field in concern.model_fields.items():
            yield group, name, field


def _environment() -> dict[str, str]:
    dotenv = dotenv_values(Path.cwd() / ".env")
    return {name: value for name, value in dotenv.items() if value is not None} | dict(os.environ)


def _refuse_unknown(variables: Mapping[str, str]) -> None:
    known = {alias for _, _, field in fields() for alias in names_of(field)}
    unknown = sorted(name for name in variables if name.startswith(PREFIX) and name not in known)
    if not unknown:
        return
    near = [match for name in unknown for match in difflib.get_close_matches(name, known, n=1)]
    remedy = f"Did you mean {', '.join(near)}? " if near else ""
    raise UsageError(f"unknown setting: {', '.join(unknown)}", remedy=f"{remedy}`sluice config` lists every setting.")


def _read(concern: type[Concern], variables: Mapping[str, str]) -> Concern:
    aliases = {alias for field in concern.model_fields.values() for alias in names_of(field)}
    try:
        return concern.model_validate({name: value for name, value in variables.items() if name in aliases})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
        raise UsageError(f"wrong setting: {problems}", remedy="`sluice config` explains every setting.") from None


def _written(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(_written(part) for part in value)
    return str(value)
