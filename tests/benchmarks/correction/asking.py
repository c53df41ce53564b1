"""The correction question at the gateway: calls, workers, limits. One process, one Postgres, a simulated vendor."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.correction.masking import mask
from services.correction.passages import CORRECTION, Passage, by_dictionary
from shared.database import Database
from shared.errors import Unavailable
from shared.llm.gateway import Gateway
from shared.llm.pricing import estimate_tokens
from shared.service.models import make_gateway
from shared.settings import Settings
from tests.benchmarks.llm.ground import Ground, ground
from tests.benchmarks.llm.report import Line, percent
from tests.simulated_vendor import running_simulator
from tests.transcripts import messages

SCALE = 5
"""How many times faster than real, except where what a busy machine adds to a call would count."""
LABELLED = Path(__file__).parents[2] / "data" / "oss_typos.jsonl"
ITEMS, ALL_ITEMS = 10_000, 39_000
BATCH, CHUNK = 15, 150


@dataclass(frozen=True)
class Asked:
    """What a run came to; `seconds` are the vendor's."""

    distinct: int
    seconds: float
    stats: dict[str, Any]
    answered: int

    @property
    def calls(self) -> int:
        """That the vendor saw."""
        return int(self.stats["calls"])


async def asked(where: Ground, items: int, concurrency: int, rpm: int = 0, scale: float = SCALE) -> Asked:
    """Ask about so many different passages."""
    typed = messages(items, items, repeats=0)
    passages = [Passage(text=f"{mask(one.text).text} {_name(number)}") for number, one in enumerate(typed)]
    url = await where.new_database(scale)
    options: dict[str, Any] = {"rpm": rpm, "tpm": 0, "latency_mean": 2.0, "time_scale": scale}
    async with running_simulator(process=True, **options) as vendor, _opened(url) as database:
        settings = Settings.load(
            {
                **vendor.environment(),
                "SLUICE_OPENAI_RPM": str(round(rpm * scale)),
                "SLUICE_OPENAI_TPM": "0",
                "SLUICE_LLM_CONCURRENCY": str(concurrency),
                "SLUICE_LLM_LINGER_MS": "20",
            }
        )
        async with make_gateway(settings, database, []) as gateway:
            began = time.monotonic()
            chunks = [passages[start : start + CHUNK] for start in range(0, len(passages), CHUNK)]
            room = asyncio.Semaphore(2 + 2 * concurrency * BATCH // CHUNK)
            answered = sum(await asyncio.gather(*(_answers(gateway, chunk, room) for chunk in chunks)))
            seconds = (time.monotonic() - began) * scale
        return Asked(len({one.text for one in passages}), seconds, await vendor.stats(), answered)


async def _answers(gateway: Gateway, passages: Sequence[Passage], room: asyncio.Semaphore) -> int:
    """How many are answered. As a stage does: what is not there in time is asked for again."""
    async with room:
        while True:
            try:
                answers = await gateway.ask_for("correct", ["openai"] * len(passages))(CORRECTION, passages)
                return sum(answer.value is not None for answer in answers)
            except Unavailable:
                continue


def _name(number: int) -> str:
    """A word of its own for each passage, which no dictionary has."""
    letters = "bcdfghjklm"
    return "q" + "".join(letters[int(digit)] for digit in str(number)) + "q"


def _opened(url: str) -> Database:
    return Database(Settings.load({"SLUICE_DATABASE_URL": url, "SLUICE_DATABASE_POOL_MAX": "8"}).database)


async def workers() -> list[Line]:
    """One call at a time, and five."""
    async with ground() as where:
        one = await asked(where, 3_000, 1)
        five = await asked(where, ITEMS, 5)
        most = await asked(where, ALL_ITEMS, 5)
    speed = (one.seconds / one.calls) / (five.seconds / five.calls)
    share = (five.calls / -(-five.distinct // BATCH)) - 1
    how = f"{five.calls:,} calls for {five.distinct:,} texts"
    return [
        Line("calls beyond the fewest", "≤ 2 %", percent(share), share <= 0.02, how),
        Line("every text answered", "all", f"{five.answered:,} of {ITEMS:,}", five.answered == ITEMS, how),
        Line("5 workers against one", "≥ 4.5 times", f"{speed:.2f} times", speed >= 4.5, "time a call, 3,000 by one"),
        Line("10,000 messages, 5 workers", "≤ 300 s", f"{five.seconds:.0f} s", five.seconds <= 300, how),
        Line(
            "39,000 messages, 5 workers",
            "≤ 1,200 s",
            f"{most.seconds:,.0f} s",
            most.seconds <= 1_200,
            f"{most.calls:,}",
        ),
    ]


async def pre_pass() -> list[Line]:
    """What a vendor is spared if the dictionary corrects first: items, and tokens of their texts. Nobody is called.

    Messages that are made up are parts of one text, and their typos are the dictionary's: more cannot be spared.
    """
    rows = map(json.loads, LABELLED.read_text(encoding="utf-8").splitlines())
    return [
        *_spared("made up", [one.text for one in messages(ALL_ITEMS, ALL_ITEMS)]),
        *_spared("real lines with typos", [row["source"] for row in rows]),
    ]


def _spared(what: str, texts: Sequence[str]) -> list[Line]:
    left = {mask(text).text for text in texts}
    sent = {by_dictionary(text) for text in left}
    items, tokens = 1 - len(sent) / len(left), 1 - sum(map(estimate_tokens, sent)) / sum(map(estimate_tokens, left))
    how = f"{len(left):,} different texts, {len(sent):,} with it"
    return [
        Line(f"items that a pre-pass spares, {what}", "", percent(items, 2), None, how),
        Line(f"tokens that it spares, {what}", "", percent(tokens, 2), None, how),
    ]


async def twenty() -> list[Line]:
    """Twenty calls at a time, 600 a minute, in real time."""
    lines = []
    async with ground() as where:
        for items, most in ((ITEMS, 90), (ALL_ITEMS, 360)):
            found = await asked(where, items, 20, rpm=600, scale=1)
            limited = found.stats["rate_limited"] / found.calls
            how = f"{found.calls:,} calls, in real time"
            seconds = f"{found.seconds:.0f} s"
            lines += [
                Line(f"{items:,} messages, 20 workers, N=600", f"≤ {most} s", seconds, found.seconds <= most, how),
                Line(f"429s of {found.calls:,} calls", "≤ 0.1 %", percent(limited, 2), limited <= 0.001, how),
            ]
    return lines
