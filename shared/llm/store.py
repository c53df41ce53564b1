"""Answers that outlive the process, and who is asking at this moment: shared by all replicas through Postgres."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

import structlog

from shared.database import Database, Queries
from shared.errors import SluiceError, TransientError

log = structlog.get_logger()

CLAIM_SECONDS = 30.0
"""A replica that died frees what it was asking about after this."""
EXTEND_SECONDS = 10.0


@cache
def queries() -> Queries:
    """The statements of this package."""
    return Queries("shared.llm")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer to keep: its reply as JSON, and the item's share of what it took."""

    value: str
    tokens_in: int
    tokens_out: int
    cost_usd: float


class AnswerStore:
    """The cache and claim tables, for one process. `owner` names it among the replicas. Open inside its context."""

    def __init__(self, database: Database, owner: str, *, extend_seconds: float = EXTEND_SECONDS) -> None:
        self._database = database
        self._owner = owner
        self._extend_seconds = extend_seconds
        self._hits: Counter[bytes] = Counter()
        self._claimed: set[bytes] = set()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        with contextlib.suppress(TransientError):
            await self._database.execute(queries()["free_all_claims"], self._owner)
        with contextlib.suppress(TransientError):
            await self._write_hits()

    async def lookup(self, keys: Sequence[bytes]) -> Mapping[bytes, str]:
        """Replies as JSON, for the keys that have one. Raises TransientError."""
        rows = await self._database.fetch(queries()["cached_answers"], list(keys))
        found = {row["key"]: row["value"] for row in rows}
        self._hits.update(found.keys())
        return found

    async def claim(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of `keys` that are ours to ask about; the others are being asked elsewhere. Raises TransientError."""
        rows = await self._database.fetch(queries()["claim_keys"], list(keys), self._owner, CLAIM_SECONDS)
        claimed = {row["key"] for row in rows}
        self._claimed |= claimed
        return claimed

    async def free(self, keys: Sequence[bytes]) -> None:
        """Give up claims without an answer. Raises TransientError."""
        self.forget(keys)
        await self._database.execute(queries()["free_claims"], list(keys), self._owner)

    def forget(self, keys: Iterable[bytes]) -> None:
        """Nobody here asks about these any more: whatever becomes of the database, their claims are not extended."""
        self._claimed.difference_update(keys)

    async def keep(self, answers: Mapping[bytes, Kept], *, question: str, provider: str, model: str) -> None:
        """Store answers and give up the claims on them. Raises TransientError."""
        self.forget(answers)
        kept = list(answers.values())
        await self._database.execute(
            queries()["keep_answers"],
            list(answers),
            [one.value for one in kept],
            [one.tokens_in for one in kept],
            [one.tokens_out for one in kept],
            [one.cost_usd for one in kept],
            question,
            provider,
            model,
        )

    async def _keep(self) -> None:
        """Extend claims and count hits, now and then."""
        while True:
            await asyncio.sleep(self._extend_seconds)
            try:
                if self._claimed:
                    await self._database.execute(
                        queries()["extend_claims"], self._owner, list(self._claimed), CLAIM_SECONDS
                    )
                await self._write_hits()
            except SluiceError as error:  # without it nothing of this would ever be done again
                log.warning("claims are not extended", reason=str(error))

    async def _write_hits(self) -> None:
        if hits := self._hits:
            self._hits = Counter()
            ordered = sorted(hits.items())
            await self._database.execute(
                queries()["count_hits"], [key for key, _ in ordered], [count for _, count in ordered]
            )
