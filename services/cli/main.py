"""`sluice`: the one command. Every subcommand is a module that is imported only when it is called."""

import importlib
import sys
from functools import cache
from importlib.metadata import entry_points
from typing import NamedTuple

import click

from shared.errors import SluiceError, UsageError


class Entry(NamedTuple):
    """Where a command lies, and its line in `sluice --help`, which shall not wait for the import of all of them."""

    target: str
    help: str


_IN = "services.cli.commands"
COMMANDS = {
    "demo": Entry(f"{_IN}.demo:demo", "See it work: 10,000 indicators, nothing to set up."),
    "up": Entry(f"{_IN}.up:up", "Run broker, database, every stage and the API until Ctrl-C."),
    "run": Entry(f"{_IN}.run:run", "Run stages as a service of their own."),
    "classify": Entry(f"{_IN}.classify:classify", "Classify indicators from files or standard input."),
    "estimate": Entry(f"{_IN}.estimate:estimate", "Say what a run with a language model would take."),
    "resume": Entry(f"{_IN}.again:resume", "Finish batches that were interrupted."),
    "retry-failed": Entry(f"{_IN}.again:retry_failed", "Submit dead-lettered indicators again."),
    "batches": Entry(f"{_IN}.listings:batches", "List batches, or show one in full."),
    "results": Entry(f"{_IN}.listings:results", "Show results, in total and one by one."),
    "errors": Entry(f"{_IN}.listings:errors", "Show failures and what is incomplete."),
    "stats": Entry(f"{_IN}.listings:stats", "Show statistics over everything."),
    "lag": Entry(f"{_IN}.flow:lag", "Show how far each stage is behind."),
    "trace": Entry(f"{_IN}.flow:trace", "Follow one indicator over the topics."),
    "llm": Entry(f"{_IN}.llm:llm", "Show what language models do and cost; pause and resume them."),
    "dead-letters": Entry(f"{_IN}.dead_letters:dead_letters", "List, show and replay what could not be processed."),
    "stages": Entry(f"{_IN}.declared:stages", "List the stages as they are declared."),
    "topics": Entry(f"{_IN}.declared:topics", "Create and check the topics."),
    "migrate": Entry(f"{_IN}.setup:migrate", "Bring the tables to what this release needs."),
    "config": Entry(f"{_IN}.setup:config", "List every setting with its meaning."),
}
USAGE_EXIT = 2
FAILURE_EXIT = 1


class Commands(click.Group):
    """Commands by name, imported on demand; other services add their own by entry point."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order in which a newcomer meets them."""
        return list(_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        entry = _commands().get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            remedy = f"Install the extra that brings it: pip install sluice[{module.split('.')[1]}]"
            raise UsageError(f"`sluice {cmd_name}` needs the package {error.name}", remedy=remedy) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `sluice --help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in _commands().items()])


@cache
def _commands() -> dict[str, Entry]:
    """Ours, and the tables that other services register under `sluice.commands`."""
    tables = [point.load() for point in sorted(entry_points(group="sluice.commands"), key=lambda point: point.name)]
    return COMMANDS | {name: Entry(*entry) for table in tables for name, entry in table.items()}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="sluice")
def sluice() -> None:
    """Classify economic indicators as a stream: every stage a service, results in Postgres.

    \b
    First steps:
      sluice demo                          see it work, nothing to set up
      sluice classify FILE --output OUT    classify your own indicators
      sluice correct FOLDER --output OUT   repair typos in chat transcripts
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
