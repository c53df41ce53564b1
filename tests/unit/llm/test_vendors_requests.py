"""What vendors are sent: the exact bodies, in each wire format."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from shared.llm.calls import CallOutcome
from shared.llm.vendors import dialects
from tests.unit.llm.vendor_cases import request, vendor_at
from tests.unit.llm.wire import ANSWER, KEY, Scripted, VendorServer, chat, message, openai_error

WIRES = ["openai", "anthropic", "google", "local"]


def good(provider: str) -> Scripted:
    return Scripted(body=message() if provider == "anthropic" else chat())


async def ask(server: VendorServer, provider: str, *requests: Any, **variables: str) -> list[dict[str, Any]]:
    """The bodies of calls that went well."""
    vendor = vendor_at(server.url, provider, **variables)
    server.play(good(provider))
    for asked in requests or (request(),):
        assert (await vendor.complete(asked)).finish is CallOutcome.OK
    await vendor.close()
    return [asked.body for asked in server.asked]


async def test_openai_is_asked_with_a_strict_schema(server: VendorServer) -> None:
    asked = request()

    [body] = await ask(server, "openai", asked)

    assert server.asked[0].path == "/v1/chat/completions"
    assert body == {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": asked.instructions},
            {"role": "user", "content": asked.items},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "colour", "schema": dialects.openai_strict(asked.schema), "strict": True},
        },
        "max_completion_tokens": 123,
        "prompt_cache_key": "colour",
        "temperature": 0.2,
    }


async def test_anthropic_is_asked_to_use_a_tool_and_to_cache_the_instructions(server: VendorServer) -> None:
    asked = request()

    [body] = await ask(server, "anthropic", asked)

    assert server.asked[0].path == "/v1/messages"
    assert body == {
        "model": "claude-haiku-4-5",
        "max_tokens": 123,
        "temperature": 0.2,
        "system": [{"type": "text", "text": asked.instructions, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": asked.items}],
        "tools": [
            {"name": "colour", "description": "Hand in the answers.", "input_schema": dialects.plain(asked.schema)}
        ],
        "tool_choice": {"type": "tool", "name": "colour", "disable_parallel_tool_use": True},
    }


async def test_google_is_asked_in_its_dialect_and_not_to_think(server: VendorServer) -> None:
    asked = request()

    [body] = await ask(server, "google", asked)

    assert server.asked[0].path == "/v1beta/openai/chat/completions"
    assert body["response_format"]["json_schema"]["schema"] == dialects.gemini(asked.schema)
    assert (body["max_tokens"], body["reasoning_effort"], body["model"]) == (123, "none", "gemini-2.5-flash")


async def test_a_local_server_is_asked_with_a_bounded_schema(server: VendorServer) -> None:
    asked = request()

    [body] = await ask(server, "local", asked, SLUICE_LOCAL_MODEL="own", SLUICE_LLM_TEMPERATURE="0")

    assert body["response_format"]["json_schema"]["schema"] == dialects.local(asked.schema)
    assert (body["max_tokens"], body["temperature"], body["model"]) == (123, 0.0, "own")


@pytest.mark.parametrize("provider", WIRES)
async def test_the_static_part_is_the_same_in_every_call_and_comes_first(server: VendorServer, provider: str) -> None:
    await ask(server, provider, request("GDP", "CPI"), request("Balance of Trade", "Wages of <all>"))

    first, second = (asked.raw.decode() for asked in server.asked)
    common = next(place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
    assert "Say the colour of each thing." in first[:common]
    assert first[common:].startswith("GDP"), "the facts are the first thing that differs"
    first, second = (json.dumps([asked.body.get("tools"), asked.body.get("response_format")]) for asked in server.asked)
    assert first == second, "some vendors cache these too, wherever they stand in the body"


@pytest.mark.parametrize("provider", WIRES)
async def test_the_key_is_in_one_header_and_nowhere_else(server: VendorServer, provider: str) -> None:
    await ask(server, provider)

    [asked] = server.asked
    assert KEY not in asked.raw.decode()
    assert [name for name, value in asked.headers.items() if KEY in value] == ["authorization"]


async def test_a_local_server_never_gets_the_key_of_another_vendor(
    server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, KEY)
    vendor = vendor_at(server.url, "local", SLUICE_LOCAL_API_KEY="")
    server.play(Scripted(body=chat()))

    await vendor.complete(request())
    await vendor.close()

    assert KEY not in str(server.asked[0].headers)


@pytest.mark.parametrize("provider", WIRES)
async def test_what_was_wrong_with_the_last_answer_is_said_after_it(server: VendorServer, provider: str) -> None:
    [body] = await ask(server, provider, request(rejected=(ANSWER, "m1: green is no colour")))

    assert body["messages"][-2:] == [
        {"role": "assistant", "content": ANSWER},
        {"role": "user", "content": "m1: green is no colour"},
    ]


async def test_an_empty_answer_can_be_rejected_at_anthropic(server: VendorServer) -> None:
    [body] = await ask(server, "anthropic", request(rejected=("", "there was nothing")))

    assert body["messages"][-2] == {"role": "assistant", "content": "(nothing)"}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_a_name_that_vendors_do_not_allow_is_changed(server: VendorServer, provider: str) -> None:
    [body] = await ask(server, provider, replace(request(), question="boolean review: über"))

    name = body["tools"][0]["name"] if provider == "anthropic" else body["response_format"]["json_schema"]["name"]
    assert name == "boolean_review___ber"


@pytest.mark.parametrize("model", ["o3-mini", "gpt-5-mini"])
async def test_reasoning_models_get_no_temperature(server: VendorServer, model: str) -> None:
    [body] = await ask(server, "openai", OPENAI_MODEL=model)

    assert "temperature" not in body
    assert body["reasoning_effort"] == "low"


async def test_a_parameter_that_the_model_refuses_is_left_out_from_then_on(server: VendorServer) -> None:
    vendor = vendor_at(server.url, "openai")
    unsupported = "Unsupported value: 'temperature' does not support 0.2 with this model."
    old = "Unrecognized request argument supplied: max_completion_tokens"
    server.play(
        Scripted(400, openai_error(unsupported, code="unsupported_value", param="temperature")),
        Scripted(400, openai_error(old)),
        Scripted(body=chat()),
    )

    completions = [await vendor.complete(request()) for _ in range(2)]
    await vendor.close()

    assert [completion.text for completion in completions] == [ANSWER, ANSWER]
    assert len(server.asked) == 4
    assert server.asked[2].body == server.asked[3].body
    assert server.asked[3].body["max_tokens"] == 123
    assert not {"temperature", "max_completion_tokens"} & set(server.asked[3].body)


LM_STUDIO = openai_error("'response_format.type' must be 'json_schema' or 'text'")


@pytest.mark.parametrize("status", [400, 422, 500])
async def test_a_local_server_without_schemas_is_told_the_schema_in_words(server: VendorServer, status: int) -> None:
    vendor = vendor_at(server.url, "local")
    server.play(Scripted(status, {"detail": "response_format json_schema is not supported"}), Scripted(body=chat()))

    await vendor.complete(request())
    await vendor.complete(request())
    await vendor.close()

    forms = [asked.body["response_format"]["type"] for asked in server.asked]
    assert forms == ["json_schema", "json_object", "json_object"], "what was learned is remembered"
    instructions = server.asked[1].body["messages"][0]["content"]
    assert instructions.startswith(request().instructions)
    assert json.loads(instructions[instructions.index("{") :]) == dialects.local(request().schema)


async def test_a_local_server_without_any_form_is_asked_for_plain_text(server: VendorServer) -> None:
    vendor = vendor_at(server.url, "local")
    wordy = f"<think>Is {{m1}} red?</think>Here you are:\n```json\n{ANSWER}\n```\nAnything else?"
    server.play(Scripted(400, LM_STUDIO), Scripted(400, LM_STUDIO), Scripted(body=chat(wordy)))

    completion = await vendor.complete(request())
    await vendor.close()

    assert completion.text == ANSWER
    assert "response_format" not in server.asked[-1].body
    assert "JSON Schema" in server.asked[-1].body["messages"][0]["content"]


async def test_calls_side_by_side_learn_the_same_thing_once(server: VendorServer) -> None:
    vendor = vendor_at(server.url, "local")
    refusal = Scripted(400, {"error": "response_format is not supported"}, silent=True)
    server.play(refusal, refusal, refusal, Scripted(body=chat()))

    calls = [asyncio.create_task(vendor.complete(request())) for _ in range(3)]
    await server.count(3)
    server.release()
    await asyncio.gather(*calls)
    await vendor.close()

    assert [asked.body["response_format"]["type"] for asked in server.asked[3:]] == ["json_object"] * 3
