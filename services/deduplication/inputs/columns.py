"""Which column of a file is which: overrides, templates by file name, known headers, then what the values look like."""

import re
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, field_validator
from rapidfuzz import fuzz, process

from services.deduplication.inputs.dates import is_day_first, parse_date
from services.deduplication.inputs.given import MAPPING
from services.deduplication.inputs.reading import FLAW, ROW
from services.deduplication.rules import Words
from shared.errors import UsageError

SYNONYMS: dict[str, Words] = {
    "account_id": ("account id", "acct id", "id", "external id", "externalid"),
    "account_name": ("account name", "company", "company name", "customer", "customer name", "name"),
    "created_date": ("created date", "create date", "createdon", "created on"),
    "relationship": ("relationship",),
    "parent_account_id": ("parent account id", "parent id", "parentid"),
    "suffix_class": ("suffix", "company suffix", "entity type"),
    "source": (),  # only if somebody says so: it keeps records apart
}
"""Canonical column: the headers it is known by, the likeliest first."""

DATE_ORDER, DAY_FIRST, MONTH_FIRST = "date_order", "day first", "month first"
"""A mapping has this row if the dates have the day first."""

REQUIRED = ("account_id", "account_name", "created_date")
SAMPLE = 100

_NAME_HEADERS = ("name", "company", "customer")
_NAME_SCORE = 80
_ID_SHARE = 0.8
_DATE_SHARE = 0.3
_ID_VALUE = re.compile(r"[0-9A-Za-z]{10,}")
_DATE_HEADER = re.compile(r"\b(date|created|opened|on)\b")


class Template(BaseModel):
    """Headers of files with a name of one kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_name: str  # a regular expression
    aliases: dict[str, Words]

    @field_validator("file_name")
    @classmethod
    def _is_an_expression(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"{text!r} is no regular expression: {error}") from None
        return text

    @field_validator("aliases")
    @classmethod
    def _are_of_columns(cls, aliases: dict[str, Words]) -> dict[str, Words]:
        if unknown := sorted(aliases.keys() - SYNONYMS.keys()):
            raise ValueError(f"{unknown[0]} is no column that can be mapped")
        return aliases


def map_columns(
    sample: pa.Table,
    file_name: str = "",
    overrides: Mapping[str, str] | None = None,
    templates: Sequence[Template] = (),
    required: Words = REQUIRED,
) -> pa.Table:
    """The mapping of a file, from its headers, first rows and dates, to be saved with the run."""
    sample = sample.drop_columns([name for name in (ROW, FLAW) if name in sample.column_names])  # not of the file
    file_name = file_name or "the file"
    found = _overridden(sample.column_names, overrides or {}, file_name)
    aliases = [template.aliases for template in templates if re.search(template.file_name, file_name, re.IGNORECASE)]
    for known in (*aliases, SYNONYMS):
        _by_headers(found, sample.column_names, known)
    _by_looks(found, sample.slice(0, SAMPLE))
    if missing := [canonical for canonical in required if canonical not in found]:
        raise UsageError(
            f"{file_name} has no column for {', '.join(missing)} among {', '.join(sample.column_names)}",
            remedy=f"{_known(missing)}; or name yours: --map {missing[0]}=HEADER",
        )
    if "created_date" in found and is_day_first(sample[found["created_date"]]):
        found[DATE_ORDER] = DAY_FIRST
    return pa.table({"canonical": list(found), "actual": list(found.values())}, schema=MAPPING)


def _known(canonical: Sequence[str]) -> str:
    """Which headers would do."""
    return "; ".join(f"{name} is known as {', '.join(map(str.title, SYNONYMS[name]))}" for name in canonical)


def _overridden(headers: Sequence[str], overrides: Mapping[str, str], file_name: str) -> dict[str, str]:
    if unknown := [canonical for canonical in overrides if canonical not in SYNONYMS]:
        raise UsageError(f"{unknown[0]} is no column that can be mapped", remedy=f"these can be: {', '.join(SYNONYMS)}")
    return {canonical: header_named(headers, wanted, file_name) for canonical, wanted in overrides.items()}


def header_named(headers: Sequence[str], wanted: str, file_name: str) -> str:
    """The header that is meant: spelt so, or the first that differs in case or spaces. Raises UsageError."""
    found = wanted if wanted in headers else next((one for one in headers if plain(one) == plain(wanted)), None)
    if found is None:
        raise UsageError(f"{file_name} has no column {wanted!r}", remedy=f"its columns: {', '.join(headers)}")
    return found


def _by_headers(found: dict[str, str], headers: Sequence[str], known: Mapping[str, Words]) -> None:
    free = {plain(header): header for header in reversed(headers) if header not in found.values()}
    for canonical, aliases in known.items():
        if canonical not in found:
            match = next((free.pop(plain(alias)) for alias in aliases if plain(alias) in free), None)
            if match is not None:
                found[canonical] = match


def plain(header: str) -> str:
    """A header as it is compared: case, white space and underscores do not matter."""
    return " ".join(re.split(r"[\s_]+", header.strip().casefold()))


def _by_looks(found: dict[str, str], sample: pa.Table) -> None:
    looks: dict[str, Callable[[str, Sequence[str]], bool]] = {
        "account_id": _like_ids,
        "created_date": _like_dates,
        "account_name": _like_name,
    }
    for canonical, like in looks.items():
        if canonical in found:
            continue
        for header in sample.column_names:
            values = [value for value in sample[header].to_pylist() if value]
            if header not in found.values() and like(header, values):
                found[canonical] = header
                break


def _like_ids(header: str, values: Sequence[str]) -> bool:
    return _share(values, lambda value: _ID_VALUE.fullmatch(value) is not None) > _ID_SHARE


def _like_dates(header: str, values: Sequence[str]) -> bool:
    dates = _share(values, lambda value: parse_date(value).day is not None)
    return dates > _DATE_SHARE or (dates > 0 and _DATE_HEADER.search(plain(header)) is not None)


def _like_name(header: str, values: Sequence[str]) -> bool:
    return process.extractOne(plain(header), _NAME_HEADERS, scorer=fuzz.WRatio, score_cutoff=_NAME_SCORE) is not None


def _share(values: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, values)) / len(values) if values else 0.0
