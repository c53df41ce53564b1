"""What people have decided for every run to come: overrides of accounts, and the blacklist."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.deduplication import decisions
from shared.console import Page, Visit

MOST_SHOWN = 500


class Terms(BaseModel):
    """Terms to put on the blacklist, one a line."""

    terms: Annotated[str, Field(max_length=20_000)]
    by: Annotated[str, Field(max_length=200)] = ""


class DecisionPages:
    """Both lists on one page, and what changes them."""

    async def listed(self, visit: Visit) -> Page:
        """What is decided."""
        return await self._listed(visit)

    async def _listed(self, visit: Visit, notice: str = "", failed: bool = False) -> Page:
        overrides, terms = await decisions.overrides(visit.database), await decisions.blacklist(visit.database)
        values = {"overrides": overrides[:MOST_SHOWN], "terms": terms[:MOST_SHOWN], "most": MOST_SHOWN}
        counts = {"decided": len(overrides), "listed": len(terms)}
        return Page("decisions", {**values, **counts, "notice": notice, "failed": failed}, 422 if failed else 200)

    async def add_terms(self, visit: Visit) -> Page:
        """Put terms on the blacklist."""
        given = Terms.model_validate(visit.values)
        terms = [line for line in given.terms.splitlines() if line.strip()]
        if not terms:
            return await self._listed(visit, "No term is given.", failed=True)
        await decisions.add_terms(visit.database, terms, given.by)
        return await self._listed(visit, f"{len(terms):,} on the blacklist, from the next run on.")

    async def remove_terms(self, visit: Visit) -> Page:
        """Take terms off it."""
        gone = await decisions.remove_terms(visit.database, visit.every("term"))
        return await self._listed(visit, f"{len(gone):,} taken off the blacklist.", failed=not gone)

    async def remove_overrides(self, visit: Visit) -> Page:
        """Leave accounts to the rules again."""
        gone = await decisions.undecide(visit.database, visit.every("account"))
        return await self._listed(visit, f"{len(gone):,} left to the rules again.", failed=not gone)
