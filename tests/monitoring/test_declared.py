"""What boards and alerts name exists, what is declared is shown, and every alert is explained and tested."""

import importlib
import re
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
import yaml

from deployment.alerts import alerts
from deployment.declared import stage_names, stages
from deployment.metrics import declared_metrics
from schemas.delivery import RejectCode
from services.cli.main import sluice
from shared.llm.admission.measure import BREAKER_STATES
from shared.llm.calls import CallOutcome
from shared.llm.gateway import Ask, Question
from shared.runtime.measure import OUTCOMES, STATES
from shared.settings import Settings, describe
from shared.telemetry import metrics
from tests.monitoring.boards import CASES, ROOT, RULES, Target, all_targets, boards, grouped, named, rules
from tests.monitoring.prometheus import promtool

OF_TARGETS = {"instance", "job"}
"""Labels that Prometheus adds to whatever it scrapes."""
VALUES: Mapping[str, set[str]] = {
    "stage": set(stage_names()),
    "state": {*STATES, *BREAKER_STATES},
    "outcome": {*OUTCOMES, *(outcome.value for outcome in CallOutcome)},
    "reason": {code.value for code in RejectCode},
}
"""Labels with a closed list of values."""
NOT_SHOWN = {"process_virtual_memory_bytes": "says nothing that the resident memory does not say better"}
ALERTS = [rule for rule in rules() if "alert" in rule]
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()


def emitted() -> dict[str, set[str]]:
    """Series → labels of all that a scrape or a recording rule brings."""
    scraped = {name: {*labels, *OF_TARGETS} for one in declared_metrics() for name, labels in one.series.items()}
    recorded = {rule["record"]: grouped(rule["expr"]) for rule in rules() if "record" in rule}
    return scraped | recorded


EMITTED = emitted()


def wrong(expression: str) -> list[str]:
    """What an expression names that nobody emits."""
    unknown = [one.series for one in named(expression) if one.series not in EMITTED]
    known = [one for one in named(expression) if one.series in EMITTED]
    labels = {label for one in known for label in EMITTED[one.series]}
    chosen = [(one.series, *matcher) for one in known for matcher in one.matchers]
    return [
        *unknown,
        *(f"{label} of {series}" for series, label, _ in chosen if label not in EMITTED[series]),
        *(
            f"{label}={value}"
            for _, label, text in chosen
            for value in _values(text)
            if value not in VALUES.get(label, {value})
        ),
        *(grouped(expression) - labels),
    ]


def _values(text: str) -> list[str]:
    return [] if "$" in text or "." in text else text.split("|")


@pytest.mark.parametrize("target", [one for one in all_targets() if one.expression], ids=str)
def test_a_panel_names_only_what_is_emitted(target: Target) -> None:
    assert list(named(target.expression))
    assert wrong(target.expression) == []
    legend = set(re.findall(r"{{(\w+)}}", target.legend))
    assert legend <= grouped(target.expression) | OF_TARGETS


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_names_only_what_is_emitted(rule: dict[str, str]) -> None:
    assert list(named(rule["expr"]))
    assert wrong(rule["expr"]) == []


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("sum(rate(sluice_stage_recrods_total[5m]))", ["sluice_stage_recrods_total"]),
        ('sluice_stage_state{colour="red"} == 1', ["colour of sluice_stage_state"]),
        ('sluice_llm_calls_total{outcome!~"ok|rate_limited"}', ["outcome=rate_limited"]),
        ("sum by (partition) (sluice_stage_consumer_lag_records)", ["partition"]),
    ],
)
def test_what_nobody_emits_is_found(expression: str, said: list[str]) -> None:
    assert wrong(expression) == said


def test_every_declared_metric_is_shown_or_watched() -> None:
    expressions = [one.expression for one in all_targets()] + [rule["expr"] for rule in rules()]
    used = {one.series for expression in expressions for one in named(expression)}
    unused = {one.name for one in declared_metrics() if not used & one.series.keys()}
    assert unused == NOT_SHOWN.keys()


def test_every_recording_is_used() -> None:
    used = {one.series for rule in rules() for one in named(rule["expr"])}
    assert {rule["record"] for rule in rules() if "record" in rule} <= used


def test_every_declared_metric_is_recorded_by_the_code() -> None:
    folders = [ROOT / "shared", ROOT / "services"]
    paths = [path for folder in folders for path in folder.rglob("*.py") if path != Path(metrics.__file__)]
    code = "\n".join(path.read_text() for path in paths)
    constants = {name for name, value in vars(metrics).items() if name.isupper() and hasattr(value, "describe")}
    unused = {name for name in constants if not re.search(rf"\b{name}\b", code)}
    assert unused == {"BUILD"}, "this one has its value from the start"


def test_every_stage_that_asks_has_a_question_of_its_name() -> None:
    """Counters of questions begin at 0 under the names of stages."""
    modules = [importlib.import_module(stage.handler.__module__) for stage in stages()]
    found = {value.name for module in modules for value in vars(module).values() if isinstance(value, Question)}
    assert {stage.name for stage in stages() if Ask in stage.resources.values()} == found


def test_boards_have_fixed_ids_and_choose_their_data_sources() -> None:
    found = boards()
    assert len({board["uid"] for board in found}) == len(found) == 5
    for board in found:
        assert "id" not in board
        assert not board["editable"]
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        sources = {panel["datasource"]["uid"] for panel in board["panels"] if "datasource" in panel}
        assert sources <= {"${prometheus}", "${postgres}"}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    headings = re.findall(r"^### (\w+)$", RUNBOOKS, re.MULTILINE)
    assert sorted(headings) == sorted(rule["alert"] for rule in ALERTS)
    for rule in ALERTS:
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks.md#{rule['alert'].lower()}"
        assert rule["annotations"]["dashboard_url"].removeprefix("/d/") in {board["uid"] for board in boards()}


def test_every_alert_says_how_urgent_it_is_and_waits_before_it_fires() -> None:
    for rule in ALERTS:
        assert re.fullmatch(r"Sluice([A-Z][a-z]+)+", rule["alert"])
        assert re.fullmatch(r"\d+m", rule["for"])
        assert f"### {rule['alert']}\n**{rule['labels']['severity'].capitalize()}.**" in RUNBOOKS
        assert "{{" not in rule["annotations"]["summary"]


def test_every_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    cases = yaml.safe_load(CASES.read_text())["tests"]
    asked = [asked for case in cases for asked in case["alert_rule_test"]]
    names = {rule["alert"] for rule in ALERTS}
    assert {one["alertname"] for one in asked if one["exp_alerts"]} == names
    assert {one["alertname"] for one in asked if not one["exp_alerts"]} == names
    assert {alert.name for alert in alerts()} == names


def test_promtool_accepts_the_rules_and_their_cases() -> None:
    promtool("check", "rules", *map(str, RULES))
    promtool("test", "rules", CASES.name, cwd=CASES.parent)


def test_runbooks_name_commands_that_exist() -> None:
    lines = re.findall(r"`(sluice [^`]+)`", RUNBOOKS)
    assert len(lines) > 20
    for line in lines:
        _expect_command(line.split()[1:])


def _expect_command(words: list[str]) -> None:
    command: click.Command = sluice
    context = click.Context(sluice)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words.pop(0))
        assert found is not None, words
        command = found
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_runbooks_name_settings_that_exist() -> None:
    known = {row.variable for row in describe(Settings.load({}))}
    assert set(re.findall(r"SLUICE_[A-Z_]+", RUNBOOKS)) <= known
