"""What clients and operators write: request bodies, keys, settings, prices, names of providers, decisions of people."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from schemas.enums import ReviewField
from schemas.indicator import Indicator
from services.api.indicators import IndicatorReader
from services.api.keys import digest_of, parse_keys
from services.api.problems import Problem
from services.classification import review_files
from services.cli.providers import asks_vendors, wished_provider
from shared.errors import UsageError
from shared.llm.calls import Tokens
from shared.llm.choice import parse_choice
from shared.llm.pricing import Prices
from shared.settings import Settings
from shared.settings.concern import names_of
from shared.settings.loading import fields
from tests.fuzz.cases import fuzz
from tests.fuzz.material import damaged, drawn, json_like, maybe, text, words
from tests.fuzz.samples import INDICATOR, LINES

READER = IndicatorReader(Indicator, "indicator_id", 100)
BODY = {"indicators": [INDICATOR, LINES[0], LINES[1]], "llm_provider": "embedded"}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("requested")


@fuzz("API bodies", body=drawn(json_like(BODY)))
def test_a_body_is_accepted_whole_or_refused_in_words(body: bytes) -> None:
    try:
        found = READER.read(body)
    except Problem as problem:
        assert problem.status == 400
        assert problem.message
        answer = bytes(problem.response().body)
        assert json.loads(answer)["error"] == "Bad Request"
        assert len(answer) < 500_000
        return
    assert len({item_id for item_id, _ in found.items}) == len(found.items) > 0
    for item_id, payload in found.items:
        assert Indicator.model_validate_json(payload).indicator_id == item_id
        json.loads(payload, parse_constant=pytest.fail)
        assert not _holds_nul(json.loads(payload))


def _holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_nul, [*value, *value.values()]))
    return any(map(_holds_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


HEX = [digest_of(bytes([number])).hex() for number in range(4)]
EXPIRIES = ["2027-01-31T12:00:00Z", "20270131T1200+02", "2027-W05", "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59"]
key_expiry = words(EXPIRIES, "0123456789-T:.Z+W ")


def key_file(r: Random) -> bytes:
    """Some lines of a name, a hash and perhaps an expiry."""
    lines = [
        f"{r.choice(('prices', 'a.b-c_9', '# prices'))}:{r.choice(HEX)}{r.choice(('', f':{key_expiry(r)}'))}"
        for _ in range(r.randint(0, 3))
    ]
    return damaged("\n".join(lines).encode(errors="replace"), r)


@fuzz("API key files", content=drawn(key_file))
def test_a_file_of_keys_is_read_or_refused_without_being_repeated(content: bytes) -> None:
    try:
        keys = parse_keys(content)
    except UsageError as error:
        assert error.remedy
        assert not re.search("[0-9a-f]{9}|prices", str(error.args[0]))
        return
    assert len({key.digest for key in keys}) == len(keys)
    assert parse_keys("\n".join(key.line() for key in keys).encode()) == keys


VARIABLES = sorted({name for _, _, field in fields() for name in names_of(field)})
setting = words(
    ["1", "0", "-1", "true", "off", "openai", "cascade:openai", "anthropic,embedded", "family=1.5,type=2", "a=", ",",
     "1,2,3", "nan", "inf", "1e400", "http://x", "https://u:p@h/", "DEBUG", "json", "flagged", "SASL_SSL", "/tmp/x"],
    "0123456789.,=:/-_abc ",
)  # fmt: skip


def variables(r: Random) -> dict[str, str]:
    """Mostly names that there are."""
    odd = (f"SLUICE_{text(r)}", text(r))
    return {r.choice(VARIABLES if r.random() < 0.97 else odd): setting(r) for _ in range(r.randint(0, 4))}


@fuzz("settings", given=drawn(variables))
def test_settings_are_read_or_refused_and_survive_a_child_process(given: dict[str, str]) -> None:
    try:
        read = Settings.load(given)
    except UsageError as error:
        assert error.remedy
        return
    assert Settings.load(read.as_environment()) == read
    for name in read.llm.named():
        try:
            read.llm.check(name)
        except UsageError:
            continue


providers = words(
    [
        "embedded",
        "openai",
        "OpenAI ",
        "cascade:openai",
        "cascade:",
        "cascade:cascade:openai",
        "cascade:embedded",
        "local",
    ],
    "abcdeo:, ",
)
OPERATOR = Settings.load({"OPENAI_API_KEY": "sk-x", "LM_STUDIO_URL": "http://127.0.0.1:1/v1"}).llm


@fuzz("provider choices", name=drawn(maybe(0.95, providers)), cascade=st.booleans())
def test_a_wish_can_be_fulfilled_or_is_refused(name: str | None, cascade: bool) -> None:
    try:
        wish = wished_provider(OPERATOR, name, cascade=cascade)
    except UsageError as error:
        assert error.remedy
        return
    if wish:
        choice = parse_choice(wish)
        assert choice.provider in OPERATOR.configured()
        assert str(choice) == wish
        OPERATOR.check(wish)
    asks_vendors(OPERATOR, wish, ["family", "type"])


PRICES = {"gpt-4o-mini": {"input": 0.15, "cached_input": 0.075, "output": 0.6}, "mine": {"input": 3, "output": 12}}
TOML = b'["gpt-4o-mini"]\ninput = 0.15\ncached_input = 0.075\noutput = 0.60\n\n["mine"]\ninput = 3\noutput = 12\n'


@fuzz("price files", content=drawn(json_like(PRICES)), toml=drawn(lambda r: damaged(TOML, r)))
def test_a_file_of_prices_is_used_or_refused(folder: Path, content: bytes, toml: bytes) -> None:
    for name, written in (("prices.json", content), ("prices.toml", toml)):
        path = folder / name
        path.write_bytes(written)
        try:
            prices = Prices.load(path)
        except UsageError as error:
            assert error.remedy
            continue
        for model, price in prices._own.items():
            cost = prices.cost("openai", model, Tokens(1_000, 10, 10, 100))
            assert 0 <= cost < float("inf"), price


DECISION = {"indicator_id": "RATE:AW", "decision": "correct", "reviewer": "ann", "reason": "checked",
            "fields": {"family": "price-value", "indicator_type": "rate", "is_currency_denominated": True}}  # fmt: skip
LABEL = {"indicator_id": "a", "label": {"family": "price-value", "certainty": "high", "accept": []}}
COLUMNS = ",".join(["indicator_id", "decision", "reason", "fields", *(field.value for field in ReviewField)])
CSV = f'{COLUMNS}\nRATE:AW,correct,"why, so","{{""family"": ""price-value""}}",,\nB,accept,,,,\nC,,,,physical,index\n'


@fuzz(
    "human reviews",
    line=drawn(json_like(DECISION, LABEL)),
    table=drawn(lambda r: damaged(CSV.encode(), r, 4)),
)
def test_decisions_in_files_are_read_line_by_line(folder: Path, line: bytes, table: bytes) -> None:
    good = json.dumps(DECISION).encode()
    _decisions(folder / "d.jsonl", line.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" + good + b"\n")
    _decisions(folder / "d.csv", table)


def _decisions(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        lines = list(review_files._lines(path))
    except UsageError as error:
        assert error.remedy
        return
    for line in lines:
        try:
            wish = review_files._wish(line.columns, "me", force=False)
        except UsageError:
            continue
        for said in (wish.indicator_id, wish.reviewer, wish.reason):
            said.encode()
            assert "\0" not in said, "the database cannot hold it"
