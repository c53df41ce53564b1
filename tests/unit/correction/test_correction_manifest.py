"""The manifest as a contract: what is refused of it, and what people are told."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.correction import TranscriptSource
from services.correction.discover import look_through
from services.correction.manifest import checked, manifest, recommendations
from services.correction.summary import Summary, shown
from shared.errors import UsageError

HUMAN = {"messages": [{"role": "human", "content": "hello there"}, {"role": "assistant", "content": "yes"}]}


def noted(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / f"{name}.jsonl").write_text(text)
    return recommendations(look_through(TranscriptSource(source_id="s", path=str(folder)))[0])


def document(folder: Path, **more: Any) -> dict[str, Any]:
    found, _ = look_through(TranscriptSource(source_id="s", path=str(folder)))
    return manifest(found, path=str(folder), run_id="r", assessed_at="now") | {"go_no_go": "GO", **more}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"go_no_go": "NO-GO"}, "NO-GO.*--force"),
        ({"go_no_go": "MAYBE"}, "none of GO, CAUTION, NO-GO"),
        ({"go_no_go": None}, "none of GO"),
        ({"go_no_go": ["GO"]}, "none of GO"),
        ({"manifest_version": "9"}, "not of version 1.0"),
        ({"source": {}}, "lacks source.path"),
        ({"source": "text"}, "lacks source.path"),
        ({"source": {"path": 5}}, "lacks source.path"),
    ],
)
def test_what_is_no_go_for_later_stages_is_refused(tmp_path: Path, wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){why}"):
        checked(document(tmp_path, **wrong))


def test_a_manifest_that_lacks_something_is_refused(tmp_path: Path) -> None:
    whole = document(tmp_path)
    with pytest.raises(UsageError, match="lacks run_id"):
        checked({name: value for name, value in whole.items() if name != "run_id"})


def test_a_decision_to_go_on_is_kept_to(tmp_path: Path) -> None:
    assert checked(document(tmp_path, go_no_go="CAUTION")) == str(tmp_path)
    assert checked(document(tmp_path, go_no_go="NO-GO"), force=True) == str(tmp_path)


def test_files_that_cannot_be_read_are_named_with_their_first_error(tmp_path: Path) -> None:
    told = noted(tmp_path, good=json.dumps(HUMAN), bad=f"{json.dumps(HUMAN)}\n[1]\n{{broken")
    assert told == [
        "2 of 4 lines, in 1 of 2 files, cannot be read",
        "bad.jsonl: 2 unreadable, first line 2: the line is no JSON object",
    ]


def test_a_human_is_a_user(tmp_path: Path) -> None:
    assert noted(tmp_path, a=json.dumps(HUMAN)) == []
    only_one = {"messages": [{"role": "user", "content": "hello there"}]}
    assert noted(tmp_path, a=json.dumps(only_one)) == ["no message has the role assistant"]


def test_a_summary_says_where_the_unreadable_lines_are(capsys: pytest.CaptureFixture[str]) -> None:
    told = Summary("run-1", "GO", (), 2, 1, {}, 1, 1, 1, [], 0, None, 0, 0, cost_usd=0.0)
    shown(told, quiet=False, as_json=False)
    assert "sluice dead-letters list --batch run-1" in capsys.readouterr().err
