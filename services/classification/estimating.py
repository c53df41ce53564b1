"""What classifying with language models would take: the stages are run in memory, and nobody is asked."""

from collections.abc import Iterator, Sequence
from itertools import islice

from schemas.base import Contract
from schemas.indicator import Indicator
from services.classification.in_memory import classify_with_usage
from shared.database import Database
from shared.llm.estimate import Estimate
from shared.llm.estimating import measured_calls, summed_up
from shared.llm.gateway import Ask, EmbeddedProvider, Provider
from shared.llm.rehearsal import Rehearsal
from shared.settings import EMBEDDED_PROVIDER, LlmSettings

AT_ONCE = 1_000
"""Indicators that a stage works on at a time, at most; those asked about travel in calls of their own."""


async def estimate(items: Sequence[Contract], settings: LlmSettings, wish: str, database: Database | None) -> Estimate:
    """Run the stages with rehearsals in the place of every vendor that is set up."""
    rehearsals = [
        Rehearsal(
            name,
            settings.model_of(name),
            temperature=settings.temperature,
            coalesce=settings.coalesce,
            database=database if settings.cache else None,
            place=settings.place_of(name),
        )
        for name in settings.configured()
        if name != EMBEDDED_PROVIDER
    ]
    providers: dict[str, Provider] = {EMBEDDED_PROVIDER: EmbeddedProvider()}
    providers |= {rehearsal.provider: rehearsal for rehearsal in rehearsals}

    def ask(stage: str, count: int) -> Ask:
        return Ask(providers, [wish] * count, settings, stage.replace("-", "_"))

    for some in _portions([item for item in items if isinstance(item, Indicator)]):
        await classify_with_usage(some, ask, settings)
    measured = await measured_calls(database) if database else {}
    return summed_up(len(items), rehearsals, settings, measured, cache_looked_at=database is not None)


def _portions(indicators: Sequence[Indicator]) -> Iterator[list[Indicator]]:
    left = iter(indicators)
    while some := list(islice(left, AT_ONCE)):
        yield some
