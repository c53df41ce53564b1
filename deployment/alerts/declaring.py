"""What a rule is, and the cases by which it is tested."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

RUNBOOKS = "docs/runbooks.md"


class Severity(StrEnum):
    """Who has to act: somebody now, somebody this week, nobody until they look."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


Series = Mapping[str, str]
"""Series → samples, one a minute, in promtool's notation."""


@dataclass(frozen=True, slots=True)
class Fires:
    """A case in which an alert fires, once, with these labels; `shown` is its value as the description has it."""

    series: Series
    at: str
    labels: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A case in which it does not, though not much is missing."""

    series: Series
    at: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A query that is asked often; its name is level:metric:operation."""

    name: str
    expression: str

    def rule(self) -> dict[str, object]:
        """As Prometheus reads it."""
        return {"record": self.name, "expr": self.expression}


@dataclass(frozen=True, slots=True)
class Alert:
    """A symptom. `summary` names no values, `description` may; `board` is where to look first."""

    name: str
    severity: Severity
    expression: str
    hold: str
    summary: str
    description: str
    board: str
    fires: Sequence[Fires]
    quiet: Sequence[Quiet]

    @property
    def annotations(self) -> dict[str, str]:
        """What a person reads."""
        return {
            "summary": self.summary,
            "description": self.description,
            "runbook_url": f"{RUNBOOKS}#{self.name.lower()}",
            "dashboard_url": f"/d/{self.board}",
        }

    def rule(self) -> dict[str, object]:
        """As Prometheus reads it."""
        labels = {"severity": self.severity.value}
        head = {"alert": self.name, "expr": self.expression, "for": self.hold}
        return head | {"labels": labels, "annotations": self.annotations}

    def tests(self) -> list[dict[str, object]]:
        """As promtool reads them."""
        firing = [_test(self.name, case.series, case.at, [self._expected(case)]) for case in self.fires]
        return firing + [_test(self.name, case.series, case.at, []) for case in self.quiet]

    def _expected(self, case: Fires) -> dict[str, object]:
        shown = {name: _filled(text, case) for name, text in self.annotations.items()}
        return {"exp_labels": {"severity": self.severity.value, **case.labels}, "exp_annotations": shown}


def _filled(text: str, case: Fires) -> str:
    labelled = re.sub(r"{{ \$labels\.(\w+) }}", lambda found: case.labels[found[1]], text)
    return re.sub(r"{{ \$value \| \w+ }}", case.shown, labelled)


def _test(name: str, series: Series, at: str, expected: list[dict[str, object]]) -> dict[str, object]:
    given = [{"series": one, "values": values} for one, values in series.items()]
    asked = {"eval_time": at, "alertname": name, "exp_alerts": expected}
    return {"name": f"{name} {'fires' if expected else 'is quiet'}", "input_series": given, "alert_rule_test": [asked]}
