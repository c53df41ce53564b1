"""The gateway sends each item to the provider chosen for it, and says so when there is none."""

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.base import Contract
from shared.errors import UsageError
from shared.llm.gateway import Answer, EmbeddedProvider, Gateway, Question
from shared.runtime.envelope import Envelope, Envelopes
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


class Shouting:
    """A provider that answers with the length of the text, times a hundred."""

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any]]:
        return [Answer(Length(letters=100 * len(word.text))) for word in facts]


def envelopes(*providers: str) -> Envelopes:
    return Envelopes(
        Envelope("id", order(0), {"provider": provider.encode()} if provider else {}) for provider in providers
    )


def gateway(default: str = "embedded") -> Gateway:
    return Gateway({"embedded": EmbeddedProvider(), "shouting": Shouting()}, lambda stage: default)


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


def test_a_stage_with_an_unknown_provider_does_not_start() -> None:
    with pytest.raises(UsageError, match="'oracle' is not available"):
        gateway("oracle").check_stage("boolean-review")


def test_a_wish_that_cannot_be_granted_is_known_before_any_stage_asks() -> None:
    assert gateway().hindrance("") == gateway().hindrance("shouting") == ""
    assert gateway().hindrance("oracle") == "provider 'oracle' is not available; choose one of: embedded, shouting"
