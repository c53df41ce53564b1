"""A group of items to one model, until each has a reply or a reason: no misjoin, no endless asking, exact books."""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from shared.llm.calling import MOST_CALLS_AN_ITEM, Caller, Item
from shared.llm.calls import CallOutcome, Closed, Completion, Request, Tokens
from shared.llm.pricing import Price, Prices
from shared.llm.question import Question
from tests.unit.llm.scripted import (
    LENGTH,
    Length,
    Line,
    OpenDoor,
    QuickClock,
    ScriptedVendor,
    Verdict,
    Word,
    accept,
    completion,
    fails,
    items_of,
    right,
    says,
)

PRICE = Price(input=1.0, output=0.0)
WORDS = ("a", "bb", "ccc", "dddd", "eeeee")


class Desk:
    """A caller with all that it needs."""

    def __init__(
        self, *lines: Line, always: Line = right, attempts: int = 3, question: Question[Word, Length] = LENGTH
    ) -> None:
        self.vendor = ScriptedVendor(list(lines), always)
        self.door = OpenDoor()
        self.clock = QuickClock()
        self.caller = Caller(
            self.vendor,
            self.door,
            Prices({"parrot-1": PRICE}),
            question,
            attempts=attempts,
            timeout_seconds=5.0,
            clock=self.clock,
            jitter=random.Random(7),
        )

    async def solve(self, *texts: str) -> list[Item]:
        words = [Word(text=text) for text in texts]
        items = [Item(word.text.encode(), {"text": word.text}, partial(accept, word)) for word in words]
        await self.caller.solve(items)
        return items


def letters(items: Sequence[Item]) -> list[int | None]:
    return [item.reply.letters if isinstance(item.reply, Verdict) else None for item in items]


async def test_one_call_settles_a_group() -> None:
    desk = Desk()
    assert letters(await desk.solve(*WORDS)) == [1, 2, 3, 4, 5]
    assert desk.vendor.asked() == [list(WORDS)]
    assert [result.outcome for result in desk.door.results] == [CallOutcome.OK]


async def test_a_reply_that_says_its_item_again_has_room_for_it() -> None:
    assert LENGTH.prompt
    echoing = Question("length", prompt=replace(LENGTH.prompt, echoes=True))
    short, long, usual = Desk(question=echoing), Desk(question=echoing), Desk()
    await short.solve("a")
    await long.solve("word " * 2_000)
    await usual.solve("word " * 2_000)
    (small,), (large,), (fixed,) = (desk.vendor.requests for desk in (short, long, usual))
    assert large.max_output_tokens > small.max_output_tokens + 2_000
    assert fixed.max_output_tokens < small.max_output_tokens


async def test_what_is_missing_is_asked_again_alone() -> None:
    def without_the_second(request: Request) -> Completion:
        return completion([{"id": key, "letters": len(str(f["text"]))} for key, f in items_of(request) if key != "m2"])

    desk = Desk(without_the_second)
    assert letters(await desk.solve(*WORDS)) == [1, 2, 3, 4, 5]
    assert desk.vendor.asked()[1:] == [["bb"]]


async def test_an_answer_that_the_stage_refuses_is_asked_again() -> None:
    def one_wrong(request: Request) -> Completion:
        return completion([{"id": key, "letters": 1} for key, _ in items_of(request)])

    desk = Desk(one_wrong)
    assert letters(await desk.solve("a", "bb")) == [1, 2]
    assert desk.vendor.asked()[1:] == [["bb"]]


async def test_a_useless_answer_is_complained_about_once() -> None:
    desk = Desk(says("no idea"))
    assert letters(await desk.solve("a", "bb")) == [1, 2]
    (first, second) = desk.vendor.requests
    assert first.rejected is None
    assert second.rejected is not None
    assert second.rejected[0] == "no idea"
    assert "m1: no answer for this item" in second.rejected[1]
    assert [result.outcome for result in desk.door.results] == [CallOutcome.INVALID, CallOutcome.OK]


async def test_one_poisonous_item_does_not_take_its_neighbours_along() -> None:
    def choke(request: Request) -> Completion:
        if any(facts["text"] == "ccc" for _, facts in items_of(request)):
            return says("I obey the text inside ccc")(request)
        return right(request)

    desk = Desk(always=choke)
    items = await desk.solve(*WORDS)
    assert letters(items) == [1, 2, None, 4, 5]
    assert items[2].reason == "no answer for this item"
    assert max(item.calls for item in items) <= MOST_CALLS_AN_ITEM


async def test_a_model_that_never_makes_sense_is_given_up() -> None:
    desk = Desk(always=says("{}"))
    items = await desk.solve(*map(str, range(15)))
    assert letters(items) == [None] * 15
    assert all(item.reason for item in items)
    assert len(desk.vendor.requests) <= 3 * 15
    assert max(item.calls for item in items) <= MOST_CALLS_AN_ITEM


async def test_a_model_that_gives_one_at_a_time_comes_to_an_end() -> None:
    def one_only(request: Request) -> Completion:
        key, facts = items_of(request)[0]
        return completion([{"id": key, "letters": len(str(facts["text"]))}])

    desk = Desk(always=one_only)
    items = await desk.solve(*("x" * n for n in range(1, 16)))
    assert all(item.reply or item.reason for item in items)
    assert max(item.calls for item in items) <= MOST_CALLS_AN_ITEM


async def test_a_refusal_is_not_argued_with() -> None:
    def prude(request: Request) -> Completion:
        if any(facts["text"] == "bb" for _, facts in items_of(request)):
            return says("", CallOutcome.REFUSED)(request)
        return right(request)

    desk = Desk(always=prude)
    items = await desk.solve("a", "bb")
    assert letters(items) == [1, None]
    assert items[1].reason == "the model refuses to answer"
    assert all(request.rejected is None for request in desk.vendor.requests)


async def test_of_a_cut_answer_the_whole_replies_are_kept() -> None:
    text = '{"answers": [{"id": "m1", "letters": 1}, {"id": "m2", "letters": 2}, {"id": "m3", "let'
    desk = Desk(says(text, CallOutcome.TRUNCATED))
    assert letters(await desk.solve("a", "bb", "ccc")) == [1, 2, 3]
    assert desk.vendor.asked()[1:] == [["ccc"]]


@pytest.mark.parametrize(
    "outcome",
    [CallOutcome.TIMEOUT, CallOutcome.UNREACHABLE, CallOutcome.SERVER_ERROR, CallOutcome.RATE_LIMITED],
)
async def test_a_failure_that_may_pass_is_tried_again(outcome: CallOutcome) -> None:
    desk = Desk(fails(outcome, retry_after=4.0), fails(outcome))
    assert letters(await desk.solve("a")) == [1]
    assert [result.outcome for result in desk.door.results] == [outcome, outcome, CallOutcome.OK]
    assert desk.clock.waits[0] >= 4.0, "never earlier than the vendor asks for"


async def test_after_so_many_failures_the_provider_is_down_and_no_item_is_blamed() -> None:
    desk = Desk(always=fails(CallOutcome.SERVER_ERROR), attempts=3)
    items = await desk.solve("a", "bb")
    assert len(desk.vendor.requests) == 3
    assert all(item.down and "failed 3 times" in item.down.reason and not item.reason for item in items)


@pytest.mark.parametrize("outcome", [CallOutcome.SERVER_ERROR, CallOutcome.RATE_LIMITED])
async def test_a_vendor_that_wants_a_long_rest_is_down_meanwhile(outcome: CallOutcome) -> None:
    desk = Desk(always=fails(outcome, retry_after=900.0))
    items = await desk.solve("a", "bb")
    assert len(desk.vendor.requests) == 1
    assert not desk.clock.waits
    assert all(item.down and item.down.retry_after == 900.0 for item in items)


@pytest.mark.parametrize("text", ["word " * 200, "\u56fd\u5185\u751f\u4ea7\u603b\u503c" * 200, "\U0001f4c8" * 200])
async def test_no_script_takes_more_tokens_than_what_is_reserved(text: str) -> None:
    desk = Desk()
    await desk.solve(text)
    (plan,) = desk.door.plans
    assert plan.max_cost_usd >= PRICE.cost(Tokens(input=max(len(text.split()), 0 if text.isascii() else len(text))))
    assert plan.tokens >= len(text) / (5 if text.isascii() else 2)


@pytest.mark.parametrize("outcome", [CallOutcome.UNAUTHORIZED, CallOutcome.NOT_FOUND, CallOutcome.OUT_OF_QUOTA])
async def test_what_a_person_must_set_right_is_not_tried_again(outcome: CallOutcome) -> None:
    desk = Desk(always=fails(outcome))
    items = await desk.solve("a", "bb")
    assert len(desk.vendor.requests) == 1
    assert all(item.down and outcome in item.down.reason for item in items)


async def test_a_call_the_vendor_will_not_take_is_narrowed_down_to_the_item_at_fault() -> None:
    def picky(request: Request) -> Completion:
        if any(facts["text"] == "dddd" for _, facts in items_of(request)):
            return fails(CallOutcome.BAD_REQUEST)(request)
        return right(request)

    desk = Desk(always=picky)
    items = await desk.solve(*WORDS)
    assert letters(items) == [1, 2, 3, None, 5]
    assert "it said bad-request" in items[3].reason


async def test_a_closed_door_leaves_the_items_as_they_are() -> None:
    desk = Desk()
    desk.door.closed = Closed("out of budget", 60.0)
    items = await desk.solve("a")
    assert not desk.vendor.requests
    assert items[0].down is desk.door.closed


async def test_the_shares_of_the_items_add_up_to_the_books() -> None:
    def drops_some(request: Request) -> Completion:
        return completion([{"id": key, "letters": len(str(f["text"]))} for key, f in items_of(request)[::2]])

    desk = Desk(says("?"), drops_some)
    items = await desk.solve(*WORDS)
    for kind in ("input", "output"):
        booked = sum(getattr(result.tokens, kind) for result in desk.door.results)
        assert sum(getattr(item.tokens, kind) for item in items) == booked > 0
