"""When: how often the indicator is published, and what span of time one value describes."""

from collections.abc import Sequence

from schemas.classification import Facet, NormalizedIndicator, TimeInference
from services.classification.facets import RULES, facet_outcomes
from services.classification.prompts.facets import TIME_PROMPT
from services.classification.rules.time_inference import infer_time
from shared.llm.gateway import Ask
from shared.llm.question import Question
from shared.runtime.outcome import Outcome


def _by_rules(items: Sequence[NormalizedIndicator]) -> tuple[list[TimeInference], str]:
    return [_time(item) for item in items], RULES


TIME = Question("time", lambda: _by_rules, TIME_PROMPT, optional=True)


async def infer_time_basis(items: Sequence[NormalizedIndicator], ask: Ask) -> list[Outcome]:
    """By rule, from the unit, the periodicity and the spacing of the sample dates; by a model where one is set."""
    answers = await ask(TIME, items)
    return facet_outcomes(answers, [item.subject.indicator_id for item in items], _facet)


def _facet(indicator_id: str, time: TimeInference) -> Facet:
    return Facet(indicator_id=indicator_id, time=time)


def _time(item: NormalizedIndicator) -> TimeInference:
    subject = item.subject
    return infer_time(
        name=subject.name,
        units=subject.units,
        unit=item.unit,
        periodicity=subject.periodicity,
        dates=[date for date, _ in item.points],
    )
