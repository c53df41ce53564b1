"""`sluice`: the one command. Every subcommand is a module that is imported only when it is called."""

import importlib
import sys
from typing import Any

import click

from shared.errors import SluiceError, UsageError

COMMANDS = {
    "demo": "services.cli.commands.demo:demo",
    "up": "services.cli.commands.up:up",
    "run": "services.cli.commands.run:run",
    "stages": "services.cli.commands.declared:stages",
    "topics": "services.cli.commands.declared:topics",
    "migrate": "services.cli.commands.setup:migrate",
    "config": "services.cli.commands.setup:config",
    "classify": "services.cli.commands.classify:classify",
    "resume": "services.cli.commands.again:resume",
    "retry-failed": "services.cli.commands.again:retry_failed",
    "batches": "services.cli.commands.listings:batches",
    "results": "services.cli.commands.listings:results",
    "errors": "services.cli.commands.listings:errors",
    "stats": "services.cli.commands.listings:stats",
    "lag": "services.cli.commands.flow:lag",
    "trace": "services.cli.commands.flow:trace",
    "dead-letters": "services.cli.commands.dead_letters:dead_letters",
}
USAGE_EXIT = 2
FAILURE_EXIT = 1


class Commands(click.Group):
    """Commands by name, imported on demand; pipelines add their own by entry point."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order in which a newcomer meets them."""
        return [*COMMANDS, *_plugins()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        plugin = _plugins().get(cmd_name)
        return plugin.load() if plugin else None


def _plugins() -> dict[str, Any]:
    from importlib.metadata import entry_points  # noqa: PLC0415 -- costs time that most commands need not spend

    return {point.name: point for point in entry_points(group="sluice.commands")}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="sluice")
def sluice() -> None:
    """Classify economic indicators as a stream: every stage a service, results in Postgres.

    \b
    First steps:
      sluice demo                          see it work, nothing to set up
      sluice classify FILE --output OUT    classify your own indicators
      sluice up                            keep everything running, with an HTTP API

    Without SLUICE_KAFKA_BOOTSTRAP_SERVERS and SLUICE_DATABASE_URL Sluice starts a broker and a database of its own
    on this machine and stops them afterwards. `sluice config` lists every setting.
    """


def run() -> None:
    """Entry point: errors a person can act on are one sentence, not a traceback."""
    try:
        sluice()
    except UsageError as error:
        click.echo(f"sluice: {error}", err=True)
        sys.exit(USAGE_EXIT)
    except SluiceError as error:
        click.echo(f"sluice: {error}", err=True)
        sys.exit(FAILURE_EXIT)


if __name__ == "__main__":
    run()
