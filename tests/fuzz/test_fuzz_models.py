"""What language models and their vendors send: read without trust, and never more than an answer or a VendorError."""

import asyncio
import json
import math
import random
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import httpx2
import pytest
from hypothesis import strategies as st

from services.classification.prompts.facets import TIME_PROMPT
from shared.llm.calling import Caller, Item
from shared.llm.calls import CallOutcome, Completion, Tokens, VendorError
from shared.llm.pricing import Prices
from shared.llm.reading import read_answers
from shared.llm.rendering import item_ids, parse_items, render_item, render_items
from shared.llm.vendors.announcing import anthropic_limits, openai_limits, retry_after, seconds
from shared.llm.vendors.answering import only_json
from shared.llm.vendors.base import HttpVendor, answer_of
from tests.fuzz.cases import fuzz
from tests.fuzz.material import Maker, damaged, drawn, json_like, junk, many, text, words
from tests.unit.llm.scripted import LENGTH, OpenDoor, QuickClock, ScriptedVendor, Verdict, Word, accept
from tests.unit.llm.vendor_cases import request, vendor_at
from tests.unit.llm.wire import KEY, anthropic_error, chat, gemini_error, message, openai_error

WORDS = ("a", "bb", "ccc")
RIGHT = {"answers": [{"id": f"m{number}", "letters": number} for number in (1, 2, 3)]}
DECADE = 10 * 366 * 86_400.0
FINISHES = (CallOutcome.OK, CallOutcome.TRUNCATED, CallOutcome.REFUSED)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


AROUND = (("", ""), ("", ""), ("Sure!\n```json\n", "\n```"), ("{", "}"), ("", "}"))


def answer(document: Any) -> Maker[str]:
    made = json_like(document)

    def make(r: Random) -> str:
        before, after = r.choice(AROUND)
        return before + made(r).decode(errors="replace") + after

    return make


@fuzz("LLM answers", text=drawn(answer(RIGHT)), cut=st.booleans())
def test_an_answer_gives_only_replies_that_were_accepted(text: str, cut: bool) -> None:
    seen: dict[str, object] = {}
    read = read_answers(text, ["m1", "m2", "m3"], Verdict, seen.__setitem__, cut=cut)
    assert set(read.replies) | set(read.problems) == {"m1", "m2", "m3"}
    assert not set(read.replies) & set(read.problems)
    assert all(seen[item_id] is reply for item_id, reply in read.replies.items())
    assert len(read.complaint()) < 20_000


@fuzz(
    "LLM answers: a stage's",
    text=drawn(
        answer(
            {
                "answers": [
                    {
                        "id": "m1",
                        "reporting_frequency": "monthly",
                        "time_basis": "per-period",
                        "confidence": 0.9,
                        "reasoning": "x",
                    }
                ]
            }
        )
    ),
)
def test_replies_to_a_stage_are_read(text: str) -> None:
    read = read_answers(text, ["m1"], TIME_PROMPT.reply, lambda *_: None, cut=False)
    for reply in read.replies.values():
        assert "\0" not in reply.model_dump_json()
        assert type(reply).model_validate_json(reply.model_dump_json()) == reply


@fuzz("LLM answers: conversations", said=drawn(many(lambda r: (answer(RIGHT)(r), r.choice(FINISHES)), 4, 1)))
def test_every_item_is_settled_after_few_calls(runner: asyncio.Runner, said: list[tuple[str, CallOutcome]]) -> None:
    vendor = ScriptedVendor(always=lambda _: Completion(*said[-1], Tokens(100, output=5), "parrot-1"))
    vendor.lines = [partial(_say, text, finish) for text, finish in said]
    caller = Caller(
        vendor, OpenDoor(), Prices(), LENGTH, attempts=3, timeout_seconds=5, clock=QuickClock(), jitter=random.Random(1)
    )
    words = [Word(text=text) for text in WORDS]
    items = [Item(word.text.encode(), {"text": word.text}, partial(accept, word)) for word in words]
    runner.run(caller.solve(items))
    assert all(item.settled for item in items)
    assert len(vendor.requests) < 30
    for word, item in zip(words, items, strict=True):
        assert item.reply is None or item.reply == Verdict(letters=len(word.text)), "no misjoin"


def _say(text: str, finish: CallOutcome, _: object) -> Completion:
    return Completion(text, finish, Tokens(input=100, output=5), "parrot-1")


@fuzz("LLM questions", facts=drawn(lambda r: {text(r): junk(r) for _ in range(r.randint(0, 4))}))
def test_nothing_in_an_item_leaves_its_fence(facts: dict[str, Any]) -> None:
    try:
        json.dumps(facts, allow_nan=False)
    except ValueError:
        return  # no fact is a NaN
    facts.pop("id", None)
    ids = item_ids(2)
    parsed = parse_items(render_items([render_item(item_id, facts) for item_id in ids]))
    assert [item_id for item_id, _ in parsed] == ids


USAGE = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 20, "prompt_tokens_details": {"cached_tokens": 3}}
BODIES = (
    chat(usage=USAGE), chat("", finish="length"), chat(None, finish="content_filter", refusal="no"),
    message(usage={"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 4}),
    message(text="Well: {}", stop="end_turn"),
    openai_error("Rate limit", code="rate_limit_exceeded", param="temperature"),
    openai_error("response_format json_schema is not supported"),
    anthropic_error("overloaded", kind="overloaded_error"),
    gemini_error("quota", code=429, status="RESOURCE_EXHAUSTED", details=[
        {"@type": "x", "retryDelay": "13.5s"}, {"violations": [{"quotaId": "GenerateRequestsPerDay"}]}
    ]),
)  # fmt: skip
HEADER_NAMES = (
    "retry-after", "retry-after-ms", "date", "x-request-id", "request-id", "content-type", "content-encoding",
    *(f"x-ratelimit-{what}-{kind}" for what in ("limit", "remaining", "reset") for kind in ("requests", "tokens")),
    *(f"anthropic-ratelimit-{kind}-{what}" for what in ("limit", "remaining", "reset")
      for kind in ("requests", "tokens", "input-tokens", "output-tokens")),
)  # fmt: skip
header_value = words(
    ["6m0s", "12ms", "1.5", "0", "60", "1e300", "-1", "nan", "2026-11-22T00:00:00Z", "9999-12-31T23:59:59-23:59",
     "0001-01-01T00:00:00+23:59", "Wed, 21 Oct 2026 07:28:00 GMT", "Mon, 01 Jan 99999999999 00:00:00 GMT",
     "Mon, 01 Jan 2020 00:00:00 +99999999999999999999", "9" * 400 + "h"],
    "0123456789hmsuµn.:-+TZ ,",
)  # fmt: skip


def headers(r: Random) -> dict[str, str]:
    return {r.choice(HEADER_NAMES): header_value(r) for _ in range(r.randint(0, 6))}


STATUSES = [200, 200, 200, 201, 204, 301, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503, 529]


def _sensible(*values: float | None) -> None:
    """Numbers that the database can count with."""
    for value in values:
        assert value is None or (math.isfinite(value) and 0 <= value <= 1e15), value


@fuzz(
    "vendors: headers",
    given=drawn(headers),
    taken=st.one_of(st.none(), st.builds(Tokens, *[st.integers(0, 10**6)] * 4)),
)
def test_headers_announce_numbers_or_nothing(given: dict[str, str], taken: Tokens | None) -> None:
    now = 1_780_000_000.0
    for told in (openai_limits(given), anthropic_limits(given, taken, now)):
        _sensible(told.requests_limit, told.requests_remaining, told.requests_reset)
        _sensible(told.tokens_limit, told.tokens_remaining, told.tokens_reset)
    for wait in (retry_after(given, now), *map(seconds, given.values())):
        assert wait is None or 0 <= wait <= DECADE


@pytest.fixture(scope="module")
def vendors(runner: asyncio.Runner) -> Iterator[dict[str, HttpVendor]]:
    made = {name: vendor_at("http://127.0.0.1:1", name) for name in ("openai", "anthropic", "google", "local")}
    yield made
    for vendor in made.values():
        runner.run(vendor.close())


@fuzz(
    "vendors: responses",
    name=st.sampled_from(["openai", "anthropic", "google", "local"]),
    status=st.sampled_from(STATUSES),
    given=drawn(headers),
    body=drawn(lambda r: json_like(*BODIES)(r) if r.random() < 0.9 else damaged(b"<html>Bad gateway</html>", r)),
)
def test_a_response_is_a_completion_or_a_vendor_error(
    runner: asyncio.Runner, vendors: dict[str, HttpVendor], name: str, status: int, given: dict[str, str], body: bytes
) -> None:
    vendor = vendors[name]
    raw = {key.encode(): value.encode("utf-8", "replace") for key, value in given.items() if key != "content-encoding"}
    response = httpx2.Response(status, headers=raw, content=body)

    async def posted(*_: object) -> object:
        return answer_of(response)

    setattr(vendor, "_post", posted)  # noqa: B010 -- in place of the network
    vendor._refused.clear()
    try:
        found = runner.run(vendor.complete(request()))
    except VendorError as error:
        assert KEY not in str(error)
        assert len(str(error)) < 1_000
        assert error.retry_after is None or 0 <= error.retry_after <= DECADE
        return
    found.text.encode()
    found.model.encode()
    found.request_id.encode()
    assert min(found.tokens.input, found.tokens.output, found.tokens.cached, found.tokens.cache_written) >= 0
    read_answers(found.text, ["m1"], Verdict, lambda *_: None, cut=False)


@fuzz(
    "vendors: JSON in prose", text=drawn(lambda r: answer(RIGHT)(r) if r.random() < 0.7 else "".join(many(text, 6)(r)))
)
def test_json_is_found_in_prose(text: str) -> None:
    found = only_json(text)
    assert found in text
    if found != text:
        json.loads(found)
