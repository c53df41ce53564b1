"""What vendors answer: texts, how they end, what they took, what they announce."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.calls import Announced, CallOutcome, Completion, Tokens, VendorError
from shared.llm.vendors.answering import HttpAnswer
from shared.llm.vendors.failing import complaint
from tests.unit.llm.vendor_cases import request, vendor_at
from tests.unit.llm.wire import ANSWER, Scripted, VendorServer, chat, message, openai_error


async def completion(server: VendorServer, provider: str, body: Any, **headers: str) -> Completion:
    vendor = vendor_at(server.url, provider)
    server.play(Scripted(body=body, headers={name.replace("_", "-"): value for name, value in headers.items()}))
    try:
        return await vendor.complete(request())
    finally:
        await vendor.close()


OPENAI_USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 80,
    "total_tokens": 1280,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
ANTHROPIC_USAGE = {
    "input_tokens": 100,
    "cache_creation_input_tokens": 20,
    "cache_read_input_tokens": 900,
    "output_tokens": 55,
}


async def test_an_answer_of_openai(server: VendorServer) -> None:
    got = await completion(server, "openai", chat(usage=OPENAI_USAGE), x_request_id="req_7")

    assert (got.text, got.finish) == (ANSWER, CallOutcome.OK)
    assert got.tokens == Tokens(input=1200, cached=1024, output=80)
    assert (got.model, got.request_id) == ("gpt-4o-mini-2024-07-18", "req_7")


async def test_an_answer_of_anthropic_counts_the_cache_as_input(server: VendorServer) -> None:
    got = await completion(server, "anthropic", message(usage=ANTHROPIC_USAGE), request_id="req_8")

    assert (json.loads(got.text), got.finish) == (json.loads(ANSWER), CallOutcome.OK)
    assert got.tokens == Tokens(input=1020, cached=900, cache_written=20, output=55)
    assert (got.model, got.request_id) == ("claude-haiku-4-5-20251001", "req_8")


async def test_thoughts_of_gemini_are_counted_as_output(server: VendorServer) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 190}

    assert (await completion(server, "google", chat(usage=usage))).tokens == Tokens(input=100, output=90)


@pytest.mark.parametrize("provider", ["openai", "local", "google"])
@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0}, {"prompt_tokens": "many"}, {"prompt_tokens": 5e9}])
async def test_tokens_are_estimated_where_no_usage_is_told(server: VendorServer, provider: str, usage: Any) -> None:
    got = await completion(server, provider, chat(usage=usage))

    asked = request()
    assert got.tokens == Tokens(
        input=-(-(len(asked.instructions) + len(asked.items)) // 4), output=-(-len(ANSWER) // 4)
    )


async def test_tokens_of_anthropic_are_estimated_where_no_usage_is_told(server: VendorServer) -> None:
    assert (await completion(server, "anthropic", message())).tokens.output == -(-len(ANSWER) // 4)


@pytest.mark.parametrize(
    ("provider", "body", "finish", "text"),
    [
        ("openai", chat('{"answers":[{"id', finish="length"), CallOutcome.TRUNCATED, '{"answers":[{"id'),
        ("local", chat('so: {"a":1} {"answers":', finish="length"), CallOutcome.TRUNCATED, 'so: {"a":1} {"answers":'),
        ("openai", chat(None, refusal="I can't help with that."), CallOutcome.REFUSED, "I can't help with that."),
        ("openai", chat("", finish="content_filter"), CallOutcome.REFUSED, ""),
        ("google", chat(None, finish="content_filter"), CallOutcome.REFUSED, ""),
        ("openai", chat(None), CallOutcome.OK, ""),
        ("local", chat(f"Sure!\n{ANSWER}"), CallOutcome.OK, ANSWER),
        ("local", chat("I would rather not."), CallOutcome.OK, "I would rather not."),
        ("anthropic", message(stop="max_tokens"), CallOutcome.TRUNCATED, ANSWER),
        ("anthropic", message(stop="model_context_window_exceeded"), CallOutcome.TRUNCATED, ANSWER),
        ("anthropic", message(stop="refusal", text="No."), CallOutcome.REFUSED, "No."),
        ("anthropic", message(stop="end_turn", text=f"Here: {ANSWER}"), CallOutcome.OK, ANSWER),
    ],
)
async def test_how_an_answer_ends(
    server: VendorServer, provider: str, body: Any, finish: CallOutcome, text: str
) -> None:
    got = await completion(server, provider, body)

    assert (got.finish, got.text) == (finish, text)


async def test_a_prompt_stopped_by_the_filter_is_a_refusal(server: VendorServer) -> None:
    vendor = vendor_at(server.url, "openai")
    server.play(Scripted(400, openai_error("The response was filtered", code="content_filter")))

    got = await vendor.complete(request())
    await vendor.close()

    assert (got.finish, got.tokens) == (CallOutcome.REFUSED, Tokens())


async def test_openai_announces_its_limits(server: VendorServer) -> None:
    got = await completion(
        server,
        "openai",
        chat(usage=OPENAI_USAGE),
        x_ratelimit_limit_requests="5000",
        x_ratelimit_remaining_requests="4999",
        x_ratelimit_reset_requests="12ms",
        x_ratelimit_limit_tokens="4000000",
        x_ratelimit_remaining_tokens="3999000",
        x_ratelimit_reset_tokens="6m1.5s",
    )

    assert got.announced == Announced(5000, 4999, 0.012, 4_000_000, 3_999_000, 361.5)


async def test_anthropic_announces_the_tighter_of_its_limits_as_a_total(server: VendorServer) -> None:
    """Of 165 tokens, 110 are input and 55 output: a limit on output lets three times as many through."""
    usage = {"input_tokens": 110, "output_tokens": 55}
    got = await completion(
        server,
        "anthropic",
        message(usage=usage),
        date="Sun, 22 Nov 2026 10:00:00 GMT",
        anthropic_ratelimit_requests_limit="1000",
        anthropic_ratelimit_requests_remaining="998",
        anthropic_ratelimit_requests_reset="2026-11-22T10:00:01Z",
        anthropic_ratelimit_tokens_limit="480000",
        anthropic_ratelimit_tokens_remaining="470000",
        anthropic_ratelimit_tokens_reset="2026-11-22T10:00:09Z",
        anthropic_ratelimit_input_tokens_limit="400000",
        anthropic_ratelimit_input_tokens_remaining="399000",
        anthropic_ratelimit_input_tokens_reset="2026-11-22T10:00:02Z",
        anthropic_ratelimit_output_tokens_limit="80000",
        anthropic_ratelimit_output_tokens_remaining="40000",
        anthropic_ratelimit_output_tokens_reset="2026-11-22T10:00:30+00:00",
    )

    assert got.announced == Announced(1000, 998, 1, 240_000, 120_000, 30)


async def test_cached_input_does_not_count_against_anthropics_limit(server: VendorServer) -> None:
    """Of 1,075 tokens, 120 count as input: a limit on input lets nine times as many through."""
    limit = {"anthropic-ratelimit-input-tokens-limit": "120000"}

    got = await completion(server, "anthropic", message(usage=ANTHROPIC_USAGE), **limit)

    assert got.announced.tokens_limit == 1_075_000


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_headers_that_make_no_sense_announce_nothing(server: VendorServer, provider: str) -> None:
    names = ("limit-requests", "remaining-requests", "reset-requests", "limit-tokens", "reset-tokens")
    openai = {f"x-ratelimit-{name}": "soon" for name in names}
    kinds = ("requests-limit", "tokens-remaining", "input-tokens-reset", "output-tokens-limit")
    anthropic = {f"anthropic-ratelimit-{kind}": "nan" for kind in kinds}
    body = message() if provider == "anthropic" else chat()

    got = await completion(server, provider, body, **openai, **anthropic)

    assert got.announced == Announced()


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_as_many_calls_as_configured_are_in_flight_at_once(server: VendorServer, provider: str) -> None:
    vendor = vendor_at(server.url, provider, SLUICE_LLM_CONCURRENCY="120")
    server.play(Scripted(body=message() if provider == "anthropic" else chat(), silent=True))

    calls = [asyncio.create_task(vendor.complete(request())) for _ in range(120)]
    await server.count(120)
    server.release()

    assert {call.text for call in await asyncio.gather(*calls)} == {ANSWER}
    await vendor.close()


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_half_a_character_is_replaced(server: VendorServer, provider: str) -> None:
    """JSON can spell it, but it can be neither stored nor sent back with a complaint."""
    body = message({"note": "\ud83d"}) if provider == "anthropic" else chat("caf\u00e9 \ud83d")

    text = (await completion(server, provider, body)).text

    assert text.encode()
    assert "?" in text


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["choices", "message", "content", "refusal", "usage", "prompt_tokens", "input_tokens", "error", "code",
             "details", "violations", "quotaId", "retryDelay", "type", "input", "text", "stop_reason", "id"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
VENDORS = {name: vendor_at("http://127.0.0.1:9", name) for name in ("openai", "anthropic", "local")}


@given(provider=st.sampled_from(sorted(VENDORS)), status=st.integers(200, 599), body=JSON)
def test_whatever_a_server_sends_is_an_answer_or_a_failure(provider: str, status: int, body: Any) -> None:
    vendor, asked = VENDORS[provider], request()
    answer = HttpAnswer(status, {}, json.dumps(body))

    try:
        got = vendor._read(asked, answer)
    except VendorError as error:
        assert error.outcome is CallOutcome.SERVER_ERROR
    else:
        assert got.text.encode() is not None
        assert got.tokens.input >= got.tokens.cached + got.tokens.cache_written
    failure = vendor._failure(asked, answer, complaint(answer))
    assert len(str(failure)) < 400
