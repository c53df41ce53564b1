"""The pipeline under test. What an order says is what happens to it, so that a test decides from outside."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from schemas.base import Contract
from schemas.delivery import RejectCode
from shared.database import Database
from shared.errors import TransientError
from shared.runtime.declaration import BatchLimits, Pipeline
from shared.runtime.outcome import Emit, Outcome, Reject, emit
from tests.contract.waiting import eventually

GATE_SECONDS = 60.0
SLOW_SECONDS = 0.05


class Order(Contract):
    """What the stages read. `does`: reject, break, big, slow, wait (for the gate `open`), fail (while `busy`)."""

    id: str
    amount: int = 1
    does: str = ""


class Priced(Contract):
    """What the stage `price` writes. `by` is the process that did it."""

    id: str
    price: int
    by: int
    padding: str = ""


class Gates:
    """Flags between a test and its stage processes: files in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def set(self, name: str) -> None:
        (self.directory / name).touch()

    def clear(self, name: str) -> None:
        (self.directory / name).unlink(missing_ok=True)

    def is_set(self, name: str) -> bool:
        return (self.directory / name).exists()

    async def until(self, name: str) -> None:
        """Wait until another process has set the flag."""

        async def is_set() -> bool:
            return self.is_set(name)

        await eventually(is_set, f"gate {name} is set", GATE_SECONDS)


def make_shop(name: str, gates: Gates) -> Pipeline:
    """`price` prices orders; `parcel` does so in small slices; `keep` stores them and never lets one go."""

    async def price(orders: Sequence[Order]) -> list[Outcome]:
        whims = {order.does for order in orders}
        if "slow" in whims:
            await asyncio.sleep(SLOW_SECONDS)
        if "wait" in whims:
            gates.set("reached")
            await gates.until("open")
        if "fail" in whims and gates.is_set("busy"):
            raise TransientError("the price list is away")
        return [_priced(order) for order in orders]

    async def keep(orders: Sequence[Order], database: Database) -> list[Emit]:
        names = [order.id for order in orders]
        await database.execute("INSERT INTO kept SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", names)
        return [emit() for _ in orders]

    async def tidy(database: Database) -> None:
        if gates.is_set("untidy"):
            gates.set("tidying")
            await database.execute("SELECT pg_sleep(55)")

    pipeline = Pipeline(name, key="id")
    ordered = pipeline.topic(f"{name}.orders", Order, "Orders")
    priced = pipeline.topic(f"{name}.priced", Priced, "Priced orders")
    stored = pipeline.topic(f"{name}.stored", Order, "Orders to keep")
    pipeline.stage("price", price, reads=ordered, writes=[priced])
    pipeline.stage("parcel", price, reads=ordered, writes=[priced], batch=BatchLimits(records=5))
    pipeline.stage("keep", keep, reads=stored, waits=True, sweeps=[(0.1, tidy)])
    return pipeline


def _priced(order: Order) -> Outcome:
    if order.does == "reject":
        return Reject(RejectCode.INVALID_VALUE, "nobody pays that")
    if order.does == "break":
        raise ZeroDivisionError
    padding = "x" * 1_500_000 if order.does == "big" else ""
    return emit(Priced(id=order.id, price=order.amount * 2, by=os.getpid(), padding=padding))
