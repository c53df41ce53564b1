"""What a door decides by itself: when to open the breaker, when a key is wrong, what settlements tell."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from schemas.delivery import RejectCode
from shared.errors import PermanentError, TransientError
from shared.llm.admission.books import Turn, Verdict
from shared.llm.admission.breaker import Breaker
from shared.llm.admission.line import LEASE_CALLS, Line, Waiter
from shared.llm.admission.misconfigured import Misconfiguration
from shared.llm.admission.settlement import Settlement, what_they_tell
from shared.llm.admission.settling import TRIES, Settling
from shared.llm.admission.terms import BreakerPolicy
from shared.llm.calls import Announced, CallOutcome, Closed, Permit, Plan, Result, Tokens
from shared.runtime.clock import SystemClock

DOWN, OK, LIMITED = CallOutcome.SERVER_ERROR, CallOutcome.OK, CallOutcome.RATE_LIMITED
PLAN = Plan("openai", "m", "family", 1, 100, 0.01)


class Hasty(SystemClock):
    """Waiting takes no time."""

    async def wait(self, seconds: float, until: asyncio.Event) -> None:
        await asyncio.sleep(0)


class TestBreaker:
    def opens_after(self, outcomes: Sequence[CallOutcome]) -> int | None:
        breaker = Breaker(BreakerPolicy())
        for number, outcome in enumerate(outcomes, start=1):
            if breaker.record(outcome, float(number), float(number)):
                return number
        return None

    @pytest.mark.parametrize(
        ("outcomes", "opens"),
        [
            ([DOWN] * 5, 5),
            ([DOWN] * 4 + [OK] + [DOWN] * 4, None),
            ([DOWN, OK] * 9, None),
            ([DOWN, OK] * 10, 19),
            ([OK] * 15 + [DOWN] * 5, 20),
            ([DOWN] * 4 + [LIMITED] * 40 + [DOWN], 45),
            ([DOWN, DOWN, OK, OK, OK] * 20, None),
            ([CallOutcome.TIMEOUT, CallOutcome.UNREACHABLE] * 3, 5),
            ([CallOutcome.REFUSED, CallOutcome.INVALID, CallOutcome.BAD_REQUEST, CallOutcome.TRUNCATED] * 9, None),
            ([CallOutcome.UNAUTHORIZED, CallOutcome.LOST, CallOutcome.OUT_OF_QUOTA] * 9, None),
        ],
    )
    def test_it_opens_at_five_in_a_row_or_half_of_the_last_twenty(
        self, outcomes: list[CallOutcome], opens: int | None
    ) -> None:
        assert self.opens_after(outcomes) == opens

    def test_calls_from_before_it_was_open_do_not_count(self) -> None:
        breaker = Breaker(BreakerPolicy())
        breaker.forget(10.0)
        assert not any(breaker.record(DOWN, 9.9, 11.0) for _ in range(30))
        assert [breaker.record(DOWN, 10.0, 11.0) for _ in range(5)][-1]


class TestMisconfiguration:
    def test_it_closes_for_half_a_minute_doubling_to_five(self) -> None:
        wrong, now, waits = Misconfiguration("openai", "gpt-9"), 100.0, []
        for _ in range(6):
            wrong.check(now)
            assert wrong.record(CallOutcome.NOT_FOUND, "no such model", now, now + 1)
            with pytest.raises(Closed, match=r"openai does not know the model gpt-9.*no such model") as raised:
                wrong.check(now + 1)
            assert raised.value.retry_after is not None
            waits.append(raised.value.retry_after)
            now += 1 + raised.value.retry_after
        assert waits == [30, 60, 120, 240, 300, 300]

    def test_many_calls_in_flight_count_as_one(self) -> None:
        wrong = Misconfiguration("openai", "m")
        closes = [wrong.record(CallOutcome.UNAUTHORIZED, "", 0.0, 1.0 + number) for number in range(20)]
        assert closes == [True] + [False] * 19
        assert wrong.closed(1.0).retry_after == 30

    def test_when_the_time_is_up_one_caller_tries_and_an_answer_opens_the_door(self) -> None:
        wrong = Misconfiguration("openai", "m")
        wrong.record(CallOutcome.UNAUTHORIZED, "", 0.0, 0.0)
        wrong.check(30.0)
        with pytest.raises(Closed):
            wrong.check(30.0)
        wrong.record(OK, "", 30.0, 31.0)
        wrong.check(31.0)
        assert wrong.reason == ""

    def test_a_vendor_that_is_away_proves_nothing_about_the_key(self) -> None:
        wrong = Misconfiguration("openai", "m")
        wrong.record(CallOutcome.UNAUTHORIZED, "", 0.0, 0.0)
        wrong.record(DOWN, "", 0.0, 1.0)
        assert wrong.reason


def settlement(result: Result | None, *, number: int = 0, tripped: bool = False) -> Settlement:
    return Settlement(Permit(f"id-{number}", PLAN), result, asyncio.get_running_loop().create_future(), tripped)


def told(*results: Result | None, limited_tokens: bool = False, probe: str = "", **more: Any) -> dict[str, Any]:
    group = [settlement(result, number=number, **more) for number, result in enumerate(results)]
    return what_they_tell(group, limited_tokens=limited_tokens, announced=(500.0, None), probe=probe, jitter=Random(1))


class TestSignals:
    async def test_a_usual_call_tells_nothing_so_the_shared_row_is_left_alone(self) -> None:
        usual = Announced(500, 499, 0.1, None, None, None)
        assert told(Result(OK, 1.0, Tokens(50, 0, 0, 40), announced=usual), None) == {}

    async def test_tokens_matter_only_where_they_are_limited(self) -> None:
        results = (Result(OK, 1.0, Tokens(50, 0, 0, 40)), None, Result(CallOutcome.TIMEOUT, 1.0), Result(DOWN, 1.0))
        assert told(*results, limited_tokens=True) == {"token_change": -10 - 100 - 100}

    async def test_of_several_limits_the_newest_counts_and_of_several_holds_the_longest(self) -> None:
        signals = told(
            Result(OK, 1.0, announced=Announced(requests_limit=400, tokens_limit=9)),
            Result(LIMITED, 0.3, announced=Announced(requests_limit=300), retry_after=2.0),
            Result(LIMITED, 0.2, retry_after=7.0),
        )
        assert signals == {"announced_rpm": 300, "announced_tpm": 9, "retry_after": 7.0, "limited_age": 0.2}

    async def test_a_limit_of_less_than_one_is_none(self) -> None:
        assert told(Result(OK, 1.0, announced=Announced(requests_limit=1e-300, tokens_limit=0.0))) == {}

    async def test_a_probe_shows_that_the_vendor_is_back_or_not_or_nothing(self) -> None:
        ends = {OK: True, CallOutcome.REFUSED: True, DOWN: False, CallOutcome.UNAUTHORIZED: None}
        for outcome, passed in ends.items():
            assert told(Result(outcome, 1.0), probe="id-0")["probe"] == {"id": "id-0", "passed": passed}
        assert told(None, probe="id-0")["probe"]["passed"] is None
        assert "probe" not in told(Result(OK, 1.0), probe="another")

    async def test_what_opens_the_breaker_is_as_old_as_its_newest_call(self) -> None:
        assert told(Result(DOWN, 3.0), Result(DOWN, 2.0), tripped=True) == {"trip_age": 2.0}


class Limiter:
    """Plays the shared limiter: its verdicts in turn, then everything passes at once."""

    def __init__(self, *verdicts: Verdict | Exception) -> None:
        self.verdicts = list(verdicts)
        self.asked: list[list[str]] = []
        self.back: list[str] = []
        self.line = Line(self.admit, lambda permit: self.back.append(permit.id), 100, Hasty(), Random(1))

    async def admit(self, permits: Sequence[Permit]) -> Verdict:
        await asyncio.sleep(0)
        self.asked.append([permit.id for permit in permits])
        verdict = self.verdicts.pop(0) if self.verdicts else Verdict(turns=[Turn(0.0)] * len(permits), rpm=60.0)
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    async def serve(self, *names: str) -> list[float | BaseException]:
        """Everybody stands in line; what becomes of them."""
        waiters = [self.line.join(Permit(name, PLAN)) for name in names]
        return await self.serve_waiters(waiters)

    async def serve_waiters(self, waiters: list[Waiter]) -> list[float | BaseException]:
        running = asyncio.create_task(self.line.run())
        answers = await asyncio.gather(*(waiter.turn for waiter in waiters), return_exceptions=True)
        self.line.close()
        await running
        return answers


class TestLine:
    async def test_a_lease_takes_eight_callers_in_their_order(self) -> None:
        limiter = Limiter()
        names = [str(number) for number in range(20)]
        assert await limiter.serve(*names) == [0.0] * 20
        assert limiter.asked == [names[:LEASE_CALLS], names[LEASE_CALLS : 2 * LEASE_CALLS], names[2 * LEASE_CALLS :]]

    async def test_who_got_no_slot_stays_first_and_who_lacks_budget_goes_last(self) -> None:
        partly = Verdict(turns=[Turn(), Turn(0.2), Turn(refused=Closed("spent"))], pause=0.1, rpm=60.0)
        limiter = Limiter(partly)
        answers = await limiter.serve("a", "b", "c", "d", "e")
        assert limiter.asked == [["a", "b", "c", "d", "e"], ["d", "e", "a"]]
        assert [str(answer) for answer in answers] == ["0.0", "0.2", "spent", "0.0", "0.0"]

    async def test_a_closed_door_turns_all_away_each_with_an_exception_of_their_own(self) -> None:
        limiter = Limiter(Verdict(closed=Closed("off", 3.0)))
        answers = await limiter.serve(*map(str, range(30)))
        assert len(limiter.asked) == 1
        assert {(str(answer), getattr(answer, "retry_after", None)) for answer in answers} == {("off", 3.0)}
        assert len({id(answer) for answer in answers}) == 30

    @pytest.mark.parametrize("error", [TransientError("away", retry_after=2.0), RuntimeError("a bug")])
    async def test_a_failed_lease_leaves_nobody_standing(self, error: Exception) -> None:
        answers = await Limiter(error).serve("a", "b")
        assert all(isinstance(answer, TransientError) and str(error) in str(answer) for answer in answers)

    async def test_a_caller_that_left_is_not_asked_for_and_a_lease_that_comes_too_late_is_given_back(self) -> None:
        limiter = Limiter()
        waiters = [limiter.line.join(Permit(name, PLAN)) for name in "abc"]
        waiters[0].turn.cancel()
        admit = limiter.admit

        async def slow(permits: Sequence[Permit]) -> Verdict:
            waiters[1].turn.cancel()
            return await admit(permits)

        limiter.line._admit = slow
        await limiter.serve_waiters(waiters)
        assert limiter.asked == [["b", "c"]]
        assert limiter.back == ["b"]
        assert limiter.line.in_flight == 1


class TestSettling:
    async def settle(self, failures: list[Exception], count: int = 3) -> tuple[list[Any], list[int]]:
        sizes: list[int] = []

        async def write(group: Sequence[Settlement]) -> None:
            sizes.append(len(group))
            if failures:
                raise failures.pop(0)

        settling = Settling(write, Hasty())
        settlements = [settlement(Result(OK, 1.0), number=number) for number in range(count)]
        for one in settlements:
            settling.post(one)
        settling.close()
        await settling.run()
        return await asyncio.gather(*(one.written for one in settlements), return_exceptions=True), sizes

    async def test_closing_writes_what_is_queued_in_one_go(self) -> None:
        assert await self.settle([]) == ([None] * 3, [3])

    async def test_a_database_that_is_away_for_a_moment_is_asked_again(self) -> None:
        assert await self.settle([TransientError("away")] * (TRIES - 1)) == ([None] * 3, [3] * TRIES)

    async def test_one_that_stays_away_fails_every_caller(self) -> None:
        answers, sizes = await self.settle([TransientError("away")] * TRIES)
        assert sizes == [3] * TRIES
        assert all(isinstance(answer, TransientError) for answer in answers)

    async def test_what_nobody_expected_fails_its_callers_and_not_the_task(self) -> None:
        answers, sizes = await self.settle([RuntimeError("a bug")] * 4)
        assert sizes == [3, 1, 1, 1]
        assert all(isinstance(answer, TransientError) and "a bug" in str(answer) for answer in answers)

    async def test_one_that_cannot_be_written_does_not_take_the_others_along(self) -> None:
        refusal = PermanentError(RejectCode.INVALID_VALUE, "out of range")
        answers, sizes = await self.settle([refusal, refusal])
        assert sizes == [3, 1, 1, 1]
        assert isinstance(answers[0], TransientError)
        assert answers[1:] == [None, None]
