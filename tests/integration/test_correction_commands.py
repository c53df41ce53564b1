"""The commands about correction that need no stages: dry runs, estimates, evaluations, wrong usage."""

import json
from pathlib import Path

import pytest

from services.correction.masking import mask
from tests.integration.sluice_command import Sluice, runner
from tests.transcripts import messages, write_folder

LABELLED = Path(__file__).parents[1] / "data" / "oss_typos.jsonl"
COUNT = 300


@pytest.fixture
def sluice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, state_directory: Path
) -> Sluice:
    variables = {"SLUICE_STATE_DIR": str(state_directory / "unused"), "OPENAI_API_KEY": "sk-nobody-is-called"}
    return runner(monkeypatch, capsys, tmp_path, variables)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "transcripts", messages(COUNT, seed=4), a_file=100)
    return tmp_path / "transcripts"


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def test_a_dry_run_says_what_would_come_of_it_and_writes_nothing(sluice: Sluice, folder: Path) -> None:
    before = files_in(folder)
    answer = await sluice("correct", str(folder), "--dry-run", "--json", "--manifest", "m.json")
    assert answer.code == 0, answer.err
    found = answer.json
    assert found["by_status"]["corrected"] > COUNT / 3
    assert sum(found["by_status"].values()) == found["rows"] == found["rows_final"]
    assert (found["calls"], found["cost_usd"]) == (0, 0)
    assert files_in(folder) == before
    again = await sluice("correct", "m.json", "--dry-run", "--json")
    assert again.json["by_status"] == found["by_status"]


async def test_a_dry_run_with_a_vendor_tells_calls_tokens_and_dollars(sluice: Sluice, folder: Path) -> None:
    answer = await sluice("correct", str(folder), "--dry-run", "--provider", "openai", "--json")
    assert answer.code == 0, answer.err
    distinct = len({mask(message.text).text for message in messages(COUNT, seed=4)})
    assert answer.json["calls"] == -(-distinct // 15)
    assert answer.json["tokens_in"] > 10 * distinct
    assert answer.json["cost_usd"] > 0


async def test_the_diff_shows_corrected_lines_before_and_after(sluice: Sluice, tmp_path: Path) -> None:
    record = {"type": "user", "message": {"role": "user", "content": "first line\nplease fix teh `teh` bug"}}
    (tmp_path / "one.jsonl").write_text(json.dumps(record) + "\n")
    answer = await sluice("correct", "one.jsonl", "--dry-run", "--diff", "--quiet")
    assert answer.out.splitlines() == ["one.jsonl:1", "- please fix teh `teh` bug", "+ please fix the `teh` bug"]


async def test_the_diff_is_in_colour_on_a_terminal_that_wants_it(
    sluice: Sluice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {"type": "user", "message": {"role": "user", "content": "please fix teh bug"}}
    (tmp_path / "one.jsonl").write_text(json.dumps(record) + "\n")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    shown = await sluice("correct", "one.jsonl", "--dry-run", "--diff", "--quiet")
    assert "\x1b[31m- please fix teh bug\x1b[0m\n\x1b[32m+ please fix the bug\x1b[0m" in shown.out
    monkeypatch.setenv("NO_COLOR", "1")
    plain = await sluice("correct", "one.jsonl", "--dry-run", "--diff", "--quiet")
    assert "\x1b" not in plain.out


async def test_a_manifest_with_no_go_is_gone_on_from_by_force(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{a\n{b\n" + json.dumps({"type": "user", "content": "please fix teh bug"}))
    first = await sluice("correct", "bad.jsonl", "--dry-run", "--manifest", "m.json")
    assert first.code == 1
    assert "bad.jsonl: 2 unreadable, first line 1: not valid JSON" in first.err
    assert "--force" in (await sluice("correct", "m.json", "--dry-run")).err
    forced = await sluice("correct", "m.json", "--dry-run", "--force", "--json")
    assert forced.json["by_status"] == {"corrected": 1}


async def test_wrong_usage_is_answered_at_once(sluice: Sluice, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "no.json").write_text("no")
    assert (await sluice("correct", "empty.jsonl")).code == 2
    assert "unknown suffix" in (await sluice("correct", "empty.jsonl", "--output", "out.txt")).err
    assert "no manifest" in (await sluice("correct", "no.json", "--dry-run")).err
    assert "has no key" in (await sluice("correct", "empty.jsonl", "--dry-run", "--provider", "anthropic")).err
    assert (await sluice("correct", "missing.jsonl", "--dry-run")).code == 2
    assert "no format 'foo'" in (await sluice("correct", "empty.jsonl", "--dry-run", "--format", "foo")).err
    assert "does not exist" in (await sluice("correct", "empty.jsonl", "--dry-run", "--manifest", "no/m.json")).err
    contract = {"manifest_version": "1.0", "discovery": {}, "go_no_go": "GO", "recommendations": [], "run_id": ""}
    for path, why in ((tmp_path / "gone", "gone does not exist"), ("a\0b", "not absolute"), ("/a" * 4_000, "at most")):
        (tmp_path / "m.json").write_text(json.dumps({**contract, "source": {"path": str(path)}}))
        assert why in (await sluice("correct", "m.json", "--dry-run")).err
    (tmp_path / "in").mkdir()
    for wrong in (["in", "--output", "in/out.jsonl"], ["empty.jsonl", "--output", "empty.jsonl"]):
        refused = await sluice("correct", *wrong)
        assert (refused.code, "read as a transcript" in refused.err) == (2, True)
    hopeless = await sluice("correct", "empty.jsonl", "--dry-run", "--json")
    assert (hopeless.code, hopeless.json["decision"]) == (1, "NO-GO")


async def test_an_evaluation_reports_recall_spans_and_over_correction(sluice: Sluice) -> None:
    answer = await sluice("evaluate-correction", str(LABELLED), "--json")
    assert answer.code == 0, answer.err
    score = answer.json["scores"]["gold"]
    assert (score["rows"], score["edits"], score["clean"]) == (173, 186, 173)
    assert score["recall"] >= 0.59
    kinds = score["by_kind"]
    assert sum(kind["listed"] for kind in kinds.values()) == score["edits"]
    assert sum(kind["repaired"] for kind in kinds.values()) == score["repaired"]
    assert kinds["spelling"]["repaired"] > 100
    assert score["sentences_after"] >= score["sentences_before"] > 173
    assert score["protected_share"] == 1.0
    assert score["clean_breaches"] == 0
    assert score["clean_changed"] <= 3
    told = await sluice("evaluate-correction", str(LABELLED), "--worst", "1")
    assert "recall" in told.out
    assert (await sluice("evaluate-correction", "missing.jsonl")).code == 2
