"""What the classification stages decide, and the messages that carry it from topic to topic.

Every message holds all facts known so far, so a stage never looks anything up. Confidences are 0..1.
"""

from typing import Annotated

from pydantic import Field, JsonValue

from schemas.base import Confidence, Contract, Reasoning
from schemas.enums import (
    CumulativePattern,
    Family,
    FinalReviewStatus,
    IndicatorType,
    Orientation,
    ParsedScale,
    ReportingFrequency,
    ReviewField,
    ReviewStatus,
    Scale,
    TemporalAggregation,
    TimeBasis,
    TimeSource,
    UnitType,
)
from schemas.indicator import KnownConcept

CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 code, upper case."""

# --- what one stage decides -------------------------------------------------------------------


class Normalization(Contract):
    """The unit string, parsed. `multiplier` is the number that one unit of the value stands for (1e6 for millions)."""

    original_units: str
    unit_type: UnitType
    parsed_scale: ParsedScale
    normalized_scale: Scale
    multiplier: float
    currency: CurrencyCode | None
    is_currency: bool
    """Money is meant, even if no code is known ("national currency")."""
    time_unit: ReportingFrequency | None = None
    """Time span inside the unit ("USD/Month"), None when it names none."""
    matched_pattern: str
    conflicts: tuple[str, ...] = ()
    """Structured fields (scale, currency_code) that disagree with the unit text; the fields win."""
    confidence: Confidence


class TimeInference(Contract):
    """How often the indicator is published, and what span one value describes."""

    reporting_frequency: ReportingFrequency
    time_basis: TimeBasis
    source_used: TimeSource
    confidence: Confidence
    reasoning: Reasoning


class ScaleInference(Contract):
    """The scale of the published values."""

    scale: Scale
    confidence: Confidence
    reasoning: Reasoning


class CurrencyCheck(Contract):
    """Whether values are amounts of money, and of which currency (None: national or unknown)."""

    is_currency_denominated: bool
    detected_currency: CurrencyCode | None
    confidence: Confidence
    reasoning: Reasoning


class ResetPoint(Contract):
    """A fall at a year boundary, in percent of the value before it."""

    from_date: str
    to_date: str
    dropped_by: float


class IncreasePoint(Contract):
    """A rise inside a year."""

    from_date: str
    to_date: str
    increased_by: float


class CumulativeEvidence(Contract):
    """What the detector counted."""

    year_resets_detected: Annotated[int, Field(ge=0)] = 0
    within_year_increases: Annotated[int, Field(ge=0)] = 0
    total_periods_analyzed: Annotated[int, Field(ge=0)] = 0
    reset_points: Annotated[tuple[ResetPoint, ...], Field(max_length=3)] = ()
    increase_points: Annotated[tuple[IncreasePoint, ...], Field(max_length=3)] = ()


class CumulativeDetection(Contract):
    """Whether the series adds up over the year or forever."""

    is_cumulative: bool
    pattern_type: CumulativePattern
    confidence: Confidence
    evidence: CumulativeEvidence
    reasoning: Reasoning


class FamilyAssignment(Contract):
    """The family, and the one that came second."""

    family: Family
    runner_up: Family | None = None
    confidence: Confidence
    reasoning: Reasoning


class TypeClassification(Contract):
    """The type within the family, with the two readings that depend on it."""

    indicator_type: IndicatorType
    temporal_aggregation: TemporalAggregation
    heat_map_orientation: Orientation
    confidence: Confidence
    orientation_confidence: Confidence = 1.0
    override_of_pattern: bool = False
    """Units or description decided against what the name suggests."""
    reasoning: Reasoning


class Opinion(Contract):
    """What the embedded model said before a language model was asked: in a cascade both opinions are kept."""

    provider: str
    model: str
    values: dict[str, str]
    """Field -> value."""
    confidence: Confidence


class BooleanReview(Contract):
    """Is the row right as it stands? Names what is not."""

    is_correct: bool
    incorrect_fields: tuple[ReviewField, ...]
    reasoning: Reasoning
    confidence: Confidence


class FinalReview(Contract):
    """Whether the objection held, and what replaced the fields it named."""

    review_makes_sense: bool
    status: FinalReviewStatus
    corrections_applied: dict[ReviewField, str | bool | None]
    final_reasoning: Reasoning
    confidence: Confidence


# --- what travels with the item ---------------------------------------------------------------


class Subject(Contract):
    """The indicator as it was submitted, cleaned: no text is None, unknown fields are in `context`."""

    indicator_id: str
    name: str
    units: str = ""
    description: str = ""
    long_name: str = ""
    category_group: str = ""
    dataset: str = ""
    topic: str = ""
    source_name: str = ""
    source_url: str = ""
    aggregation_method: str = ""
    periodicity: str = ""
    scale: str = ""
    currency_code: str = ""
    country: str = ""
    same_as: KnownConcept | None = None
    context: dict[str, JsonValue] = Field(default_factory=dict)


class ValueStatistics(Contract):
    """What the sample values look like. `coefficient_of_variation` is in percent, None for a zero mean."""

    count: int
    minimum: float
    maximum: float
    mean: float
    standard_deviation: float
    coefficient_of_variation: float | None
    any_negative: bool
    all_integers: bool
    first_date: str = ""
    last_date: str = ""
    median_gap_days: float | None = None
    latest: tuple[float, ...] = ()
    """The newest values, oldest first, five at most."""


class NormalizedIndicator(Contract):
    """classification.normalized: the subject with its unit parsed and its values cleaned."""

    subject: Subject
    unit: Normalization
    statistics: ValueStatistics | None = None
    points: tuple[tuple[str, float], ...] = ()
    """(date as published, value), order as submitted; for the time and cumulative stages only."""


class Facet(Contract):
    """classification.facets: one part of an item; the join waits for one of each kind."""

    indicator_id: str
    item: NormalizedIndicator | None = None
    time: TimeInference | None = None
    scale: ScaleInference | None = None
    currency: CurrencyCheck | None = None
    cumulative: CumulativeDetection | None = None


class JoinedIndicator(Contract):
    """classification.joined: all facts that rules can find."""

    subject: Subject
    unit: Normalization
    statistics: ValueStatistics | None = None
    time: TimeInference
    scale: ScaleInference
    currency: CurrencyCheck
    cumulative: CumulativeDetection


class IndicatorWithFamily(JoinedIndicator):
    """classification.family."""

    family: FamilyAssignment
    family_prior: Opinion | None = None


class IndicatorWithType(IndicatorWithFamily):
    """classification.type."""

    type: TypeClassification
    type_prior: Opinion | None = None


class ContestedIndicator(IndicatorWithType):
    """classification.contested: the boolean review objects."""

    boolean_review: BooleanReview


class ReviewedIndicator(IndicatorWithType):
    """classification.reviewed: values are final; the reviews say how they came to be."""

    boolean_review: BooleanReview
    final_review: FinalReview | None = None
    review_status: ReviewStatus


class CompletedIndicator(Contract):
    """classification.completed: the event other systems subscribe to, written after the row is stored."""

    indicator_id: str
    batch_id: str
    name: str
    reporting_frequency: ReportingFrequency
    time_basis: TimeBasis
    scale: Scale
    is_currency_denominated: bool
    detected_currency: CurrencyCode | None
    is_cumulative: bool
    family: Family
    indicator_type: IndicatorType
    temporal_aggregation: TemporalAggregation
    heat_map_orientation: Orientation
    review_status: ReviewStatus
    corrections_applied: dict[ReviewField, str | bool | None]
    overall_confidence: Confidence
    provider: str
    model: str
    tokens_in: int
    tokens_out: int
    cost_usd: float
    duration_ms: float
    created_at: float
    """Seconds since the epoch at which the item entered the pipeline."""
    updated_at: float
    """Seconds since the epoch at which its row was stored."""
