"""Calls without a completion: what they mean, how long to wait, and that no key and no item is told."""

import asyncio
import logging
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from openai import APITimeoutError

from shared.errors import UsageError
from shared.llm.calls import CallOutcome, VendorError
from shared.llm.vendors import make_vendor
from shared.settings import Settings
from tests.unit.llm.vendor_cases import request, vendor_at
from tests.unit.llm.wire import (
    KEY,
    Scripted,
    VendorServer,
    anthropic_error,
    chat,
    gemini_error,
    message,
    openai_error,
)

ALL = ["openai", "anthropic", "google", "local"]


async def failure(server: VendorServer, provider: str, *script: Scripted, timeout: float = 30.0) -> VendorError:
    vendor = vendor_at(server.url, provider)
    server.play(*script)
    try:
        with pytest.raises(VendorError) as caught:
            await vendor.complete(request(timeout=timeout))
    finally:
        await vendor.close()
    return caught.value


def gemini_limit(quota: str) -> Any:
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17.5s"},
    ]
    text = "You exceeded your current quota, please check your plan and billing details."
    return gemini_error(text, code=429, status="RESOURCE_EXHAUSTED", details=details)


@pytest.mark.parametrize(
    ("provider", "status", "body", "outcome"),
    [
        ("openai", 429, openai_error("Rate limit reached for gpt-4o-mini", code="rate_limit_exceeded"), "rate-limited"),
        ("openai", 429, openai_error("You exceeded your current quota", code="insufficient_quota"), "out-of-quota"),
        ("openai", 429, openai_error("x", kind="insufficient_quota"), "out-of-quota"),
        ("openai", 400, openai_error("Billing hard limit", code="billing_hard_limit_reached"), "out-of-quota"),
        ("openai", 401, openai_error("Incorrect API key provided", code="invalid_api_key"), "unauthorized"),
        ("openai", 403, openai_error("Country not supported", code="unsupported_country"), "unauthorized"),
        ("openai", 404, openai_error("The model `x` does not exist", code="model_not_found"), "not-found"),
        ("openai", 400, openai_error("Invalid schema for response_format 'colour'"), "bad-request"),
        ("openai", 413, openai_error("too long"), "bad-request"),
        ("openai", 408, b"", "server-error"),
        ("openai", 409, b"", "server-error"),
        ("openai", 500, openai_error("The server had an error", kind="server_error"), "server-error"),
        ("openai", 503, b"<html>upstream</html>", "server-error"),
        ("openai", 308, b"", "not-found"),
        ("anthropic", 429, anthropic_error("would exceed your rate limit", kind="rate_limit_error"), "rate-limited"),
        (
            "anthropic",
            400,
            anthropic_error("Your credit balance is too low", kind="invalid_request_error"),
            "out-of-quota",
        ),
        ("anthropic", 402, anthropic_error("no money", kind="billing_error"), "out-of-quota"),
        ("anthropic", 401, anthropic_error("invalid x-api-key", kind="authentication_error"), "unauthorized"),
        ("anthropic", 403, anthropic_error("not allowed", kind="permission_error"), "unauthorized"),
        ("anthropic", 404, anthropic_error("model: claude-9", kind="not_found_error"), "not-found"),
        ("anthropic", 400, anthropic_error("max_tokens: too many", kind="invalid_request_error"), "bad-request"),
        ("anthropic", 413, anthropic_error("too large", kind="request_too_large"), "bad-request"),
        ("anthropic", 500, anthropic_error("internal", kind="api_error"), "server-error"),
        ("anthropic", 529, anthropic_error("Overloaded", kind="overloaded_error"), "server-error"),
        ("google", 429, gemini_limit("GenerateRequestsPerMinutePerProjectPerModel"), "rate-limited"),
        ("google", 429, gemini_limit("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), "out-of-quota"),
        ("google", 400, gemini_error("API key not valid.", code=400, status="INVALID_ARGUMENT"), "unauthorized"),
        ("google", 503, gemini_error("overloaded", code=503, status="UNAVAILABLE"), "server-error"),
        ("local", 400, {"error": "No models loaded. Please load a model"}, "not-found"),
        ("local", 404, {"error": "model 'x' not found"}, "not-found"),
        ("local", 500, {"error": {"code": 500, "message": "slot unavailable"}}, "server-error"),
    ],
)
async def test_what_an_error_means(server: VendorServer, provider: str, status: int, body: Any, outcome: str) -> None:
    error = await failure(server, provider, Scripted(status, body, {"x-request-id": "req_9"}))

    assert (error.outcome, error.status, error.request_id) == (CallOutcome(outcome), status, "req_9")
    assert str(error).startswith(f"{provider} answered {status}")
    assert len(server.asked) == 1, "the SDK must not try again on its own"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "20"}, 20),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "99999999999999"}, 86_400),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 30),
        ({"retry-after": "Sun, 22 Nov 2026 09:59:00 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 0),
        ({"retry-after": "later"}, None),
        ({"retry-after": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 2020 00:00:00 +99999999999999999999"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_how_long_to_wait(
    server: VendorServer, provider: str, headers: Mapping[str, str], seconds: float | None
) -> None:
    error = await failure(server, provider, Scripted(429, {}, headers))

    assert (error.outcome, error.retry_after) == (CallOutcome.RATE_LIMITED, seconds)


async def test_gemini_says_in_the_body_how_long_to_wait(server: VendorServer) -> None:
    error = await failure(server, "google", Scripted(429, gemini_limit("GenerateRequestsPerMinute")))

    assert error.retry_after == 17.5


async def test_limits_are_announced_with_errors_too(server: VendorServer) -> None:
    openai = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0"}
    anthropic = {"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-input-tokens-remaining": "0"}

    assert (await failure(server, "openai", Scripted(429, {}, openai))).announced.requests_limit == 60
    announced = (await failure(server, "anthropic", Scripted(429, {}, anthropic))).announced
    assert (announced.requests_limit, announced.tokens_remaining) == (50, 0)


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize(
    "body",
    [
        b"<html>proxy</html>",
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"choices":[],"content":3}',
        b'{"choices":["x"]',
        b"[" * 5000,
    ],
)
async def test_a_body_that_is_no_answer_is_the_servers_error(server: VendorServer, provider: str, body: bytes) -> None:
    error = await failure(server, provider, Scripted(200, body))

    assert error.outcome is CallOutcome.SERVER_ERROR


async def test_an_error_sent_as_success_is_an_error(server: VendorServer) -> None:
    error = await failure(server, "local", Scripted(200, {"error": {"message": "model crashed"}}))

    assert error.outcome is CallOutcome.SERVER_ERROR
    assert "model crashed" in str(error)


async def test_success_may_say_that_there_was_no_error(server: VendorServer) -> None:
    vendor = vendor_at(server.url, "local")
    server.play(Scripted(body=chat() | {"error": None}))

    assert (await vendor.complete(request())).finish is CallOutcome.OK
    await vendor.close()


@pytest.mark.parametrize("provider", ALL)
async def test_silence_is_a_timeout(server: VendorServer, provider: str) -> None:
    error = await failure(server, provider, Scripted(silent=True), timeout=0.2)

    assert error.outcome is CallOutcome.TIMEOUT
    assert server.asked


@pytest.mark.parametrize("provider", ALL)
async def test_a_closed_port_is_unreachable(provider: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    vendor = vendor_at(f"http://127.0.0.1:{port}", provider)

    with pytest.raises(VendorError, match=f"no connection to {provider} at 127.0.0.1:{port}") as caught:
        await vendor.complete(request())
    await vendor.close()

    assert caught.value.outcome is CallOutcome.UNREACHABLE


async def test_a_connection_that_breaks_off_is_unreachable() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listener:
        vendor = vendor_at(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", "openai")
        with pytest.raises(VendorError) as caught:
            await vendor.complete(request())
        await vendor.close()

    assert caught.value.outcome is CallOutcome.UNREACHABLE


async def test_a_connection_that_is_never_made_is_unreachable() -> None:
    vendor = vendor_at("http://127.0.0.1:9", "openai")
    sent = httpx2.Request("POST", "http://127.0.0.1:9")
    never, late = APITimeoutError(sent), APITimeoutError(sent)
    never.__cause__, late.__cause__ = httpx2.ConnectTimeout("x"), httpx2.ReadTimeout("x")

    assert vendor._lost(never).outcome is CallOutcome.UNREACHABLE
    assert vendor._lost(late).outcome is CallOutcome.TIMEOUT
    await vendor.close()


@pytest.mark.parametrize("provider", ALL)
async def test_a_redirect_is_not_followed(server: VendorServer, provider: str) -> None:
    elsewhere = Scripted(307, b"", {"location": f"{server.url}/elsewhere"})
    good = Scripted(body=message() if provider == "anthropic" else chat())

    error = await failure(server, provider, elsewhere, good)

    assert error.outcome is CallOutcome.NOT_FOUND
    assert len(server.asked) == 1, "the key would go with it"


async def test_a_cancelled_call_stays_cancelled(server: VendorServer) -> None:
    vendor = vendor_at(server.url, "openai")
    server.play(Scripted(silent=True))
    call = asyncio.create_task(vendor.complete(request()))
    await server.count(1)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await vendor.close()


MASKED = f"Incorrect API key provided: {KEY[:8]}********{KEY[-4:]}. You can find your API key at the site."


@pytest.mark.parametrize("provider", ALL)
async def test_a_key_is_told_nowhere(server: VendorServer, caplog: pytest.LogCaptureFixture, provider: str) -> None:
    vendor = vendor_at(server.url, provider)
    for status in (400, 401, 500):
        for text in (f"the key {KEY} is wrong", MASKED, f"Bearer {KEY}", f"{KEY[4:20]} {KEY[-8:]}"):
            body = anthropic_error(text, kind="x") if provider == "anthropic" else openai_error(text, code=KEY)
            server.play(Scripted(status, body))
            with caplog.at_level(logging.DEBUG), pytest.raises(VendorError) as caught:
                await vendor.complete(request())
            error = caught.value

            told = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error)) + caplog.text
            assert not [piece for piece in (KEY, KEY[8:16], KEY[-4:]) if piece in told.replace(__file__, "")]
            assert error.__context__ is None, "an error of the SDK would hold what was sent"
    await vendor.close()


@pytest.mark.parametrize("provider", ALL)
async def test_a_vendor_shows_neither_its_key_nor_the_password_of_its_address(
    server: VendorServer, caplog: pytest.LogCaptureFixture, provider: str
) -> None:
    vendor = vendor_at(server.url.replace("http://", "http://me:hunter2@"), provider)
    server.play(Scripted(body=message() if provider == "anthropic" else chat()), Scripted(500, {}))
    with caplog.at_level(logging.DEBUG):
        await vendor.complete(request())
        with pytest.raises(VendorError) as caught:
            await vendor.complete(request())
    await vendor.close()

    told = repr(vendor) + repr(vendor.endpoint) + str(caught.value) + caplog.text
    assert KEY not in told
    assert "hunter2" not in told


@pytest.mark.parametrize("provider", ALL)
async def test_a_piece_of_the_prompt_in_an_error_is_not_passed_on(server: VendorServer, provider: str) -> None:
    text = 'cannot read: {"id":"m1","name":"Some Secret Indicator Name"}'
    body = anthropic_error(text, kind="x") if provider == "anthropic" else openai_error(text)

    error = await failure(server, provider, Scripted(500, body))

    assert "Secret" not in str(error)


async def test_a_long_error_is_cut_to_one_line(server: VendorServer) -> None:
    error = await failure(server, "local", Scripted(500, b"<html>\n" + b"no upstream \n" * 999))

    assert "\n" not in str(error)
    assert len(str(error)) < 300


async def test_a_key_that_no_header_can_carry_is_refused_at_the_start() -> None:
    with pytest.raises(UsageError, match="key of provider 'openai'") as caught:
        make_vendor("openai", Settings.load({"OPENAI_API_KEY": "sk-tru\u2026ncated"}).llm)

    assert "tru" not in str(caught.value)


async def test_a_vendor_without_a_key_is_refused_at_the_start() -> None:
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY"):
        make_vendor("anthropic", Settings.load({}).llm)


async def test_a_call_that_cannot_be_written_down_is_a_bad_request(server: VendorServer) -> None:
    vendor = vendor_at(server.url, "openai")

    with pytest.raises(VendorError) as caught:
        await vendor.complete(request(rejected=("\ud83d", "no")))
    await vendor.close()

    assert caught.value.outcome is CallOutcome.BAD_REQUEST


def test_what_is_not_used_is_not_loaded() -> None:
    program = """
import sys
import shared.llm.pricing, shared.llm.vendors, shared.settings
from shared.settings import Settings

heavy = {"openai", "anthropic", "httpx2", "genai_prices"}
print(sorted(heavy & set(sys.modules)))
shared.llm.pricing.Prices.load().cost("local", "any", shared.llm.pricing.Tokens(input=1))
shared.llm.vendors.make_vendor("local", Settings.load({"LM_STUDIO_MODEL": "any"}).llm)
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[]", "['httpx2', 'openai']"]
