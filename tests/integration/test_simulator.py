"""The simulated vendor as the vendors' own SDKs see it."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
import pytest_asyncio

from services.classification.prompts import family
from shared.llm.rendering import item_ids, render_item, render_items, reply_schema
from shared.llm.vendors import dialects
from tests.integration.api_server import until
from tests.simulated_vendor import KEY, SimulatedVendor, running_simulator

QUICK: dict[str, Any] = {"latency_mean": 0.0, "rpm": 0, "tpm": 0}
ITEMS = [
    {"name": "Unemployment", "units": "Months", "source_name": "OECD", "periodicity": "Annual"},
    {"name": "Exports of Atlantis", "units": "USD Million"},
]
IDS = item_ids(len(ITEMS))
SCHEMA = dialects.openai_strict(reply_schema(family.PROMPT.reply, IDS))
MESSAGE = {
    "role": "user",
    "content": render_items([render_item(item_id, facts) for item_id, facts in zip(IDS, ITEMS, strict=True)]),
}


class Clients:
    """Both SDKs, with their own retries off."""

    def __init__(self, vendor: SimulatedVendor, key: str = KEY, timeout: float = 30.0) -> None:
        self.vendor = vendor
        common: dict[str, Any] = {"api_key": key, "max_retries": 0, "timeout": timeout}
        self.openai = openai.AsyncOpenAI(base_url=vendor.openai_url, **common)
        self.anthropic = anthropic.AsyncAnthropic(base_url=vendor.anthropic_url, **common)

    async def __aenter__(self) -> "Clients":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.openai.close()
        await self.anthropic.close()

    async def ask_openai(self, model: str = "gpt-4o-mini") -> Any:
        form = {"type": "json_schema", "json_schema": {"name": "family", "strict": True, "schema": SCHEMA}}
        messages: Any = [{"role": "system", "content": family.PROMPT.instructions}, MESSAGE]
        whole: Any = {"model": model, "messages": messages, "response_format": form}
        return await self.openai.chat.completions.create(**whole)

    async def ask_anthropic(self, model: str = "claude-haiku-4-5") -> Any:
        whole: Any = {
            "model": model,
            "max_tokens": 2000,
            "system": [{"type": "text", "text": family.PROMPT.instructions, "cache_control": {"type": "ephemeral"}}],
            "messages": [MESSAGE],
            "tools": [{"name": "family", "input_schema": SCHEMA}],
            "tool_choice": {"type": "tool", "name": "family"},
        }
        return await self.anthropic.messages.create(**whole)


@pytest_asyncio.fixture(loop_scope="session")
async def clients() -> AsyncIterator[Clients]:
    async with running_simulator(**QUICK) as vendor, Clients(vendor) as clients:
        yield clients


async def test_both_sdks_get_the_labels_and_the_usage(clients: Clients) -> None:
    said = await clients.ask_openai()
    answers = json.loads(said.choices[0].message.content)["answers"]
    assert [(answer["id"], answer["family"]) for answer in answers] == [
        ("m1", "temporal"),
        ("m2", "physical-fundamental"),
    ]
    assert family.PROMPT.reply.model_validate(answers[0])
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens > 1000

    first, again = await clients.ask_anthropic(), await clients.ask_anthropic()
    assert first.content[0].input["answers"] == answers
    assert first.usage.cache_creation_input_tokens == again.usage.cache_read_input_tokens > 2048


async def test_both_sdks_list_the_models(clients: Clients) -> None:
    assert "gpt-4o-mini" in [model.id async for model in clients.openai.models.list()]
    assert "claude-haiku-4-5" in [model.id async for model in clients.anthropic.models.list()]


async def test_rejections_are_the_sdks_own_errors(clients: Clients) -> None:
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        await clients.ask_openai(model="gpt-99")
    with pytest.raises(anthropic.NotFoundError, match="claude-99"):
        await clients.ask_anthropic(model="claude-99")
    await clients.vendor.control(key="another-key")
    with pytest.raises(openai.AuthenticationError) as wrong:
        await clients.ask_openai()
    assert wrong.value.code == "invalid_api_key"
    with pytest.raises(anthropic.AuthenticationError):
        await clients.ask_anthropic()


async def test_rate_limits_carry_their_headers(clients: Clients) -> None:
    await clients.vendor.control(faults={"rate_limited": 1.0}, rpm=60)
    with pytest.raises(openai.RateLimitError) as limited:
        await clients.ask_openai()
    headers = limited.value.response.headers
    assert 0 < int(headers["retry-after-ms"]) <= 2000
    assert headers["x-ratelimit-limit-requests"] == "60"
    with pytest.raises(anthropic.RateLimitError) as turned_away:
        await clients.ask_anthropic()
    assert int(turned_away.value.response.headers["retry-after"]) in {1, 2}
    assert turned_away.value.response.headers["anthropic-ratelimit-requests-limit"] == "60"


async def test_a_vendor_without_money_or_in_trouble(clients: Clients) -> None:
    await clients.vendor.control(faults={"out_of_quota": 1.0})
    with pytest.raises(openai.RateLimitError) as broke:
        await clients.ask_openai()
    assert broke.value.code == "insufficient_quota"
    with pytest.raises(anthropic.BadRequestError, match="credit balance"):
        await clients.ask_anthropic()
    await clients.vendor.control(faults={"out_of_quota": 0.0, "server_error": 1.0})
    with pytest.raises(openai.InternalServerError):
        await clients.ask_openai()
    with pytest.raises(anthropic.InternalServerError):
        await clients.ask_anthropic()
    await clients.vendor.control(down=True)
    with pytest.raises(openai.InternalServerError, match="overloaded"):
        await clients.ask_openai()
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        await clients.ask_anthropic()


async def test_connections_break_and_calls_hang() -> None:
    async with running_simulator(**QUICK, faults={"cut_connection": 1.0}) as vendor:
        async with Clients(vendor) as clients:
            with pytest.raises(openai.APIConnectionError):
                await clients.ask_openai()
            with pytest.raises(anthropic.APIConnectionError):
                await clients.ask_anthropic()
        await vendor.control(faults={"cut_connection": 0.0, "hang": 1.0})
        async with Clients(vendor, timeout=0.2) as clients:
            with pytest.raises(openai.APITimeoutError):
                await clients.ask_openai()
            with pytest.raises(anthropic.APITimeoutError):
                await clients.ask_anthropic()
        assert (await vendor.stats())["by_status"] == {"cut": 2, "hang": 2}


async def test_it_stops_while_calls_are_in_flight() -> None:
    async with running_simulator(latency_mean=3600.0) as vendor:
        clients = Clients(vendor)
        call = asyncio.create_task(clients.ask_openai())

        async def waiting() -> bool:
            return bool((await vendor.stats())["in_flight"])

        await until(waiting)
    async with clients:
        with pytest.raises(openai.OpenAIError):
            await call


async def test_the_limit_holds_under_concurrent_calls() -> None:
    async with running_simulator(latency_mean=0.0, rpm=1200, tpm=0) as vendor, Clients(vendor) as clients:
        results = await asyncio.gather(*(clients.ask_openai() for _ in range(60)), return_exceptions=True)
        limited = [result for result in results if isinstance(result, openai.RateLimitError)]
        stats = await vendor.stats()
    assert stats["rate_limited"] == len(limited) > 0
    assert stats["admitted"] == 60 - len(limited)
    assert stats["peaks"]["1"] <= 20 + 20
    assert stats["items_by_question"] == {"family": 2 * stats["admitted"]}


async def test_options_change_while_it_runs_and_wrong_ones_are_named(clients: Clients) -> None:
    await clients.ask_openai()
    await clients.vendor.control(reset=True)
    assert (await clients.vendor.stats())["calls"] == 0
    await clients.vendor.control(faults={"refusal": 1.0})
    assert (await clients.ask_openai()).choices[0].message.refusal
    for wrong, words in (
        ({"speed": 1}, "speed"),
        ({"seed": 1}, "seed"),
        ({"rpm": -1}, "rpm"),
        ({"down": "yes"}, "down"),
        ({"faults": {"hang": 2}}, "hang"),
        ({"faults": 1}, "faults"),
        ({"time_scale": 0}, "time_scale"),
    ):
        with pytest.raises(ValueError, match=words):
            await clients.vendor.control(**wrong)


async def test_a_process_of_its_own_serves_the_same() -> None:
    async with running_simulator(process=True, **QUICK) as vendor, Clients(vendor) as clients:
        said = await clients.ask_openai()
        assert json.loads(said.choices[0].message.content)["answers"][0]["family"] == "temporal"
        assert (await vendor.stats())["by_status"] == {"200": 1}


async def test_unknown_addresses_are_not_found(clients: Clients) -> None:
    async with httpx.AsyncClient(base_url=clients.vendor.url) as client:
        assert (await client.get("/v1/embeddings")).status_code == 404
        assert (await client.get("/v1/chat/completions")).status_code == 404
        assert (await client.post("/control", content=b"[]")).status_code == 400


async def test_the_command_tells_what_to_set_and_what_it_served() -> None:
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.main", "simulate-vendor", "--port", "0"),
        *("--latency-mean", "0", "--key", "sk-mine", "--fault", "wrong_enum=1"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert command.stdout is not None
    environment = {}
    while "OPENAI_API_KEY" not in environment or "SLUICE_LOCAL_API_KEY" not in environment:
        line = (await command.stdout.readline()).decode()
        assert line, "the command ended"
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            environment[name] = value
    assert environment["OPENAI_API_KEY"] == "sk-mine"
    async with httpx.AsyncClient() as client:
        vendor = SimulatedVendor(environment["ANTHROPIC_BASE_URL"], client)
        async with Clients(vendor, key="sk-mine") as clients:
            await clients.ask_openai()
    command.send_signal(signal.SIGINT)
    rest, _ = await command.communicate()
    assert command.returncode == 0
    assert "served 1 calls: 2 items, 2 distinct" in rest.decode()
    assert "wrong_enum 1" in rest.decode()
