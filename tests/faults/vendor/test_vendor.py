"""The vendor of the language model is down, or turns calls away in a storm: stages wait, and every call is booked."""

from tests.contract.waiting import eventually
from tests.faults.asking import Asking
from tests.faults.scenario import END_SECONDS, disturbed

STORM = 200
"""Calls turned away."""


async def test_it_is_down(asked: Asking) -> None:
    name = "The vendor of the language model is down"
    promised = "stages pause and say why; the ledger has every call that the vendor has seen"
    await asked.forget()
    async with disturbed(asked.ground.field, asked.before, name=name, promised=promised) as trouble:
        await trouble.until(0.2)
        trouble.began()
        await asked.vendor.control(down=True)
        await asked.ground.hindered("openai")
        await asked.vendor.control(down=False)
        trouble.ended()
    await asked.booked_as_served()


async def test_it_turns_every_call_away_for_a_while(asked: Asking) -> None:
    name = "A storm of 429s from the vendor"
    promised = "calls wait as long as they are told and are made again; the ledger has every one"

    async def stormy() -> bool:
        return bool((await asked.vendor.stats())["rate_limited"] >= STORM)

    await asked.forget()
    async with disturbed(asked.ground.field, asked.before, name=name, promised=promised) as trouble:
        await trouble.until(0.2)
        trouble.began()
        await asked.vendor.control(faults={"rate_limited": 1.0})
        await eventually(stormy, f"{STORM} calls are turned away", END_SECONDS)
        await asked.vendor.control(faults={"rate_limited": 0.0})
        trouble.ended()
    await asked.booked_as_served()
