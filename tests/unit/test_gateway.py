"""The gateway sends each item to the provider chosen for it, and says so when there is none."""

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.base import Contract
from shared.errors import Unavailable
from shared.llm.gateway import Answer, Ask, Down, EmbeddedProvider, Gateway, Provider, Question, Routes
from shared.runtime.envelope import Envelope, Envelopes
from shared.runtime.outcome import Usage
from tests.unit.runtime.harness import order


class Word(Contract):
    """A fact."""

    text: str


class Length(Contract):
    """An answer."""

    letters: int


def measure(words: Sequence[Word]) -> tuple[list[Length], str]:
    return [Length(letters=len(word.text)) for word in words], "ruler"


LENGTH = Question("length", lambda: measure)


class Shouting(Provider):
    """A provider that answers with the length of the text, times a hundred."""

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        return [Answer(Length(letters=100 * len(word.text))) for word in facts]


def envelopes(*providers: str) -> Envelopes:
    return Envelopes(
        Envelope("id", order(0), {"provider": provider.encode()} if provider else {}) for provider in providers
    )


def gateway(default: str = "embedded") -> Gateway:
    return Gateway({"embedded": EmbeddedProvider(), "shouting": Shouting()}, Routes(default))


async def test_each_item_goes_to_its_own_provider_and_answers_keep_their_order() -> None:
    ask = gateway().ask("length", envelopes("", "shouting", ""))
    answers = await ask(LENGTH, [Word(text="a"), Word(text="bb"), Word(text="ccc")])
    assert [answer.value.letters for answer in answers if answer.value] == [1, 200, 3]
    assert (answers[0].usage.provider, answers[0].usage.model) == ("embedded", "ruler")


async def test_an_unknown_provider_costs_only_the_items_that_asked_for_it() -> None:
    answers = await gateway().ask("length", envelopes("oracle", ""))(LENGTH, [Word(text="a"), Word(text="bb")])
    assert answers[0].value is None
    assert "embedded, shouting" in answers[0].reason
    assert answers[1].value == Length(letters=2)


def test_a_wish_that_cannot_be_granted_is_known_before_any_stage_asks() -> None:
    assert gateway().hindrance("") == gateway().hindrance("shouting") == ""
    assert gateway().hindrance("oracle") == "provider 'oracle' is not available; choose one of: embedded, shouting"


class Away(Provider):
    """A provider that can do every other item at best."""

    def __init__(self, answers: int = 0) -> None:
        self.answers = answers

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        can = [Answer(Length(letters=0)) for _ in facts[: self.answers]]
        return [*can, *(Down("on strike", 7.0) for _ in facts[self.answers :])]


async def test_what_a_provider_cannot_do_now_goes_to_the_next_of_the_chain() -> None:
    providers = {"embedded": EmbeddedProvider(), "away": Away(1)}
    ask = Ask(providers, ["away"] * 3, Routes(fallback=("away", "embedded")))
    answers = await ask(LENGTH, [Word(text="a"), Word(text="bb"), Word(text="ccc")])
    assert [answer.value.letters for answer in answers if answer.value] == [0, 2, 3]


async def test_with_nobody_left_the_stage_waits_and_says_why() -> None:
    ask = Ask({"away": Away(1)}, ["away", "away"])
    with pytest.raises(Unavailable, match="length: on strike") as caught:
        await ask(LENGTH, [Word(text="a"), Word(text="bb")])
    assert caught.value.retry_after == 7.0


CERTAIN = Question("length", lambda: measure, confidence=lambda length: 0.9 if length.letters > 1 else 0.2)


async def test_a_cascade_asks_only_about_what_the_embedded_model_is_unsure_of() -> None:
    providers = {"embedded": EmbeddedProvider(), "shouting": Shouting()}
    ask = Ask(providers, ["cascade:shouting", "cascade:shouting", "shouting"], Routes(cascade_confidence=0.8))
    answers = await ask(CERTAIN, [Word(text="a"), Word(text="bb"), Word(text="ccc")])
    assert [answer.value.letters for answer in answers if answer.value] == [100, 2, 300]
    assert [answer.prior and answer.prior.value for answer in answers] == [Length(letters=1), None, None]


async def test_an_optional_question_goes_by_the_stages_own_setting_alone() -> None:
    providers = {"embedded": EmbeddedProvider(), "shouting": Shouting()}
    optional = Question("length", lambda: measure, optional=True)
    answers = await Ask(providers, ["shouting"], Routes("shouting"))(optional, [Word(text="a")])
    assert answers[0].value == Length(letters=1)


async def test_a_stage_may_ask_about_some_of_its_items() -> None:
    ask = gateway().ask("length", envelopes("", "shouting", ""))
    answers = await ask(LENGTH, [Word(text="bb"), Word(text="ccc")], places=[1, 2])
    assert [answer.value.letters for answer in answers if answer.value] == [200, 3]


class Later(Provider):
    """A provider that is still at it, after having answered the first item, which it bills."""

    def __init__(self) -> None:
        self.owed: list[tuple[str, float]] = []

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        first = Answer(Length(letters=0), Usage("later", "m", 10, 1, 0.5))
        return [first, *(Down("still at it", 0.0, comes=True) for _ in facts[1:])]

    def take_back(self, question: Question[Any, Any], fact: Any, usage: Usage) -> None:
        self.owed.append((fact.text, usage.cost_usd))


async def test_what_comes_is_waited_for_and_nobody_else_is_asked() -> None:
    later = Later()
    ask = Ask({"later": later, "embedded": EmbeddedProvider()}, ["later"] * 2, Routes(fallback=("embedded",)))
    with pytest.raises(Unavailable, match="still at it"):
        await ask(LENGTH, [Word(text="a"), Word(text="bb")])
    assert later.owed == [("a", 0.5)], "the bill waits for the answer that is used"


async def test_bills_wait_where_another_provider_of_the_batch_is_down_or_a_later_question_is() -> None:
    later = Later()
    ask = Ask({"later": later, "away": Away()}, ["later", "away", "later"])
    with pytest.raises(Unavailable, match="on strike"):
        await ask(LENGTH, [Word(text="a"), Word(text="bb")], places=[0, 1])
    assert later.owed == [("a", 0.5)]
    assert (await ask(LENGTH, [Word(text="c")], places=[2]))[0].usage.cost_usd == 0.5
    with pytest.raises(Unavailable):
        await ask(LENGTH, [Word(text="bb")], places=[1])
    assert later.owed == [("a", 0.5), ("c", 0.5)]


async def test_a_fallback_may_be_written_as_a_cascade() -> None:
    providers = {"embedded": EmbeddedProvider(), "away": Away()}
    routes = Routes("away", fallback=("cascade:embedded",))
    assert Gateway(providers, routes).chain_of("length") == ["away", "embedded"]
    answers = await Ask(providers, [""], routes)(LENGTH, [Word(text="a")])
    assert answers[0].value == Length(letters=1)
