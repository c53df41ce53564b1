"""Labelled rows through the whole pipeline in memory, with a provider behind the real gateway: cache, limits, books."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from schemas.classification import IndicatorWithType, ReviewedIndicator
from schemas.enums import Family, IndicatorType
from schemas.indicator import Indicator
from services.classification.in_memory import GatewayFor, Rejected, Spent, reviewed_in_memory, typed_in_memory
from services.classification.model.dataset import LabelledRow
from services.classification.model.evaluate import Prediction, predicted
from services.classification.model.report import table
from shared.database import Database
from shared.errors import TransientError
from shared.llm.admission.reading import usage
from shared.llm.gateway import Gateway
from shared.service.models import make_gateway
from shared.settings import LlmSettings, Settings
from shared.terminal.connect import open_database

ROWS_AT_ONCE: Final = 600
"""Asked together: enough to fill the calls, few enough to be answered within a stage's deadline."""
ATTEMPTS: Final = 5
PAUSE_SECONDS: Final = 5.0
LEDGER_DAYS: Final = 2
"""A run may go on over midnight."""

T = TypeVar("T")
Say = Callable[[str], None]


class Bill(NamedTuple):
    """What the ledger booked while the rows were asked about, and how many of them nobody answered."""

    calls: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    cost_usd: float
    unanswered: int


_NO_ANSWER: Final = Prediction(family=Family.OTHER, indicator_type=IndicatorType.OTHER, confidence=0.0)
NOTHING: Final = Bill(0, 0, 0, 0, 0.0, 0)


@dataclass(slots=True)
class ByProvider:
    """What a provider made of the rows, in their order; None where it had no answer.

    `typed`: before the reviews. `final`: after them, with what each row took.
    """

    provider: str
    typed: list[IndicatorWithType | None] = field(default_factory=list)
    final: list[tuple[ReviewedIndicator, Spent] | None] = field(default_factory=list)
    bill: Bill = NOTHING

    @property
    def predictions(self) -> list[Prediction]:
        """The final values; a row without an answer counts as wrong."""
        return [_NO_ANSWER if found is None else predicted(found[0]) for found in self.final]


async def classify_by_provider(rows: Sequence[LabelledRow], provider: str, settings: Settings, say: Say) -> ByProvider:
    """Ask about every row. Raises TransientError if the provider stays away."""
    async with open_database(settings) as database, make_gateway(settings, database, ()) as gateway:
        return await ask_about(rows, provider, settings.llm, gateway, database, say)


async def ask_about(
    rows: Sequence[LabelledRow], provider: str, settings: LlmSettings, gateway: Gateway, database: Database, say: Say
) -> ByProvider:
    """The same with a gateway that is open."""
    found, before = ByProvider(provider), await _booked(database)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = [Indicator.model_validate(row.record) for row in rows[start : start + ROWS_AT_ONCE]]
        await _add(found, some, _asking(gateway, provider), settings, say)
        say(f"{len(found.final)} of {len(rows)} rows")
    after = await _booked(database)
    found.bill = _difference(before, after)._replace(unanswered=found.typed.count(None))
    return found


def _asking(gateway: Gateway, provider: str) -> GatewayFor:
    return lambda stage, count: gateway.ask_for(stage, [provider] * count)


async def _add(
    found: ByProvider, indicators: Sequence[Indicator], ask: GatewayFor, settings: LlmSettings, say: Say
) -> None:
    rejected: Rejected = {}
    typed = await _patiently(lambda: typed_in_memory(indicators, ask, rejected), say)
    final = iter(await _patiently(lambda: reviewed_in_memory(typed, ask, settings), say))
    items = iter(item for item, _ in typed)
    for place in range(len(indicators)):
        found.typed.append(None if place in rejected else next(items))
        found.final.append(None if place in rejected else next(final))
    for place, reason in rejected.items():
        say(f"no answer about {indicators[place].indicator_id}: {reason}")


async def _patiently(step: Callable[[], Awaitable[T]], say: Say) -> T:
    """Do it again while the provider is away; what it has answered by then is kept, and costs nothing again."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await step()
        except TransientError as error:
            say(f"{error}; trying again")
            await asyncio.sleep(error.retry_after or PAUSE_SECONDS)
    return await step()


async def _booked(database: Database) -> Bill:
    rows = await usage(database, LEDGER_DAYS)
    return Bill(
        sum(row.calls for row in rows),
        sum(row.tokens_in for row in rows),
        sum(row.tokens_cached for row in rows),
        sum(row.tokens_out for row in rows),
        sum(float(row.cost_usd) for row in rows),
        0,
    )


def _difference(before: Bill, after: Bill) -> Bill:
    return Bill(
        after.calls - before.calls,
        after.tokens_in - before.tokens_in,
        after.tokens_cached - before.tokens_cached,
        after.tokens_out - before.tokens_out,
        after.cost_usd - before.cost_usd,
        0,
    )


def render_bill(bill: Bill) -> str:
    """The bill as a table."""
    return table(
        ["calls", "tokens in", "of them cached", "tokens out", "US dollars", "rows without an answer"],
        [[*(f"{number:,}" for number in bill[:4]), f"{bill.cost_usd:.4f}", str(bill.unanswered)]],
    )
