"""All pages of the section by name."""

from services.deduplication.console.decision_pages import DecisionPages
from services.deduplication.console.group_pages import GroupPages
from services.deduplication.console.run_pages import RunPages
from services.deduplication.console.tables import Tables
from services.deduplication.runs.shards import place_of
from shared.console import Views
from shared.settings import Settings


def views(settings: Settings) -> Views:
    """They share the tables that are open."""
    tables = Tables(place_of(settings))
    runs, groups, decisions = RunPages(tables, settings.dedupe.keep_runs), GroupPages(tables), DecisionPages()
    return Views(
        shown={
            "": runs.listed,
            "run": runs.one,
            "command": runs.command,
            "maintenance": runs.maintenance,
            "groups": groups.listed,
            "group": groups.one,
            "export": groups.export,
            "decisions": decisions.listed,
        },
        done={
            "pin": runs.pin,
            "prune": runs.prune,
            "clear": runs.clear,
            "decide": groups.decide,
            "add-terms": decisions.add_terms,
            "remove-terms": decisions.remove_terms,
            "remove-overrides": decisions.remove_overrides,
        },
    )
