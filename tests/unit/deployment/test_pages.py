"""The pages for operators: what they tell to run exists, and what they tell was measured is what comes out."""

import re
import shlex
from pathlib import Path

import click
import pytest

from services.cli.main import sluice
from tests.benchmarks.autoscaler.simulation import Course
from tests.unit.deployment.rendered import OVERLAYS, VARIABLES, named, overlay

DOCS = Path(__file__).parents[3] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()
SCALING = (DOCS / "scaling.md").read_text()

pages = pytest.mark.parametrize("page", [OPERATIONS, SCALING], ids=["operations", "scaling"])


def sluice_commands() -> list[list[str]]:
    """Every `sluice` command of the page, in blocks and in the text, as words."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", OPERATIONS, re.DOTALL))
    lines = [line.partition("   #")[0] for line in blocks.splitlines()]
    found = [match for line in lines for match in re.findall(r"(?:^|-- |\| )sluice ([a-z-][^|]*)", line)]
    found += re.findall(r"`sluice ([a-z-]+[^`]*)`", OPERATIONS)
    return [shlex.split(command.replace("…", "")) for command in found]


def test_commands_and_their_options_exist() -> None:
    commands = sluice_commands()
    assert len(commands) > 15
    for words in commands:
        command: click.Command = sluice
        context = sluice.make_context("sluice", [], resilient_parsing=True)
        while words and isinstance(command, click.Group):
            found = command.get_command(context, words.pop(0))
            assert found, words
            command = found
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, (command.name, words)


def test_what_kubectl_is_told_is_deployed() -> None:
    kinds = {"deployment": "Deployment", "job": "Job", "scaledobject": "ScaledObject"}
    for kind, name in re.findall(r"(deployment|scaledobject)[/ ]([a-z]+(?:-[a-z]+)*)\b", OPERATIONS):
        assert name in named("prod-llm", kinds[kind]), f"{kind} {name}"
    (jobs,) = re.findall(r"delete job ([a-z ]+) --", OPERATIONS)
    assert set(jobs.split()) == set(named("dev", "Job"))
    for label, value in re.findall(r"--selector (\S+?)=(\S+?)[`\s]", OPERATIONS):
        assert any(one["metadata"]["labels"].get(label) == value for one in overlay("prod-llm")), label


def test_overlays_of_the_page_exist() -> None:
    assert set(re.findall(r"k8s/overlays/([a-z-]+)", OPERATIONS)) == set(OVERLAYS)


@pages
def test_variables_are_settings(page: str) -> None:
    assert set(re.findall(r"SLUICE_[A-Z_]+[A-Z]", page)) <= VARIABLES


@pages
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page):
        assert (DOCS / target).exists(), target


def test_what_the_page_tells_of_the_recommended_settings_comes_out(recommended: Course) -> None:
    (row,) = [line for line in SCALING.splitlines() if line.startswith("| as recommended")]
    ages = [f"{recommended.age(share):,.0f} s" for share in (0.5, 0.99, 1.0)]
    most = f"{recommended.replicas.sum(axis=0).max():.0f}"
    shown = [cell.strip() for cell in row.strip("|").split("|")]
    assert shown[1:] == [*ages, f"{recommended.pod_hours:,.0f}", most, f"{recommended.pauses:,}"]
