"""`sluice migrate` and `sluice config`: the database's tables, and every setting there is."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from shared.errors import UsageError
from shared.terminal import options

if TYPE_CHECKING:
    from shared.settings import Settings


NO_ROLES = (
    "the server has no roles {}, and we may not create them. All works without them, as the owner of the tables; "
    "once an administrator has created them, `sluice migrate` grants them what they are for"
)


@click.command(
    epilog="Examples:\n\n\b\n  sluice migrate                    everything; what to run where nothing is running yet\n"
    "  sluice migrate --phase pre        before new code is deployed; old code goes on working\n"
    "  sluice migrate --phase post       after the last old process has gone"
)
@click.option("--phase", type=click.Choice(["pre", "post"]), help="Only migrations of this phase. [default: both]")
@options.as_json
def migrate(phase: str | None, as_json: bool) -> None:
    """Bring the tables of the database to what this release needs.

    All or nothing, and safe to run again and from many machines at once. Creates the roles sluice_stage, sluice_api and
    sluice_reader too, if the user who migrates may, and grants each what its users need. Works on SLUICE_DATABASE_URL,
    else on the embedded database.
    """
    from shared.terminal.printing import print_json

    applied, missing, roles = asyncio.run(_migrate(phase))
    if roles:
        click.echo(NO_ROLES.format(", ".join(roles)), err=True)
    if as_json:
        print_json({"applied": applied, "missing": missing})
        return
    for one in applied:
        click.echo(f"applied {one['version']:04} {one['phase']} {one['name']}")
    if not applied:
        click.echo("nothing to apply")
    for one in missing:
        click.echo(f"still missing: {one['version']:04} {one['phase']} {one['name']}")


async def _migrate(phase: str | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    from shared.database import Migration, apply_migrations, keep_roles, missing_migrations
    from shared.settings import Settings
    from shared.terminal.connect import open_database

    def row(migration: Migration) -> dict[str, Any]:
        return {"version": migration.version, "phase": migration.phase, "name": migration.name}

    async with open_database(Settings.load(), migrated=False) as database:
        if phase == "post" and any(one.phase == "pre" for one in await missing_migrations(database)):
            raise UsageError("migrations of phase pre are missing", remedy="Run `sluice migrate --phase pre` first.")
        applied = await apply_migrations(database, _phases(phase))
        missing = [row(one) for one in await missing_migrations(database)]
        return [row(one) for one in applied], missing, await keep_roles(database)


def _phases(phase: str | None) -> Any:
    return (phase,) if phase else ("pre", "post")


@click.command(
    epilog="Examples:\n\n\b\n  sluice config                 every setting, with what it means\n"
    "  sluice config --set           only what differs from the default\n"
    "  sluice config KAFKA           only variables with KAFKA in their name"
)
@click.argument("word", required=False, metavar="[WORD]")
@click.option("--set", "only_set", is_flag=True, help="Only settings that differ from their default.")
@options.as_json
def config(word: str | None, only_set: bool, as_json: bool) -> None:
    """List every setting: the environment variable, its value now, its default and its meaning.

    Values come from the environment and, below it, from `.env` in the working directory. Secrets are masked. If a value
    is wrong, the defaults are listed and exit code 2 says so.
    """
    from shared.settings import describe
    from shared.terminal.printing import print_json, show, table

    settings, problem = _settings()
    rows = [
        row
        for row in describe(settings)
        if (not only_set or row.value != row.default)
        and (not word or any(word.upper() in name.upper() for name in (row.variable, *row.also)))
    ]
    if as_json:
        print_json([row._asdict() for row in rows])
    else:
        shown = [(row.variable, row.value, row.default, _meaning(row.meaning, row.also)) for row in rows]
        show(table("Settings", ("variable", "value", "default", "meaning"), shown))
    if problem:
        raise problem


def _settings() -> tuple["Settings", UsageError | None]:
    """The settings; the defaults and the reason if they cannot be read: the list is what helps to repair them."""
    from shared.settings import Settings

    try:
        return Settings.load(), None
    except UsageError as error:
        return Settings.load({}), error


def _meaning(meaning: str, also: tuple[str, ...]) -> str:
    return f"{meaning} (also {', '.join(also)})" if also else meaning
