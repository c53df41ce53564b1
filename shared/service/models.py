"""The gateway of a process: every provider that the settings give, behind limits and books that all replicas share."""

import os
import random
import secrets
import socket
from collections.abc import Sequence
from functools import partial

from shared.database import Database
from shared.llm.admission import Budgets, Limits, PostgresAdmission
from shared.llm.counting import count_from_zero
from shared.llm.gateway import Ask, EmbeddedProvider, Gateway, Provider
from shared.llm.pricing import Prices
from shared.llm.store import AnswerStore
from shared.llm.vendor_provider import VendorProvider
from shared.llm.vendors import make_vendor
from shared.runtime.clock import SystemClock
from shared.runtime.declaration import Stage
from shared.settings import EMBEDDED_PROVIDER, Settings

SHARE_OF_A_CALL = 0.6
"""Of the time that a stage may stay in one handler call: what is not answered by then is asked for again."""


def asks(stages: Sequence[Stage]) -> bool:
    """Whether any of the stages asks a model."""
    return any(Ask in stage.resources.values() for stage in stages)


def make_gateway(settings: Settings, database: Database, stages: Sequence[Stage]) -> Gateway:
    """The gateway with every provider that is set up.

    Raises UsageError if one of `stages` is to use another, or one whose price nobody knows.
    """
    prices = Prices.load(settings.llm.prices)
    vendors = [name for name in settings.llm.configured() if name != EMBEDDED_PROVIDER]
    providers: dict[str, Provider] = {EMBEDDED_PROVIDER: EmbeddedProvider()}
    providers |= {name: _provider(name, settings, database, prices) for name in vendors}
    gateway = Gateway(providers, settings.llm)
    for stage in stages:
        if Ask in stage.resources.values():
            for name in gateway.chain_of(stage.name):
                settings.llm.check(name)
                if name in vendors:
                    prices.check(name, settings.llm.model_of(name))
                    count_from_zero(name, settings.llm.model_of(name), stage.name)  # its question is named as it is
    return gateway


def _provider(name: str, settings: Settings, database: Database, prices: Prices) -> VendorProvider:
    llm = settings.llm
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    rpm, tpm = llm.limits_for(name)
    admission = PostgresAdmission(
        database,
        provider=name,
        model=llm.model_of(name),
        limits=Limits(rpm, tpm),
        concurrency=llm.concurrency,
        budgets=Budgets(llm.budget_day_usd, llm.budget_total_usd, llm.task_budgets()),
        owner=owner,
        clock=SystemClock(),
        call_seconds=2 * llm.timeout_seconds + 60,
    )
    return VendorProvider(
        partial(make_vendor, name, llm),
        admission,
        AnswerStore(database, owner),
        prices,
        llm,
        clock=SystemClock(),
        jitter=random.Random(secrets.randbits(64)),  # noqa: S311 -- spreads retries, guards nothing
        deadline_seconds=SHARE_OF_A_CALL * settings.kafka.max_poll_interval_ms / 3000,
        place=llm.place_of(name),
    )
