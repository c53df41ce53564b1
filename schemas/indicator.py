"""The ingest contract: one economic indicator as any producer may write it, in plain JSON."""

from typing import Annotated, Self

from pydantic import AliasChoices, ConfigDict, Field, FiniteFloat, model_validator

from schemas.base import Confidence, Contract
from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation
from schemas.taxonomy import is_legal

MAX_MESSAGE_BYTES = 512 * 1024
"""Longest indicator as JSON. Half of what a Kafka broker takes by default, since facts and headers are added to it."""

MAX_SAMPLES = 5_000
SHORT_TEXT = 500
LONG_TEXT = 20_000

ShortText = Annotated[str, Field(max_length=SHORT_TEXT)]
LongText = Annotated[str, Field(max_length=LONG_TEXT)]


class SamplePoint(Contract):
    """One published value. `date` is free text; a missing value is null, never NaN or a word."""

    date: Annotated[str, Field(max_length=64)] = ""
    value: FiniteFloat | None = None


class KnownConcept(Contract):
    """What was decided about a nearly identical indicator, as far as it depends on what both are about."""

    indicator_id: Annotated[str, Field(min_length=1, max_length=256)]
    """Of the other one."""
    family: Family
    indicator_type: IndicatorType
    temporal_aggregation: TemporalAggregation
    heat_map_orientation: Orientation
    confidence: Confidence = 1.0

    @model_validator(mode="after")
    def _is_legal(self) -> Self:
        if not is_legal(self.family, self.indicator_type):
            raise ValueError(f"{self.family} has no type {self.indicator_type}")
        return self


class Indicator(Contract):
    """An indicator to classify. Only the id and the name are required; unknown fields are kept as context."""

    model_config = ConfigDict(
        frozen=True, extra="allow", str_strip_whitespace=True, validate_by_alias=True, validate_by_name=True
    )

    indicator_id: Annotated[str, Field(min_length=1, max_length=256)]
    name: Annotated[str, Field(min_length=1, max_length=1_000)]
    units: ShortText | None = None
    description: Annotated[LongText | None, Field(validation_alias=AliasChoices("description", "definition"))] = None
    long_name: Annotated[str | None, Field(max_length=2_000)] = None
    category_group: ShortText | None = None
    dataset: ShortText | None = None
    topic: ShortText | None = None
    source_name: Annotated[ShortText | None, Field(validation_alias=AliasChoices("source_name", "source"))] = None
    source_url: Annotated[str | None, Field(max_length=2_000)] = None
    aggregation_method: ShortText | None = None
    periodicity: ShortText | None = None
    scale: ShortText | None = None
    currency_code: ShortText | None = None
    country: ShortText | None = None
    same_as: KnownConcept | None = None
    """Taken over, and not asked again."""
    sample_values: Annotated[list[SamplePoint | FiniteFloat] | None, Field(max_length=MAX_SAMPLES)] = None
