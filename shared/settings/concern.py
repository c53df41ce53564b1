"""What every group of settings has in common: frozen, strict, and read from named variables."""

from typing import Any

from pydantic import AliasChoices, Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


class Concern(BaseSettings):
    """Base of all groups. Values come from `Settings.load` or the constructor, never behind the caller's back."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True, validate_default=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave the constructor's arguments as the only source: the environment is read once, by `Settings.load`."""
        return (init_settings,)


def variable(name: str, *also: str, default: Any, meaning: str, **limits: Any) -> Any:
    """Declare a field read from the variable `name`; the names in `also` are accepted where it is not set."""
    return Field(default=default, validation_alias=AliasChoices(name, *also), description=meaning, **limits)


def names_of(field: FieldInfo) -> tuple[str, ...]:
    """The variables a field is read from, the preferred one first."""
    alias = field.validation_alias
    if not isinstance(alias, AliasChoices):
        raise TypeError("every setting is declared with variable()")
    return tuple(str(choice) for choice in alias.choices)
