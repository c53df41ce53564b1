"""Generated files: one that is out of date is named, and one command brings it up to date."""

from pathlib import Path

import pytest
import yaml

from deployment import __main__ as generator
from deployment.operators import BOARDS, monitoring_files
from deployment.rendering import render
from tests.unit.deployment import custom_resources


def test_committed_files_are_current() -> None:
    assert generator.check() == 0


def test_a_stale_file_fails_the_check_and_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "folder" / "file.yaml"
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "current_files", lambda: {path: "new\n"})
    assert generator.check() == 1
    assert "folder/file.yaml: out of date" in capsys.readouterr().err
    assert generator.write() == 0
    assert path.read_text() == "new\n"
    assert generator.check() == 0


def test_a_template_refuses_a_placeholder_without_a_value() -> None:
    with pytest.raises(KeyError, match="operation"):
        render("acl.yaml", kind="topic", name="t")


def test_lines_of_a_value_stand_where_it_begins() -> None:
    rendered = render("topic.yaml", topic="t", partitions=1, copies=1, config="a: 1\nb: 2\n")
    assert rendered.endswith("  config:\n    a: 1\n    b: 2\n")


def test_rules_and_boards_are_wrapped_for_the_operators() -> None:
    rules = "groups:\n- name: g\n  rules:\n  - record: a:b:c\n    expr: up\n"
    given = {"k8s/monitoring/prometheus/rules/stages.yml": rules, f"{BOARDS}/dashboards/sluice/flow.json": "{}"}
    files = monitoring_files({**given, "docs/metrics.md": "# Metrics"})
    resource = yaml.safe_load(files["k8s/components/monitoring/rules.yaml"])
    resource["metadata"]["namespace"] = "sluice"
    custom_resources.validate(resource)
    assert resource["spec"] == yaml.safe_load(rules)
    generated = yaml.safe_load(files[f"{BOARDS}/kustomization.yaml"])["configMapGenerator"]
    assert generated == [{"name": "flow", "files": ["dashboards/sluice/flow.json"]}]
