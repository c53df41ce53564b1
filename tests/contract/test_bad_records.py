"""Records nobody can work on: each goes to the dead letters as it was, and its neighbours go on."""

import json
from typing import Any

from schemas.delivery import Header, RejectCode
from tests.contract.conftest import Shop
from tests.contract.kafka import Sent, headers_of
from tests.contract.shop import Order
from tests.contract.waiting import eventually

GOOD = b'{"id":"x","amount":1}'
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def letters(shop: Shop, count: int) -> list[Any]:
    return await shop.kafka.read_until(shop.dead_letters, count)


async def priced(shop: Shop, count: int) -> list[str]:
    return sorted(json.loads(record.value)["id"] for record in await shop.kafka.read_until(shop.priced, count))


async def test_an_invalid_record_is_buried_with_everything_that_is_known_of_it(shop: Shop) -> None:
    given = [
        ("trace-me", b"\xff\x00binary"),
        (Header.BATCH_ID, b"b7"),
        (Header.TRACEPARENT, TRACE),
        ("\N{SNOWMAN}", b""),
    ]
    await shop.order(Order(id="1"), partition=2)
    await shop.kafka.send(shop.orders, [Sent(b"{not json", b"k", given, partition=2)])
    await shop.order(Order(id="2"), partition=2)
    await shop.start()
    (letter,) = await letters(shop, 1)
    assert (letter.key, letter.value, letter.partition) == (b"k", b"{not json", 2)
    headers = headers_of(letter)
    assert dict(given).items() <= headers.items()
    assert headers[Header.DLQ_TOPIC] == shop.orders.encode()
    assert (headers[Header.DLQ_PARTITION], headers[Header.DLQ_OFFSET]) == (b"2", b"1")
    assert headers[Header.DLQ_STAGE] == shop.group.encode()
    assert headers[Header.DLQ_ERROR_CLASS] == b"InvalidMessage"
    assert headers[Header.DLQ_ERROR_CODE] == RejectCode.NOT_JSON.encode()
    assert b"JSON" in headers[Header.DLQ_ERROR_MESSAGE]
    assert headers[Header.DLQ_ATTEMPTS] == b"1"
    assert int(headers[Header.DLQ_TIMESTAMP]) > 0
    assert float(headers[Header.DLQ_FAILED_AT]) > 0
    assert await priced(shop, 2) == ["1", "2"]
    await shop.kafka.committed_all(shop.group, shop.orders)


BAD: dict[str, tuple[Sent, RejectCode]] = {
    "no value": (Sent(None, b"k"), RejectCode.NOT_JSON),
    "nothing": (Sent(b"", b"k"), RejectCode.NOT_JSON),
    "not UTF-8": (Sent(b'{"id":"\xff","amount":1}', b"k"), RejectCode.NOT_JSON),
    "two objects": (Sent(GOOD + GOOD, b"k"), RejectCode.NOT_JSON),
    "deep": (Sent(b"[" * 100_000, b"k"), RejectCode.NOT_JSON),
    "a list": (Sent(b"[" + GOOD + b"]", b"k"), RejectCode.WRONG_SCHEMA),
    "no id": (Sent(b'{"amount":1}', b"k"), RejectCode.WRONG_SCHEMA),
    "NaN": (Sent(b'{"id":"x","amount":NaN}', b"k"), RejectCode.WRONG_SCHEMA),
    "giant": (Sent(b'{"id":"x","does":"' + b"x" * 900_000 + b'"}', b"k"), RejectCode.TOO_LARGE),
    "as large as the broker takes": (
        Sent(b'{"id":"x","does":"' + b"x" * 1_048_300 + b'"}', b"k"),
        RejectCode.TOO_LARGE,
    ),
    "no key": (Sent(GOOD), RejectCode.WRONG_SCHEMA),
    "empty key": (Sent(GOOD, b""), RejectCode.WRONG_SCHEMA),
    "endless key": (Sent(GOOD, b"k" * 100_000), RejectCode.WRONG_SCHEMA),
    "binary key": (Sent(GOOD, b"\xff\xfe"), RejectCode.WRONG_SCHEMA),
    "newer schema": (Sent(GOOD, b"k", [(Header.SCHEMA_VERSION, b"99")]), RejectCode.UNKNOWN_SCHEMA_VERSION),
    "binary schema": (Sent(GOOD, b"k", [(Header.SCHEMA_VERSION, b"\xff")]), RejectCode.UNKNOWN_SCHEMA_VERSION),
    "schema in other digits": (
        Sent(GOOD, b"k", [(Header.SCHEMA_VERSION, "²".encode())]),
        RejectCode.UNKNOWN_SCHEMA_VERSION,
    ),
    "binary batch": (Sent(GOOD, b"k", [(Header.BATCH_ID, b"\xff")]), RejectCode.INVALID_VALUE),
    "endless batch": (Sent(GOOD, b"k", [(Header.BATCH_ID, b"b" * 10_000)]), RejectCode.INVALID_VALUE),
    "batch of control characters": (Sent(GOOD, b"k", [(Header.BATCH_ID, b"a\x00\nb")]), RejectCode.INVALID_VALUE),
    "garbage age": (Sent(GOOD, b"k", [(Header.INGESTED_AT, b"yesterday")]), RejectCode.INVALID_VALUE),
    "binary provider": (Sent(GOOD, b"k", [(Header.PROVIDER, b"\xff")]), RejectCode.INVALID_VALUE),
    "headers as large as the broker takes": (
        Sent(GOOD, b"k", [(Header.BATCH_ID, b"b"), (Header.TRAIL, b"x" * 1_048_000)]),
        RejectCode.TOO_LARGE,
    ),
    "too large an answer": (Sent(b'{"id":"x","does":"big"}', b"k"), RejectCode.TOO_LARGE),
    "a handler that breaks": (Sent(b'{"id":"x","does":"break"}', b"k"), RejectCode.HANDLER_ERROR),
    "a rejected item": (Sent(b'{"id":"x","does":"reject"}', b"k"), RejectCode.INVALID_VALUE),
}


async def test_no_record_stops_a_stage_or_its_neighbours(shop: Shop) -> None:
    """Behind the edge, where headers are ours: whatever they hold, it costs the record and nobody else."""
    for number, (record, _) in enumerate(BAD.values()):
        await shop.order(Order(id=str(number)), partition=0)
        await shop.kafka.send(shop.orders, [record._replace(partition=0)])
    replica = await shop.start(dead_letter_share=1)
    buried = await letters(shop, len(BAD))
    found = [headers_of(letter) for letter in buried]
    codes = {int(headers[Header.DLQ_OFFSET]) // 2: headers[Header.DLQ_ERROR_CODE].decode() for headers in found}
    assert {name: codes[n] for n, name in enumerate(BAD)} == {name: code.value for name, (_, code) in BAD.items()}
    assert await priced(shop, len(BAD)) == sorted(str(number) for number in range(len(BAD)))
    await shop.kafka.committed_all(shop.group, shop.orders)
    assert (await replica.ready())["stages"][shop.group] == {"state": "running", "reason": ""}


async def test_strange_headers_that_mean_nothing_are_no_reason_to_refuse(shop: Shop) -> None:
    strange: list[tuple[str, bytes | None]] = [("x", b"\xff\xfe"), ("x", b"twice"), ("", b""), ("nothing", None)]
    null = [(name, None) for name in (Header.SCHEMA_VERSION, Header.BATCH_ID, Header.TRACEPARENT, Header.TRAIL)]
    odd = [
        (Header.ATTEMPT, b"-7"),
        (Header.NOT_BEFORE, b"later"),
        (Header.TRAIL, b"}garbage{"),
        (Header.TRACEPARENT, b""),
    ]
    endless = [(Header.ATTEMPT, b"9" * 5000)]
    await shop.kafka.send(shop.orders, [Sent(GOOD, b"k", headers) for headers in (strange, null, odd, endless)])
    await shop.start()
    for record in await shop.kafka.read_until(shop.priced, 4):
        assert headers_of(record)[Header.ATTEMPT] == b"1"
        assert headers_of(record)[Header.BATCH_ID].startswith(b"rolling-")


async def test_a_record_that_the_client_library_cannot_read_stops_its_partition_and_no_other(shop: Shop) -> None:
    """A header name that is not UTF-8 fails the whole fetch, with what it had taken from other partitions."""
    for partition in range(shop.partitions):
        await shop.order(*(Order(id=f"{partition}-{n}") for n in range(50)), partition=partition)
    await shop.kafka.send_unreadable(shop.orders, partition=1)
    replica = await shop.start()

    async def named() -> bool:
        return f"partition 1 of {shop.orders} cannot be read: UnicodeDecodeError" in replica.log()

    await eventually(named, "the log names the place")
    for partition in range(shop.partitions):
        await shop.order(*(Order(id=f"{partition}-{n}") for n in range(50, 100)), partition=partition)
    expected = {f"{partition}-{n}" for partition in (0, 2, 3) for n in range(100)}
    assert set(await priced(shop, len(expected))) == expected
    assert 1 not in await shop.kafka.committed(shop.group, shop.orders)
