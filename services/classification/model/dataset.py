"""Labelled rows: reading them, and the facts that the pipeline would give the model for each."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from schemas.classification import Subject
from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation, TimeBasis
from services.classification.model.features import Facts, facts_from
from services.classification.model.labels import Pair
from services.classification.rules.units import parse_units

LABELLED: Final = Path(__file__).parent / "data" / "labelled.jsonl"
"""The rows that the shipped model is fitted to; README.md beside it says where they come from."""

SUPPLEMENT: Final = Path(__file__).parent / "data" / "supplement.jsonl"
"""Rows labelled later, where the model was least sure; used for fitting, never for scoring."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Label:
    """The right answer. A field that the file does not give is None, and not scored."""

    family: Family
    indicator_type: IndicatorType
    temporal_aggregation: TemporalAggregation | None = None
    heat_map_orientation: Orientation | None = None
    is_currency_denominated: bool | None = None
    time_basis: TimeBasis | None = None
    certainty: str = "high"
    accept: tuple[Pair, ...] = ()
    """Other pairs that a careful colleague could equally defend."""

    @property
    def pair(self) -> Pair:
        """Family and type."""
        return self.family, self.indicator_type


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One indicator as submitted, and its label."""

    record: Mapping[str, Any]
    """The ingest record, `label` left out."""
    label: Label

    @property
    def name(self) -> str:
        """Name of the indicator."""
        return str(self.record.get("name") or "")

    @property
    def units(self) -> str:
        """Units as published, empty if unknown."""
        return str(self.record.get("units") or "")

    @property
    def source(self) -> str:
        """Publisher, for tables by source."""
        return str(self.record.get("source") or self.record.get("source_name") or "")


def read_labelled(path: Path = LABELLED) -> list[LabelledRow]:
    """Rows of a JSON-lines file whose objects are ingest records with a `label`."""
    with path.open(encoding="utf-8") as lines:
        return [labelled_row(json.loads(line)) for line in lines if line.strip()]


def labelled_row(record: Mapping[str, Any]) -> LabelledRow:
    """One parsed line; raises KeyError or ValueError where the label is missing or unknown."""
    label = record["label"]
    return LabelledRow(
        record={key: value for key, value in record.items() if key != "label"},
        label=Label(
            family=Family(label["family"]),
            indicator_type=IndicatorType(label["indicator_type"]),
            temporal_aggregation=_optional(TemporalAggregation, label.get("temporal_aggregation")),
            heat_map_orientation=_optional(Orientation, label.get("heat_map_orientation")),
            is_currency_denominated=label.get("is_currency_denominated"),
            time_basis=_optional(TimeBasis, label.get("time_basis")),
            certainty=label.get("certainty") or "high",
            accept=tuple(_pair(text) for text in label.get("accept") or ()),
        ),
    )


def _optional(kind: Callable[[str], _Value], value: str | None) -> _Value | None:
    return None if value is None else kind(value)


def _pair(text: str) -> Pair:
    family, _, indicator_type = text.partition("/")
    return Family(family), IndicatorType(indicator_type)


def facts_of_record(record: Mapping[str, Any]) -> Facts:
    """The facts that the pipeline would hand to the model for this record."""

    def text(*names: str) -> str:
        return next((str(record[name]).strip() for name in names if record.get(name)), "")

    subject = Subject(
        indicator_id=text("indicator_id") or "unknown",
        name=text("name"),
        units=text("units"),
        long_name=text("long_name"),
        description=text("description", "definition"),
        periodicity=text("periodicity"),
        source_name=text("source_name", "source"),
        scale=text("scale"),
        currency_code=text("currency_code"),
        country=text("country"),
    )
    unit = parse_units(subject.units, name=subject.name, scale=subject.scale, currency_code=subject.currency_code)
    return facts_from(subject, unit)
