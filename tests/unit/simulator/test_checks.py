import copy
import json
from typing import Any

import pytest

from tests.unit.simulator.asking import Bench, anthropic_body, finished, headers_of, openai_body


@pytest.mark.parametrize(
    ("changes", "words", "param"),
    [
        ({"model": None}, "model parameter", None),
        ({"messages": None}, "Missing required parameter: 'messages'", "messages"),
        ({"messages": []}, "minimum length 1", "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "role", "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, "got null", "messages.[0].content"),
        ({"temperature": 3}, "temperature", "temperature"),
        ({"max_tokns": 3}, "Unknown parameter: 'max_tokns'", "max_tokns"),
        ({"stream": True}, "stream", "stream"),
        ({"model": "gpt-5", "max_tokens": 5}, "max_completion_tokens", "max_tokens"),
        ({"model": "gpt-5", "temperature": 0.2}, "temperature", "temperature"),
        ({"response_format": {"type": "xml"}}, "Supported values", None),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}}, "name", None),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, "schema", None),
        (
            {"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "hello"}]},
            "must contain the word 'json'",
            None,
        ),
    ],
)
def test_openai_refuses_what_is_wrong(changes: dict[str, Any], words: str, param: str | None) -> None:
    reply, body = Bench().openai("x", **changes)
    assert (reply.status, body["error"]["type"], body["error"]["param"]) == (400, "invalid_request_error", param)
    assert words in body["error"]["message"]


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("minLength", 1, "'minLength' is not permitted"),
        ("default", "x", "'default' is not permitted"),
        ("oneOf", [{"type": "string"}], "'oneOf' is not permitted"),
    ],
)
def test_openai_strict_schemas_have_no_other_keywords(keyword: str, value: Any, words: str) -> None:
    body = openai_body("x")
    _item(body)["properties"]["reasoning"][keyword] = value
    _refused(body, words, "('properties', 'answers', 'items', 'properties', 'reasoning')")


def test_openai_strict_schemas_demand_every_property() -> None:
    body = openai_body("x")
    _item(body)["required"].remove("confidence")
    _refused(body, "Missing 'confidence'", "('properties', 'answers', 'items')")


def test_openai_strict_schemas_allow_no_other_property() -> None:
    body = openai_body("x")
    del _item(body)["additionalProperties"]
    _refused(body, "'additionalProperties' is required to be supplied and to be false", "")


def test_openai_strict_schemas_are_objects() -> None:
    body = openai_body("x")
    body["response_format"]["json_schema"]["schema"] = {"type": "array", "items": {"type": "string"}}
    _refused(body, 'type: "object"', "()")


def test_openai_takes_any_schema_where_strict_is_not_asked_for() -> None:
    body = openai_body("x")
    body["response_format"]["json_schema"]["strict"] = False
    _item(body)["properties"]["reasoning"]["minLength"] = 1
    reply = Bench().send("openai", body)
    assert reply is not None
    assert reply.status == 200


def test_servers_of_other_models_take_what_openai_does_not() -> None:
    body = openai_body("x", model="mistral-7b-instruct-v0.3")
    _item(body)["properties"]["reasoning"]["maxLength"] = 300
    bench = Bench()
    for model, status in (("mistral-7b-instruct-v0.3", 200), ("gpt-4o-mini", 400)):
        reply = bench.send("openai", body | {"model": model})
        assert reply is not None
        assert reply.status == status


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
def test_anthropic_demands_its_fields(name: str) -> None:
    reply, body = Bench().anthropic("x", **{name: None})
    assert (reply.status, body["error"]["type"]) == (400, "invalid_request_error")
    assert body["error"]["message"] == f"{name}: Field required"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"messages": [{"role": "system", "content": "x"}]}, "role"),
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty"),
        ({"tool_choice": {"type": "tool", "name": "other"}}, "Tool 'other' not found"),
        ({"tools": [{"name": "colour"}]}, "input_schema"),
        ({"temperature": 1.5}, "temperature"),
        ({"stream": True}, "stream"),
        ({"tools": None, "tool_choice": None, "output_config": {"format": {"type": "json_schema"}}}, "schema"),
    ],
)
def test_anthropic_refuses_what_is_wrong(changes: dict[str, Any], words: str) -> None:
    reply, body = Bench().anthropic("x", **changes)
    assert (reply.status, body["type"]) == (400, "error")
    assert words in body["error"]["message"]


def test_anthropic_strict_tools_know_no_sizes() -> None:
    body = anthropic_body("x", "y")
    body["tools"][0]["strict"] = True
    reply = Bench().send("anthropic", body)
    assert reply is not None
    assert (reply.status, b"not supported" in reply.body) == (400, True)


def test_anthropic_demands_a_version() -> None:
    body = json.dumps(anthropic_body("x")).encode()
    reply = finished(Bench().simulator.serve("anthropic", body, {"x-api-key": "k"}))
    assert reply is not None
    assert json.loads(reply.body)["error"]["message"] == "anthropic-version: header is required"


@pytest.mark.parametrize(
    ("vendor", "kind"), [("openai", "invalid_request_error"), ("anthropic", "authentication_error")]
)
def test_keys_are_demanded(vendor: str, kind: str) -> None:
    bench = Bench(key="sk-abcdefghijkl")
    body = {"openai": openai_body, "anthropic": anthropic_body}[vendor]("x")
    for headers in ({"authorization": ""}, {"authorization": "Bearer sk-wrong-0123456789"}):
        reply = bench.send(vendor, body, **headers)
        assert reply is not None
        assert (reply.status, json.loads(reply.body)["error"]["type"]) == (401, kind)
        assert b"sk-wrong-0123456789" not in reply.body
    assert bench.send(vendor, body) is not None
    assert bench.simulator.stats.as_dict()["by_status"] == {"401": 2, "200": 1}


def test_anthropics_own_header_holds_a_key_too() -> None:
    reply = Bench(key="k").send("anthropic", anthropic_body("x"), authorization="", **{"x-api-key": "k"})
    assert reply is not None
    assert reply.status == 200


def test_keys_are_counted_and_not_kept() -> None:
    bench = Bench()
    for key in ("sk-one", "sk-two", "sk-one"):
        bench.send("openai", openai_body("x"), authorization=f"Bearer {key}")
    stats = bench.simulator.stats.as_dict()
    assert len(stats["keys"]) == 2
    assert "sk-one" not in json.dumps(stats)


def test_unknown_models_are_not_found() -> None:
    reply, body = Bench().openai("x", model="gpt-99")
    assert (reply.status, body["error"]["code"]) == (404, "model_not_found")
    reply, body = Bench().anthropic("x", model="claude-99")
    assert (reply.status, body["error"]["type"]) == (404, "not_found_error")


def test_a_vendor_that_is_down_answers_nobody() -> None:
    bench = Bench(down=True)
    assert (bench.openai("x")[0].status, bench.anthropic("x")[0].status) == (503, 529)


def test_a_body_that_is_no_json() -> None:
    bench = Bench()
    for vendor in ("openai", "anthropic"):
        reply = finished(bench.simulator.serve(vendor, b"{", {"authorization": "Bearer x"}))
        assert reply is not None
        assert reply.status == 400


@pytest.mark.parametrize("field", ["messages", "response_format", "tools", "tool_choice", "system", "temperature"])
@pytest.mark.parametrize("junk", [7, "text", [7], [None], {"type": 7}, {"type": "json_schema", "json_schema": 7}, True])
def test_nothing_of_the_wrong_shape_breaks_the_server(field: str, junk: Any) -> None:
    bench = Bench()
    for vendor, body in (("openai", openai_body("x")), ("anthropic", anthropic_body("x"))):
        reply = bench.send(vendor, body | {field: junk})
        assert reply is not None
        assert reply.status in {200, 400}


@pytest.mark.parametrize("most", [0, -1, 1.5, "7", True])
def test_most_tokens_is_a_positive_number(most: Any) -> None:
    reply, body = Bench().openai("x", max_completion_tokens=most)
    assert (reply.status, body["error"]["param"]) == (400, "max_completion_tokens")


def test_every_response_has_an_id() -> None:
    bench = Bench()
    first, second = (headers_of(bench.openai("x")[0])["x-request-id"] for _ in range(2))
    assert first != second
    assert headers_of(bench.anthropic("x")[0])["request-id"]


def _item(body: dict[str, Any]) -> dict[str, Any]:
    form = copy.deepcopy(body["response_format"])
    body["response_format"] = form
    item: dict[str, Any] = form["json_schema"]["schema"]["properties"]["answers"]["items"]
    return item


def _refused(body: dict[str, Any], words: str, place: str) -> None:
    reply = Bench().send("openai", body)
    assert reply is not None
    message = json.loads(reply.body)["error"]["message"]
    assert reply.status == 400
    assert message.startswith("Invalid schema for response_format 'colour': In context=")
    assert words in message
    assert place in message
