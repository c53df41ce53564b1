"""The audit of dependencies never takes silence for good news."""

import json
from typing import Any

import pytest

from tests.audit import KNOWN, NOT_ASKED, WARNING, tolerated, verdict

GOOD = {"name": "click", "version": "8.3.0", "vulns": []}
FLAWED = {"name": "old", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
SKIPPED = {"name": "rich", "skip_reason": "Dependency not found on PyPI"}


def _report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


@pytest.mark.parametrize(
    ("report", "complaint", "code", "said"),
    [
        (_report(GOOD), "", 0, "1 packages, 0 known vulnerabilities"),
        (_report(GOOD, FLAWED), "", KNOWN, "old 1: PYSEC-1, fixed in 2"),
        (_report(GOOD, SKIPPED), "", NOT_ASKED, "could not ask about 1 of 2 packages"),
        (_report(FLAWED, SKIPPED), "", KNOWN, "could not ask about 1 of 2 packages"),
        (_report(), "", NOT_ASKED, "could not ask"),
        ("", "ERROR: x\nConnectionError: no route", NOT_ASKED, "could not ask: ConnectionError: no route"),
        ("null", "", NOT_ASKED, "could not ask: it said nothing"),
    ],
)
def test_what_a_report_means(report: str, complaint: str, code: int, said: str) -> None:
    found = verdict(report, complaint)
    assert found.code == code
    assert said in "\n".join(found.lines)


@pytest.mark.parametrize(
    ("report", "code", "warned"),
    [
        (_report(GOOD), 0, False),
        (_report(FLAWED), KNOWN, False),
        (_report(FLAWED, SKIPPED), KNOWN, False),
        (_report(GOOD, SKIPPED), 0, True),
        ("", 0, True),
    ],
)
def test_where_it_could_not_ask_a_check_goes_on_and_says_so(report: str, code: int, warned: bool) -> None:
    found = verdict(report, "no route")
    lenient = tolerated(found)
    assert lenient.code == code
    assert lenient.lines == found.lines + [WARNING] * warned
