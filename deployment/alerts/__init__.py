"""Alerts and recording rules, and a firing and a quiet case of every alert, as files for Prometheus and promtool."""

from typing import Any

import yaml

from deployment.alerts.declaring import Alert
from deployment.alerts.delivery import DELIVERY
from deployment.alerts.llm import LLM
from deployment.alerts.processes import PROCESSES
from deployment.alerts.recording import RECORDINGS
from deployment.alerts.stages import STAGES

FOLDER = "k8s/monitoring/prometheus"
TESTS = f"{FOLDER}/tests/rules.yml"
GENERATED = "# Generated from deployment/alerts by `make generate`.\n"

GROUPS = {"stages": STAGES, "delivery": DELIVERY, "llm": LLM, "processes": PROCESSES}


def alerts() -> list[Alert]:
    """All of them."""
    return [alert for group in GROUPS.values() for alert in group]


def alert_files() -> dict[str, str]:
    """Path → text of the rules, a concern in a file of its own, and of their tests."""
    named = {"recorded": [one.rule() for one in RECORDINGS]}
    named |= {name: [alert.rule() for alert in group] for name, group in GROUPS.items()}
    files = {f"{FOLDER}/rules/{name}.yml": _text(_group(name, rules)) for name, rules in named.items()}
    return files | {TESTS: _text(tests())}


def _group(name: str, rules: list[dict[str, object]]) -> dict[str, Any]:
    return {"groups": [{"name": f"sluice-{name}", "rules": rules}]}


def tests() -> dict[str, Any]:
    """What `promtool test rules` runs."""
    cases = [test for alert in alerts() for test in alert.tests()]
    return {
        "rule_files": ["../rules/*.yml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m"} | one for one in cases],
    }


def _text(content: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, width=10_000, allow_unicode=True)
    return GENERATED + text
