"""The static part of a prompt: its text, with tables and shared fragments put in."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from schemas.enums import (
    Family,
    IndicatorType,
    Orientation,
    ReportingFrequency,
    ReviewField,
    Scale,
    TemporalAggregation,
    TimeBasis,
    TimeSource,
)
from schemas.taxonomy import TAXONOMY
from services.classification.prompts import definitions

Value = TypeVar("Value", bound=StrEnum)

_FOLDER: Final = Path(__file__).parent
_PLACE: Final = re.compile(r"\{\{([a-z_-]+)\}\}")


@cache
def instructions(name: str) -> str:
    """The static text of the prompt `name`, the same in every call and every process of a release."""
    return _filled(_FOLDER / f"{name}.md")


def _filled(file: Path) -> str:
    return _PLACE.sub(lambda place: _part(place[1]), file.read_text(encoding="utf-8")).strip()


def _part(name: str) -> str:
    table = _TABLES.get(name)
    return table() if table else _filled(_FOLDER / f"_{name}.md")


def _families() -> str:
    return "\n".join(f"- `{family}`: {definitions.FAMILIES[family]}. {_members(family)}" for family in Family)


def _members(family: Family) -> str:
    types = [
        f"{kind} ({definitions.TYPES[family, kind]})" for kind in types_of(family) if kind is not IndicatorType.OTHER
    ]
    return f"Holds: {'; '.join(types)}." if types else ""


def types_of(family: Family) -> list[IndicatorType]:
    """The types that are legal within a family."""
    return [kind for owner, kind in TAXONOMY if owner is family]


def _types() -> str:
    return "\n".join(f"### {family}\n" + "\n".join(map(_type_line(family), types_of(family))) for family in Family)


def _type_line(family: Family) -> Callable[[IndicatorType], str]:
    def line(kind: IndicatorType) -> str:
        usual = TAXONOMY[family, kind]
        direction = usual.orientation or "orientation by meaning"
        return f"- `{kind}`: {definitions.TYPES[family, kind]}. Usually {usual.temporal_aggregation}, {direction}."

    return line


def _pairs() -> str:
    return "\n".join(f"- {family}: {', '.join(types_of(family))}" for family in Family)


def _values(kind: type[Value], meanings: Mapping[Value, str]) -> Callable[[], str]:
    return lambda: "\n".join(f"- `{value}`: {meanings[value]}" for value in kind)


_TABLES: Final[dict[str, Callable[[], str]]] = {
    "families": _families,
    "types": _types,
    "pairs": _pairs,
    "aggregations": _values(TemporalAggregation, definitions.AGGREGATIONS),
    "orientations": _values(Orientation, definitions.ORIENTATIONS),
    "time_bases": _values(TimeBasis, definitions.TIME_BASES),
    "frequencies": _values(ReportingFrequency, definitions.FREQUENCIES),
    "time_sources": _values(TimeSource, definitions.TIME_SOURCES),
    "scales": _values(Scale, definitions.SCALES),
    "review_fields": _values(ReviewField, definitions.REVIEW_FIELDS),
}
