"""Groups of a run: the list, one of them, all of them as a file, and deciding about the records of one."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.deduplication.console.command_line import explain
from services.deduplication.console.group import Chosen, group_of, records_of
from services.deduplication.console.groups import (
    ANY,
    BUCKETS,
    PAGE_ROWS,
    Asked,
    Found,
    find_groups,
    groups_csv,
    records_csv,
)
from services.deduplication.console.tables import Opened, Tables
from services.deduplication.decisions import DISPOSITIONS, Override, decide, overrides_of, undecide
from shared.console import Download, Page, Visit
from shared.errors import UsageError

CSV = "text/csv; charset=utf-8"
BY_RULES = "by the rules"


class Saving(BaseModel):
    """What a file is to hold: a row for each group, or for each record of them."""

    what: Literal["groups", "records"] = "groups"


class Decision(BaseModel):
    """What is to become of records of a group."""

    disposition: Literal["Keep", "Update", "Verify", "Delete", "by the rules"]
    reason: Annotated[str, Field(max_length=1_000)] = ""
    by: Annotated[str, Field(max_length=200)] = ""


class GroupPages:
    """Pages about groups."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def listed(self, visit: Visit) -> Page:
        """A page of the groups that fit."""
        asked = Asked.model_validate(visit.values)
        opened, found = await self._found(visit, asked)
        total = found.groups.num_rows
        values = {"run": opened.run, "asked": asked, "groups": found.page(asked), "total": total}
        choices = {"buckets": found.buckets, "all_rows": PAGE_ROWS, "dispositions": DISPOSITIONS, "any": ANY}
        return Page("groups", {**values, **choices, "last": max(1, -(-total // asked.rows)), "low": min(BUCKETS)})

    async def export(self, visit: Visit) -> Download:
        """All that fit, as CSV."""
        asked, saving = Asked.model_validate(visit.values), Saving.model_validate(visit.values)
        opened, found = await self._found(visit, asked)
        parts = groups_csv(found) if saving.what == "groups" else records_csv(found, opened.members)
        name = f"{saving.what}-{asked.run}-threshold-{asked.threshold or 'any'}.csv"
        return Download(name, CSV, parts)

    async def _found(self, visit: Visit, asked: Asked) -> tuple[Opened, Found]:
        opened = await self._tables.of(visit.database, asked.run)
        return opened, await self._tables.in_thread(find_groups, opened.groups, opened.members, asked)

    async def one(self, visit: Visit) -> Page:
        """Everything about a group."""
        return await self._group(visit, Chosen.model_validate(visit.values))

    async def _group(self, visit: Visit, chosen: Chosen, notice: str = "", failed: bool = False) -> Page:
        opened = await self._tables.of(visit.database, chosen.run)
        found = await self._tables.in_thread(group_of, opened, chosen)
        ids = [record["account_id"] for part in found["tables"] for record in part.records]
        decided = {one.account_id: one for one in await overrides_of(visit.database, ids)}
        commands = [explain(chosen.run, (ids[0], other)) for other in ids[1:2]]
        values = {"run": opened.run, "chosen": chosen, "decided": decided, "commands": commands}
        choices = {"buckets": BUCKETS, "dispositions": (*DISPOSITIONS, BY_RULES)}
        told = {"notice": notice, "failed": failed}
        return Page("group", {**found, **values, **choices, **told}, 422 if failed else 200)

    async def decide(self, visit: Visit) -> Page:
        """Decide about the records of a group that are named, or about all of them, for every run to come."""
        chosen, decision = Chosen.model_validate(visit.values), Decision.model_validate(visit.values)
        opened = await self._tables.of(visit.database, chosen.run)
        records = await self._tables.in_thread(records_of, opened, chosen.group)
        try:
            ids = _named(records, visit.every("account"))
        except UsageError as error:
            return await self._group(visit, chosen, str(error), failed=True)
        if decision.disposition == BY_RULES:
            notice = f"{len(await undecide(visit.database, ids)):,} left to the rules again."
        else:
            overrides = [Override(account_id, decision.disposition, decision.reason) for account_id in ids]
            await decide(visit.database, overrides, decision.by)
            notice = f"{len(ids):,} are to be {decision.disposition}, in every run from the next on."
        return await self._group(visit, chosen, notice)


def _named(records: Sequence[dict[str, Any]], named: Sequence[str]) -> list[str]:
    """Ids of the records that are named; of all if none is. Raises UsageError for one of another group."""
    ids = [record["account_id"] for record in records]
    if others := set(named).difference(ids):
        raise UsageError(f"{', '.join(sorted(others))}: not in this group")
    return list(named) or ids
