"""A stage worker with everything around it in memory, and a clock that jumps instead of waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.base import Contract
from shared.runtime.declaration import BatchLimits, Pipeline
from shared.runtime.envelope import Headers, OutRecord
from shared.runtime.outcome import Outcome, emit
from shared.runtime.policy import DeadLetterGuard, RetryPolicy
from shared.runtime.worker import StageWorker, WorkerLimits

EPOCH = 1_700_000_000.0


class Order(Contract):
    """What the test stage reads."""

    id: str
    amount: int


class Priced(Contract):
    """What it writes."""

    id: str
    price: int


@dataclass(frozen=True)
class FakeRecord:
    """A consumed record."""

    offset: int
    value: bytes | None
    partition: int = 0
    topic: str = "shop.orders"
    key: bytes | None = b"k"
    headers: Headers = ()
    timestamp: int = int(EPOCH * 1000)


class JumpingClock:
    """Waiting moves the time; `set_back` is how far the wall clock was set back meanwhile."""

    def __init__(self) -> None:
        self.time = EPOCH
        self.set_back = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time - self.set_back

    def monotonic(self) -> float:
        return self.time

    async def wait(self, seconds: float, until: asyncio.Event) -> None:
        self.waits.append(seconds)
        self.time += seconds


@dataclass
class FakeInput:
    """Remembers what the worker did to its consumer."""

    committed: dict[tuple[str, int], int] = field(default_factory=dict)
    rewound: dict[tuple[str, int], int] = field(default_factory=dict)
    held: list[tuple[tuple[str, int], int, float]] = field(default_factory=list)
    refuse: bool = False

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        if not self.refuse:
            self.committed.update(offsets)
        return not self.refuse

    def rewind(self, offsets: Mapping[tuple[str, int], int]) -> None:
        self.rewound.update(offsets)

    def hold(self, partition: tuple[str, int], offset: int, seconds: float) -> None:
        self.held.append((partition, offset, seconds))


Handler = Callable[[Sequence[Order]], Awaitable[Sequence[Outcome]]]


async def price_all(orders: Sequence[Order]) -> list[Outcome]:
    return [emit(Priced(id=order.id, price=order.amount * 2)) for order in orders]


class Shop:
    """One stage, `shop.price`, ready to process records."""

    def __init__(
        self,
        handler: Handler = price_all,
        *,
        edge: bool = False,
        waits: bool = False,
        slice_size: int = 100,
        trace_ratio: float = 0.0,
        output_key: str = "",
    ) -> None:
        pipeline = Pipeline("shop", key="id")
        orders = pipeline.topic("shop.orders", Order, "orders")
        priced = pipeline.topic("shop.priced", Priced, "priced orders", key=output_key)
        self.stage = pipeline.stage(
            "price",
            handler,
            reads=orders,
            writes=[priced],
            edge=edge,
            waits=waits,
            batch=BatchLimits(records=slice_size),
        )
        self.clock = JumpingClock()
        self.input = FakeInput()
        self.published: list[OutRecord] = []
        self.publish_failures: list[Exception] = []
        self.worker = StageWorker(
            self.stage,
            "id",
            self.publish,
            lambda kind, stage, envelopes: envelopes,
            clock=self.clock,
            retry=RetryPolicy(in_place_budget=10, topic_delays=(60.0, 600.0)),
            guard=DeadLetterGuard(),
            limits=WorkerLimits(message_bytes=10_000, trace_ratio=trace_ratio),
        )

    async def publish(self, records: Sequence[OutRecord]) -> None:
        if self.publish_failures:
            raise self.publish_failures.pop()
        self.published.extend(records)

    async def process(self, *records: FakeRecord) -> None:
        await self.worker.process(records, self.input)

    def on(self, topic: str) -> list[OutRecord]:
        """What was published to `topic`."""
        return [record for record in self.published if record.topic == topic]


def order(offset: int, amount: int = 1, **changes: object) -> FakeRecord:
    """A good record."""
    value = Order(id=f"o{offset}", amount=amount).model_dump_json().encode()
    record: dict[str, object] = {"offset": offset, "value": value, "key": f"o{offset}".encode(), **changes}
    return FakeRecord(**record)  # type: ignore[arg-type]  # the caller names fields of FakeRecord


def header(record: OutRecord, name: str) -> str:
    """Text of one header."""
    return dict(record.headers)[name].decode()
