"""Generated files: one that is out of date is named, and one command brings it up to date."""

from pathlib import Path

import pytest

from shared import generated
from shared.deployment.rendering import render


def test_committed_files_are_current() -> None:
    stale = [path for path, content in generated.files().items() if path.read_text() != content]
    assert stale == []


def test_a_stale_file_fails_the_check_and_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "folder" / "file.yaml"
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    monkeypatch.setattr(generated, "SOURCES", [lambda: {path: "new\n"}])
    assert generated.check() == 1
    assert "folder/file.yaml: out of date" in capsys.readouterr().err
    assert generated.write() == 0
    assert path.read_text() == "new\n"
    assert generated.check() == 0


def test_a_template_refuses_a_placeholder_without_a_value() -> None:
    with pytest.raises(KeyError, match="operations"):
        render("acl.yaml", kind="topic", name="t", pattern="literal")


def test_lines_of_a_value_stand_where_it_begins() -> None:
    rendered = render("topic.yaml", topic="t", partitions=1, copies=1, config="a: 1\nb: 2\n")
    assert rendered.endswith("  config:\n    a: 1\n    b: 2\n")
