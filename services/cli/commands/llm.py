"""`sluice llm`: what language models do and cost, and the switch that stops calling them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

from shared.terminal import options

if TYPE_CHECKING:
    from shared.database import Database

T = TypeVar("T")
SCOPE = "[PROVIDER]"


@click.group()
def llm() -> None:
    """Language models: limits and health, money spent, and the switch that stops all calls within a second."""


@llm.command(
    epilog="Examples:\n\n\b\n  sluice llm status\n"
    "  sluice llm status --json | jq '.models[] | select(.breaker != \"closed\").key'"
)
@options.as_json
def status(as_json: bool) -> None:
    """Show each model: limits, holds, breaker, calls in flight, money, cache; then budgets and switches.

    Limits are a minute's. "in use" is what all replicas together use of the smaller of the configured and the
    announced limit; the factor falls with every 429 and grows back by itself.
    """
    from services.cli.listing import llm as listing
    from shared.terminal.printing import print_json, show

    found = _ask(listing.gather)
    print_json(found.as_json()) if as_json else show(*found.as_tables())


@llm.command(
    epilog="Examples:\n\n\b\n  sluice llm usage\n  sluice llm usage --days 30 --json | jq 'map(.cost_usd) | add'"
)
@click.option("--days", type=click.IntRange(1, 3660), default=7, show_default=True, help="Days in UTC, with today.")
@options.as_json
def usage(days: int, as_json: bool) -> None:
    """Sum up the ledger of calls by day, provider, model, question and outcome: calls, tokens, dollars.

    Every attempt counts, failed ones as well. `pending` are in flight; `lost` ones had no end, since their process
    died, and are booked at the most they can have cost.
    """
    from services.cli.listing import llm as listing
    from shared.llm.admission.reading import usage as read
    from shared.terminal.printing import print_json, show

    rows = _ask(lambda database: read(database, days))
    print_json([row._asdict() for row in rows]) if as_json else show(*listing.usage_tables(rows))


@llm.command(
    epilog="Examples:\n\n\b\n  sluice llm pause --reason 'bill is too high'\n"
    "  sluice llm pause openai --reason 'incident at the vendor'\n"
    "  sluice llm pause openai/gpt-4o-mini --reason 'wrong answers'"
)
@click.argument("scope", required=False, metavar=SCOPE)
@click.option("--reason", required=True, help="What everybody who is stopped by it shall read.")
def pause(scope: str | None, reason: str) -> None:
    """Stop calls to every language model, or to one PROVIDER or PROVIDER/MODEL, on all replicas within a second.

    Calls in flight end as they would. Stages that need the model wait, and nothing is lost.
    """
    from shared.llm.admission.reading import switch_off

    covered = _scope(scope)
    _ask(lambda database: switch_off(database, covered, reason))
    click.echo(f"{_named(covered)} paused; `sluice llm resume{_argument(covered)}` lifts it")


@llm.command(epilog="Examples:\n\n\b\n  sluice llm resume            everything\n  sluice llm resume openai")
@click.argument("scope", required=False, metavar=SCOPE)
def resume(scope: str | None) -> None:
    """Allow calls again: to every language model, or to one PROVIDER or PROVIDER/MODEL.

    Also after a vendor was out of quota, once that is set right there.
    """
    from shared.llm.admission.reading import EVERYTHING, switch_on, switches

    covered = _scope(scope)
    for lifted in (found := _ask(lambda database: switch_on(database, covered))):
        click.echo(f"{_named(lifted)} resumed")
    if not found:
        click.echo(f"{_named(covered)} not paused")
    above = {EVERYTHING, covered.partition("/")[0]} - {covered}
    for switch in _ask(switches):
        if switch.scope in above and switch.state == "off":
            click.echo(f"{_named(switch.scope)} still paused: {switch.reason}", err=True)


def _scope(scope: str | None) -> str:
    from shared.errors import UsageError
    from shared.llm.admission.reading import EVERYTHING
    from shared.settings.llm import VENDORS

    if scope is None:
        return EVERYTHING
    if scope.partition("/")[0] not in (EVERYTHING, *VENDORS) or scope.endswith("/"):
        raise UsageError(f"there is no provider {scope!r}", remedy=f"choose one of: {', '.join(VENDORS)}")
    return scope


def _named(scope: str) -> str:
    return "every language model is" if scope == "all" else f"{scope} is"


def _argument(scope: str) -> str:
    return "" if scope == "all" else f" {scope}"


def _ask(question: "Callable[[Database], Coroutine[Any, Any, T]]") -> T:
    from shared.settings import Settings
    from shared.terminal.connect import ask

    return asyncio.run(ask(Settings.load(), question))
