"""What becomes of every message and block of a record, in both formats: rows, each with what belongs to it."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.correction import TranscriptSource
from services.correction import scanning
from services.correction.discover import look_through
from services.correction.extract import extracted
from services.correction.results import body_of
from services.correction.transcripts.chat_export import ChatExport
from services.correction.transcripts.injected import parted
from services.correction.transcripts.rows import LONGEST_EXTRA, Adapter, Row, Skipped, kept_extra
from services.correction.transcripts.session_log import SessionLog


def rows_of(adapter: Adapter, record: dict[str, Any]) -> list[Row]:
    found = adapter.rows(record)
    assert not isinstance(found, Skipped)
    return list(found)


def chat(*messages: Any, **more: Any) -> list[Row]:
    return rows_of(ChatExport(), {"messages": list(messages), **more})


def log(content: Any, **more: Any) -> list[Row]:
    return rows_of(SessionLog(), {"type": "user", "message": {"role": "user", "content": content}, **more})


def shown(rows: list[Row]) -> list[tuple[str, str, str]]:
    return [(row.message_type, row.body, row.not_typed) for row in rows]


def node(parent: str | None, role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {
        "parent": parent,
        "message": {"id": f"id of {content}", "author": {"role": role}, "content": content} | more,
    }


class TestChatGpt:
    def test_every_message_of_a_tree_is_a_row(self) -> None:
        code = {"content_type": "code", "language": "python", "text": "print(1)"}
        thoughts = {"content_type": "thoughts", "thoughts": [{"content": "hm"}]}
        hidden = {"metadata": {"is_visually_hidden_from_conversation": True}}
        mapping = {
            "root": {"parent": None, "message": None},
            "s": node("root", "system", {"content_type": "text", "parts": [""]}),
            "h": node("s", "user", {"content_type": "text", "parts": ["about teh user"]}, **hidden),
            "u": node("h", "user", {"content_type": "text", "parts": ["teh question"]}),
            "old": node("h", "user", {"content_type": "text", "parts": ["first wording"]}),
            "c": node("u", "assistant", code, metadata={"model_slug": "m-1"}),
            "t": {"parent": "c", "message": {"author": {"role": "tool", "name": "python"}, "content": {"text": "1"}}},
            "n": node("t", "assistant", thoughts),
            "odd": 5,
        }
        found = rows_of(ChatExport(), {"mapping": mapping, "current_node": "n"})
        assert shown(found) == [
            ("system", "", "no-content"),
            ("user", "about teh user", "meta"),
            ("user", "teh question", ""),
            ("code", "print(1)", "code"),
            ("unknown", "1", "unknown"),
            ("thinking", '[{"content": "hm"}]', "thinking"),
            ("user", "first wording", "sidechain"),
            ("unknown", '{"value": 5}', "unknown"),
        ]
        assert [row.fields.get("parent_uuid") for row in found[2:4]] == ["h", "u"]
        assert [row.fields.get("is_sidechain", False) for row in found] == [False] * 6 + [True] * 2
        assert (found[3].fields["model"], found[4].fields["tool_name"]) == ("m-1", "python")


class TestOtherExports:
    def test_calls_of_tools_beside_the_content_are_rows(self) -> None:
        call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
        (found,) = chat({"role": "assistant", "content": None, "tool_calls": [call]})
        assert shown([found]) == [("tool_use", '{"a": 1}', "tool-use")]
        assert found.fields == {"tool_name": "f", "extra": {"block": {"id": "1"}}}

    def test_a_block_has_the_same_name_in_every_format(self) -> None:
        blocks = [{"type": "tool_use", "name": "x", "input": {}}, {"type": "tool_result", "content": "out"}]
        kinds = [("tool_use", "{}", "tool-use"), ("tool_result", "out", "tool-result")]
        assert shown(chat({"role": "assistant", "content": blocks})) == shown(log(blocks)) == kinds

    def test_messages_without_content_or_shape_are_rows_by_name(self) -> None:
        odd = (
            {"role": "user", "content": []},
            "words",
            None,
            {"role": "user", "content": {"type": "text", "text": "x"}},
        )
        assert shown(chat(*odd)) == [
            ("user", "", "no-content"),
            ("unknown", "words", "no-role"),
            ("unknown", "", "no-content"),
            ("user", "x", ""),
        ]

    @pytest.mark.parametrize("moment", [1_767_225_600, 1_767_225_600_000, "2026-01-01T00:00:00+00:00"])
    def test_times_in_seconds_milliseconds_and_text(self, moment: Any) -> None:
        (found,) = chat({"role": "user", "content": "hi", "create_time": moment})
        assert found.fields["timestamp"] == "2026-01-01T00:00:00+00:00"

    def test_a_conversation_without_an_id_is_a_session_of_its_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = {"messages": [{"role": "user", "content": "hello there"}]}
        (path := tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, ({**said, "id": "A"}, said, said))))

        def sessions() -> list[str]:
            _, slices = look_through(TranscriptSource(source_id="s", path=str(path)))
            return [row.session_id for one in slices for row in extracted(one).rows]

        whole = sessions()
        assert whole[0] == "A"
        assert len(set(whole)) == 3
        monkeypatch.setattr(scanning, "SLICE_RECORDS", 1)
        assert sessions() == whole


class TestSessionLogs:
    def test_what_joins_calls_and_results_is_kept(self) -> None:
        inner = {"role": "assistant", "id": "msg_1", "usage": {"input_tokens": 5}, "stop_reason": "end", "content": []}
        call = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "a"}}
        blocks = [{"type": "thinking", "thinking": "hm", "signature": "S"}, call]
        thought, used = rows_of(SessionLog(), {"type": "assistant", "message": {**inner, "content": blocks}})
        common = {"message": {"id": "msg_1", "usage": {"input_tokens": 5}, "stop_reason": "end"}}
        assert thought.fields["extra"] == {**common, "block": {"signature": "S"}}
        assert used.fields["extra"] == {**common, "block": {"id": "toolu_1"}}
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": "out"}
        (found,) = log([result], toolUseResult={"stdout": "x" * 10_000, "exitCode": 1})
        assert found.fields["extra"] == {
            "toolUseResult": {"stdout": {"characters": 10_000}, "exitCode": 1},
            "block": {"tool_use_id": "toolu_1", "is_error": True},
        }

    def test_short_fields_stay_beside_long_ones(self) -> None:
        fields = {"id": "x", **{f"long{number}": "y" * 4_000 for number in range(9)}}
        extra = kept_extra(fields)["extra"]
        assert (extra["id"], extra["long0"]) == ("x", {"characters": 4_000})
        assert len(json.dumps(kept_extra({f"{n}" * 40: "y" * 200 for n in range(999)}))) < LONGEST_EXTRA

    def test_the_cost_of_a_record_is_that_of_its_first_row(self) -> None:
        texts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
        assert [row.fields.get("cost_usd") for row in log(texts, costUSD=0.5)] == [0.5, None]

    def test_text_is_found_however_it_is_written(self) -> None:
        assert shown(log({"type": "text", "text": "teh one"})) == [("user", "teh one", "")]
        assert shown(rows_of(SessionLog(), {"type": "user", "message": "teh one"})) == [("user", "teh one", "")]
        assert shown(log([["nested"], "plain"])) == [
            ("unknown", '{"value": ["nested"]}', "unknown"),
            ("user", "plain", ""),
        ]

    def test_a_prompt_beside_what_a_program_wrote_is_typed(self) -> None:
        reminder, selection = "<system-reminder>be kind</system-reminder>\n", '<ide_selection a="1">x</ide_selection>'
        assert shown(log(f"{reminder}{selection}fix teh bug\n{reminder}")) == [
            ("user", reminder + selection, "injected"),
            ("user", "fix teh bug\n", ""),
            ("user", reminder, "injected"),
        ]


class TestInjected:
    @pytest.mark.parametrize(
        "text",
        [
            "<command-name>/x</command-name>\n <command-args>teh</command-args>",
            "<system-reminder>never closed",
            " [Request interrupted by user]",
        ],
    )
    def test_it_may_be_the_whole_text(self, text: str) -> None:
        assert parted(text) == [(text, "injected")]

    @pytest.mark.parametrize(
        "text",
        [
            "why does <system-reminder>x</system-reminder> come back?",
            "what is <system-reminder>?",
            "</system-reminder> alone",
            "a <b>bold</b> word",
        ],
    )
    def test_what_somebody_writes_about_is_typed(self, text: str) -> None:
        assert parted(text) == [(text, "")]

    def test_a_summary_without_its_mark_is_one(self) -> None:
        text = "This session is being continued from a previous conversation that ran out of context."
        assert parted(text) == [(text, "compact-summary")]


class TestHalfCharacters:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            (r"cut \ud83d", "cut \N{REPLACEMENT CHARACTER}"),
            (r"\udE00 cut", "\N{REPLACEMENT CHARACTER} cut"),
            (r"\ud83d\ude00 whole, \ud83d\ud83d\ude00 both", "😀 whole, \N{REPLACEMENT CHARACTER}😀 both"),
            (r"\\ud83d is a path, \ud83d", "\\ud83d is a path, \N{REPLACEMENT CHARACTER}"),
        ],
    )
    def test_what_a_cut_emoji_leaves_is_no_end_of_a_message(self, tmp_path: Path, written: str, read: str) -> None:
        long = "x" * 20_000
        path = tmp_path / "a.jsonl"
        path.write_text(
            f'{{"type": "user", "message": {{"role": "user", "content": ["{written}", "{written}{long}"]}}}}'
        )
        _, (one,) = look_through(TranscriptSource(source_id="s", path=str(path)))
        short, large = extracted(one).rows
        assert (short.text, short.not_typed) == (read, "")
        assert large.body is not None
        assert body_of(large.body.model_dump(), large.line) == read + long
