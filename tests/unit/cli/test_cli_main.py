"""The command line as a whole: every command is where the table says, and nothing is public by accident."""

import click
import pytest
from click.testing import CliRunner

from services.cli.main import COMMANDS, sluice

PLUGINS = {
    "api-keys",
    "correct",
    "correction-runs",
    "dedupe",
    "dedupe-runs",
    "evaluate",
    "evaluate-correction",
    "evaluate-dedupe",
    "review",
    "simulate-vendor",
}


@pytest.mark.parametrize("name", [*COMMANDS, *sorted(PLUGINS)])
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(sluice, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


def test_the_commands_are_these() -> None:
    context = click.Context(sluice)
    assert set(sluice.list_commands(context)) == set(COMMANDS) | PLUGINS


def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(sluice, ["--help"]).output
    assert all(f"  {name} " in shown for name in [*COMMANDS, *PLUGINS])


def test_an_unknown_command_is_wrong_usage() -> None:
    assert CliRunner().invoke(sluice, ["clasify"]).exit_code == 2
