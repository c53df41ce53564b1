"""Runs: which there are, how far they are, what they came to, and which may go."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field

from schemas.deduplication import RunId
from services.deduplication.console.command_line import Command, about_run
from services.deduplication.console.tables import Tables
from services.deduplication.pipeline import FLOW
from services.deduplication.rules import Profile
from services.deduplication.runs import store as runs
from services.deduplication.runs.pruning import remove_runs
from services.deduplication.runs.results import Made
from services.deduplication.runs.shards import DamagedError
from services.deduplication.runs.store import Run, Status, find, listed, prunable, stages_of
from services.deduplication.runs.summary import as_json, notices
from shared.console import Page, Visit

RUNS_SHOWN = 100
MOST_RUNS = 10_000


class Which(BaseModel):
    """A run."""

    run: RunId
    live: bool = True


class Pinning(BaseModel):
    """Whether a run is to be kept."""

    run: RunId
    pinned: bool


class Listing(BaseModel):
    """Runs of one type, or of any."""

    run_type: Literal["", "test", "dev", "prod"] = ""
    live: bool = True


class Pruning(BaseModel):
    """Which runs may go: all but so many of the newest."""

    keep: Annotated[int, Field(ge=0, le=MOST_RUNS)]
    run_type: Literal["", "test", "dev", "prod"] = ""


class RunPages:
    """Pages about runs as such."""

    def __init__(self, tables: Tables, keep: int) -> None:
        self._tables = tables
        self._keep = keep

    async def listed(self, visit: Visit) -> Page:
        """The newest runs."""
        asked = Listing.model_validate(visit.values)
        found = await listed(visit.database, run_type=asked.run_type or None, limit=RUNS_SHOWN)
        live = asked.live and any(run.status is Status.RUNNING for run in found)
        return Page("runs", {"runs": found, "asked": asked, "most": RUNS_SHOWN, "live": live})

    async def one(self, visit: Visit) -> Page:
        """How a run goes, stage by stage, and what it came to."""
        asked = Which.model_validate(visit.values)
        return await self._run(visit, asked)

    async def _run(self, visit: Visit, asked: Which, notice: str = "") -> Page:
        run = await find(visit.database, asked.run)
        shown = as_json(run, await stages_of(visit.database, run.run_id))
        done, total = (sum(stage[name] for stage in shown["stages"]) for name in ("done", "shards"))
        values = {"run": shown, "done": done, "total": total, "commands": about_run(run.run_id), "notice": notice}
        outcome = await self._outcome(visit, run) if run.status is Status.COMPLETE else {}
        return Page("run", {**values, "outcome": outcome, "live": asked.live and run.status is Status.RUNNING})

    async def _outcome(self, visit: Visit, run: Run) -> dict[str, Any]:
        """What a complete run counts. Nothing where its files are gone: the rest of the page is there all the same."""
        made = await self._tables.made(visit.database, run)
        try:
            return await self._tables.in_thread(_documents, made)
        except DamagedError as error:
            return {"damaged": str(error)}

    async def pin(self, visit: Visit) -> Page:
        """Keep a run, or not any longer."""
        asked = Pinning.model_validate(visit.values)
        await find(visit.database, asked.run)
        await runs.pin(visit.database, asked.run, asked.pinned)
        # Pages renew themselves by their address, and here it is that of a form.
        still = Which(run=asked.run, live=False)
        return await self._run(visit, still, "It is kept." if asked.pinned else "It may be pruned.")

    async def maintenance(self, visit: Visit) -> Page:
        """What would go; nothing goes."""
        return await self._maintenance(visit, Pruning.model_validate({"keep": self._keep, **visit.values}))

    async def _maintenance(self, visit: Visit, asked: Pruning, notice: str = "", failed: bool = False) -> Page:
        ids = await prunable(visit.database, asked.keep, asked.run_type or None)
        going = [await find(visit.database, run_id) for run_id in ids[:RUNS_SHOWN]]
        values = {"going": going, "count": len(ids), "asked": asked, "opened": self._tables.count}
        return Page("maintenance", {**values, "notice": notice, "failed": failed}, 422 if failed else 200)

    async def prune(self, visit: Visit) -> Page:
        """Remove the runs that were shown and still may go."""
        asked = Pruning.model_validate({"keep": self._keep, **visit.values})
        named = visit.every("run")
        if not named:
            return await self._maintenance(visit, asked, "No run is chosen.", failed=True)
        may_go = await prunable(visit.database, asked.keep, only=named)
        gone = await remove_runs(visit.database, self._tables.storage, may_go)
        kept = f"; {len(named) - len(gone):,} may not go" if len(gone) < len(named) else ""
        return await self._maintenance(visit, asked, f"{len(gone):,} removed{kept}.")

    async def clear(self, visit: Visit) -> Page:
        """Close the tables that are open."""
        asked = Pruning(keep=self._keep)
        return await self._maintenance(visit, asked, f"{self._tables.clear():,} run(s) closed.")

    async def command(self, visit: Visit) -> Page:
        """The command for what is chosen."""
        command = Command.model_validate(visit.values)
        return Page(
            "command", {"command": command, "profiles": get_args(Profile), "stages": [stage.name for stage in FLOW]}
        )


def _documents(made: Made) -> dict[str, Any]:
    meta = made.document("review_meta")
    return {**made.document("perf_summary"), **meta, "notices": notices(meta)}
