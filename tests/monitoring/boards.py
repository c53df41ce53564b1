"""The committed boards and rules, read as Grafana and Prometheus read them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deployment.alerts import FOLDER
from deployment.dashboards import BOARDS

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / FOLDER / "rules").glob("*.yml"))
CASES = ROOT / FOLDER / "tests" / "rules.yml"


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel."""

    board: str
    panel: str
    expression: str = ""
    legend: str = ""
    instant: bool = False
    sql: str = ""

    def __str__(self) -> str:
        """Where it stands, for the name of a test."""
        return f"{self.board}: {self.panel}{f' ({self.legend})' if self.legend else ''}"


def boards() -> list[dict[str, Any]]:
    """Every board as committed."""
    return [json.loads(path.read_text()) for path in sorted((ROOT / BOARDS).glob("*.json"))]


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Its panels, without the headings of rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def targets(board: dict[str, Any], panel: dict[str, Any]) -> list[Target]:
    """The queries of a panel."""
    return [
        Target(
            board=board["uid"],
            panel=panel["title"],
            expression=target.get("expr", ""),
            legend=target.get("legendFormat", ""),
            instant=target.get("instant", False),
            sql=target.get("rawSql", ""),
        )
        for target in panel["targets"]
    ]


def all_targets() -> list[Target]:
    """The queries of all panels."""
    return [target for board in boards() for panel in panels(board) for target in targets(board, panel)]


def rules() -> list[dict[str, Any]]:
    """Every alert and recording rule as committed."""
    files = [yaml.safe_load(path.read_text()) for path in RULES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


_TEXT = re.compile(r'"[^"]*"')
_SERIES = re.compile(r"\b((?:sluice|process)_\w+|\w+(?::\w+)+)(\{[^}]*\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on|group_left|group_right|ignoring|without)\s*\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Named:
    """A series that an expression names, with the labels and values by which it chooses."""

    series: str
    matchers: tuple[tuple[str, str], ...]


def named(expression: str) -> Iterator[Named]:
    """Every series in a PromQL expression."""
    for series, matchers in _SERIES.findall(expression):
        yield Named(series, tuple(_MATCHER.findall(matchers)))


def grouped(expression: str) -> set[str]:
    """Every label by which an expression groups or joins."""
    return {label.strip() for labels in _GROUPING.findall(_TEXT.sub("", expression)) for label in labels.split(",")}
