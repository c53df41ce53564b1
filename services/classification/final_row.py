"""The final row of an indicator: the columns of `classifications`, in the order of its upsert."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Self, cast

from schemas.classification import ReviewedIndicator
from schemas.delivery import StageRun
from schemas.enums import ReviewStatus

if TYPE_CHECKING:  # it reads its own rows through the store, which stores ours
    from services.classification.human_reviews import HumanReview


class Effort(NamedTuple):
    """What an item took, summed over its trail. Milliseconds, tokens, US dollars."""

    duration_ms: float
    provider: str
    model: str
    tokens_in: int
    tokens_out: int
    cost_usd: float

    @classmethod
    def of(cls, runs: list[StageRun]) -> Self:
        """Sum up a trail; provider and model are those of the last stage that asked one."""
        asked = [run for run in runs if run.provider]
        return cls(
            duration_ms=sum(run.duration_ms for run in runs),
            provider=asked[-1].provider if asked else "",
            model=asked[-1].model if asked else "",
            tokens_in=sum(run.tokens_in for run in runs),
            tokens_out=sum(run.tokens_out for run in runs),
            cost_usd=sum(run.cost_usd for run in runs),
        )


def overall_confidence(item: ReviewedIndicator) -> float:
    """Mean of the confidences of parsing, time, scale, currency, family, type and boolean review (spec 2.7)."""
    parts = (item.unit, item.time, item.scale, item.currency, item.family, item.type, item.boolean_review)
    return sum(part.confidence for part in parts) / len(parts)


def final_row(
    item: ReviewedIndicator, batch_id: str, effort: Effort, submitted: datetime, review: "HumanReview | None" = None
) -> tuple[object, ...]:
    """One value for each column of upsert_classifications. `review`: the human decision that `item` accounts for."""
    return (
        *_source_columns(item),
        *_facet_columns(item),
        *_decision_columns(item),
        *_review_columns(item, review),
        round(overall_confidence(item), 4),
        item.review_status.value,
        effort.provider,
        effort.model,
        batch_id,
        effort.duration_ms,
        effort.cost_usd,
        effort.tokens_in,
        effort.tokens_out,
        _opinions(item),
        review.id if review else None,
        submitted,
    )


def _opinions(item: ReviewedIndicator) -> str | None:
    """What the embedded model said where a cascade asked a language model after it, as JSON by stage."""
    priors = {"family": item.family_prior, "type": item.type_prior}
    told = {stage: prior.model_dump(mode="json") for stage, prior in priors.items() if prior is not None}
    return json.dumps(told) if told else None


def submitted_at(row: tuple[object, ...]) -> datetime:
    """When the version of a final row was submitted."""
    return cast(datetime, row[-1])


def _source_columns(item: ReviewedIndicator) -> tuple[object, ...]:
    subject, unit = item.subject, item.unit
    return (
        subject.indicator_id,
        subject.name,
        subject.units,
        subject.source_name,
        subject.long_name,
        subject.category_group,
        subject.dataset,
        subject.topic,
        subject.scale,
        subject.periodicity,
        subject.aggregation_method,
        subject.currency_code,
        unit.parsed_scale.value,
        unit.unit_type.value,
        unit.currency,
        unit.confidence,
    )


def _facet_columns(item: ReviewedIndicator) -> tuple[object, ...]:
    time, cumulative, scale, currency = item.time, item.cumulative, item.scale, item.currency
    return (
        time.reporting_frequency.value,
        time.time_basis.value,
        time.confidence,
        time.reasoning,
        time.source_used.value,
        cumulative.is_cumulative,
        cumulative.pattern_type.value,
        cumulative.confidence,
        cumulative.reasoning,
        scale.scale.value,
        scale.confidence,
        scale.reasoning,
        currency.is_currency_denominated,
        currency.detected_currency,
        currency.confidence,
        currency.reasoning,
    )


def _decision_columns(item: ReviewedIndicator) -> tuple[object, ...]:
    family, kind = item.family, item.type
    return (
        family.family.value,
        family.confidence,
        family.reasoning,
        kind.indicator_type.value,
        kind.temporal_aggregation.value,
        kind.heat_map_orientation.value,
        kind.confidence,
        kind.reasoning,
    )


def _review_columns(item: ReviewedIndicator, review: "HumanReview | None") -> tuple[object, ...]:
    first, final = item.boolean_review, item.final_review
    standing = review if item.review_status is not ReviewStatus.NEEDS_HUMAN else None
    return (
        first.is_correct,
        json.dumps(first.incorrect_fields),
        first.reasoning,
        first.confidence,
        standing.decision.verdict if standing else final.status.value if final else None,
        json.dumps(final.corrections_applied) if final else None,
        final.final_reasoning if final else None,
        final.confidence if final else None,
    )
