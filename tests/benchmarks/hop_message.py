"""The message that every contender of the hop benchmark reads, changes and writes: about 1 KB of JSON."""

from schemas.base import Contract

IN, OUT = "hop.in", "hop.out"
PARTITIONS = 6
BATCH = 500


class Detail(Contract):
    """A nested object."""

    code: str
    note: str


class Reading(Contract):
    """An indicator-sized message."""

    id: str
    name: str
    units: str
    source: str
    dataset: str
    topic: str
    periodicity: str
    country: str
    description: str
    multiplier: float
    count: int
    flag: bool
    detail: Detail
    parts: tuple[Detail, ...]
    stage: str = ""


class Checked(Reading):
    """The same with a field changed; its own type, as a stage's output has."""


def sample(number: int) -> Reading:
    """Message `number`."""
    return Reading(
        id=f"INDICATOR:{number:08d}",
        name="Balance of Trade, goods and services, seasonally adjusted",
        units="USD Million",
        source="National Statistics Office",
        dataset="External sector accounts, monthly release",
        topic="Trade",
        periodicity="Monthly",
        country="Aruba",
        description="Exports less imports of goods and services during the period. " * 8,
        multiplier=1e6,
        count=120,
        flag=False,
        detail=Detail(code="BOT", note="as published by the source"),
        parts=(Detail(code="X", note="exports of goods"), Detail(code="M", note="imports of goods")),
    )


HEADERS = [
    ("batch_id", b"4f3b83c8-8dd5-47d9-8192-83cc5fe0b344"),
    ("ingested_at", b"1700000000.000"),
    ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
]
"""What a record behind the ingest edge carries at least."""
