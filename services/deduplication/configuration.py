"""Files by which people say how a run decides: rules over those of a profile, headers by file names, ranks."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from services.deduplication.inputs.columns import SYNONYMS, Template
from services.deduplication.rules import Profile, Rank, Rules
from shared.errors import UsageError

USUAL: Profile = "balanced"


def read_rules(path: Path | None, profile: Profile | None = None, *, linking: bool = False) -> Rules:
    """The rules of a profile, but for what a file says otherwise. Raises UsageError.

    The file may name its profile. Each rule that it names is replaced as a whole; those that it does not name stay.
    `linking`: the records say which list they are of.
    """
    said = _document(path) if path else {}
    if not isinstance(said, dict):
        raise UsageError(f"{path} holds no rules", remedy="`sluice dedupe rules` prints rules to begin with")
    of_file = said.get("profile")
    if of_file not in (None, *get_args(Profile)):
        raise UsageError(f"{path}: there is no profile {of_file!r}", remedy=f"profiles: {', '.join(get_args(Profile))}")
    if profile and of_file not in (None, profile):
        raise UsageError(
            f"{path} is about profile {of_file}, not {profile}", remedy="leave out --profile, or change it"
        )
    rules = Rules.of(profile or of_file or USUAL, linking=linking)
    if unknown := next(_unknown(rules, said), None):
        raise UsageError(f"{path}: there is no rule {unknown[0]}", remedy=f"there are {', '.join(unknown[1])}")
    try:
        return Rules.model_validate(_over(rules, said))
    except ValidationError as error:
        raise _refused(path, error, "`sluice dedupe rules` prints rules as they may be") from None


def read_templates(path: Path) -> list[Template]:
    """Headers of files by their names. Raises UsageError."""
    columns = ", ".join(SYNONYMS)
    example = f'[{{"file_name": "^export_", "aliases": {{"account_name": ["Firm"]}}}}]; columns: {columns}'
    try:
        return TypeAdapter(list[Template]).validate_python(_document(path))
    except ValidationError as error:
        raise _refused(path, error, f"write a JSON list such as {example}") from None


def read_ranks(path: Path) -> dict[str, int]:
    """Ranks of relationships. Raises UsageError."""
    try:
        return TypeAdapter(dict[str, Rank]).validate_python(_document(path))
    except ValidationError as error:
        raise _refused(path, error, 'write a JSON object such as {"Company Name on W-2": 10}') from None


def _document(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}", remedy="write JSON, or TOML in a file named .toml"
        ) from None


def _unknown(rules: BaseModel, said: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, list[str]]]:
    """Names that no rule has, each with those that there are in its place."""
    for name, value in said.items():
        if name not in type(rules).model_fields:
            yield f"{within}{name}", list(type(rules).model_fields)
        elif isinstance(inner := getattr(rules, name), BaseModel) and isinstance(value, Mapping):
            yield from _unknown(inner, value, f"{within}{name}.")


def _over(rules: BaseModel, said: Mapping[str, Any]) -> dict[str, Any]:
    """Rules with what is said of them. A group of rules stays, but for those of it that are named."""
    inner = {name: getattr(rules, name) for name in said}
    named = {
        name: _over(inner[name], value) if isinstance(inner[name], BaseModel) and isinstance(value, Mapping) else value
        for name, value in said.items()
    }
    return {**rules.model_dump(), **named}


def _refused(path: Path | None, error: ValidationError, remedy: str) -> UsageError:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return UsageError(f"{path}: {where + ': ' if where else ''}{first['msg']}", remedy=remedy)
