"""From files to rows: formats, slices, counts that add up, and the manifest's decision."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from schemas.correction import Extracted, FileSlice, TranscriptSource
from schemas.delivery import Header
from services.correction import scanning
from services.correction.clean import cleaned, cleaned_row
from services.correction.discover import hindrance, look_through
from services.correction.extract import ExtractedSlice, _letter, extracted
from services.correction.identify import identified
from services.correction.inventory import MOST_PATHS, KeyInventory
from services.correction.manifest import Decision, manifest
from services.correction.moments import in_utc
from services.correction.reading import TOO_LONG
from services.correction.results import FIELDS, as_result, body_of, changed_lines
from services.correction.transcripts import arrays
from services.correction.transcripts.chat_export import ChatExport
from services.correction.transcripts.rows import Skipped
from shared.runtime.envelope import Envelope
from shared.runtime.outbox import StoredRecord
from tests.transcripts import messages, write_folder


def source(path: Path, **more: Any) -> TranscriptSource:
    return TranscriptSource(source_id="s", path=str(path), **more)


def written(path: Path, *records: Any) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def typed(text: Any, **more: Any) -> dict[str, Any]:
    return {"type": "user", "sessionId": "s1", "message": {"role": "user", "content": text}, **more}


def rows_of(path: Path) -> list[Extracted]:
    return [row for one in look_through(source(path))[1] for row in extracted(one).rows]


def slices_of(path: Path) -> tuple[list[FileSlice], list[ExtractedSlice]]:
    slices = look_through(source(path))[1]
    return slices, [extracted(one) for one in slices]


class TestSessionLog:
    def test_nested_text_arrives_whole(self, tmp_path: Path) -> None:
        (row,) = rows_of(written(tmp_path / "a.jsonl", typed("fix teh bug\n  please")))
        assert (row.text, row.session_id, row.role, row.typed) == ("fix teh bug\n  please", "s1", "user", True)

    def test_flat_records_of_older_logs_are_read(self, tmp_path: Path) -> None:
        (row,) = rows_of(written(tmp_path / "a.jsonl", {"type": "user", "content": "hello there", "session_id": "old"}))
        assert (row.text, row.session_id, row.typed) == ("hello there", "old", True)

    @pytest.mark.parametrize(
        ("record", "why"),
        [
            (typed([{"type": "tool_result", "content": "teh log"}]), "tool-result"),
            (typed("teh log", toolUseResult={"stdout": "x"}), "tool-result"),
            (typed("a note", isMeta=True), "meta"),
            (typed("what was said", isCompactSummary=True), "compact-summary"),
            (typed("do teh work", isSidechain=True), "sidechain"),
            (typed("<command-name>/clear</command-name>"), "injected"),
            (typed("<system-reminder>teh</system-reminder>"), "injected"),
            ({"type": "assistant", "message": {"role": "assistant", "content": "teh"}}, "assistant"),
        ],
    )
    def test_a_user_record_that_nobody_typed_is_not_taken_for_typed(
        self, tmp_path: Path, record: dict[str, Any], why: str
    ) -> None:
        (row,) = rows_of(written(tmp_path / "a.jsonl", record))
        assert (row.typed, row.not_typed) == (False, why)

    def test_one_row_a_block(self, tmp_path: Path) -> None:
        blocks = [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "so"},
            {"type": "tool_use", "name": "Read", "input": {"path": "a"}},
        ]
        record = {"type": "assistant", "message": {"role": "assistant", "model": "m", "content": blocks}}
        found = rows_of(written(tmp_path / "a.jsonl", record))
        assert [row.message_type for row in found] == ["thinking", "assistant", "tool_use"]
        assert [row.message_index for row in found] == [0, 1, 2]
        assert found[2].tool_name == "Read"
        assert found[2].text == '{"path": "a"}'
        assert {row.model for row in found} == {"m"}

    def test_thread_fields_and_unknown_fields_are_kept(self, tmp_path: Path) -> None:
        record = typed("hello there", parentUuid="p", gitBranch="main", cwd="/w", slug="x", brandNew={"a": [1]})
        (row,) = rows_of(written(tmp_path / "a.jsonl", record))
        assert (row.parent_uuid, row.git_branch, row.cwd, row.slug) == ("p", "main", "/w", "x")
        assert row.extra == {"brandNew": {"a": [1]}}

    def test_nul_which_no_database_stores_is_replaced(self, tmp_path: Path) -> None:
        (row,) = rows_of(written(tmp_path / "a.jsonl", typed("a\0b", odd="\0")))
        assert row.text == "a\N{REPLACEMENT CHARACTER}b"
        assert "\0" not in row.model_dump_json()


class TestChatExport:
    def test_messages_of_a_conversation(self, tmp_path: Path) -> None:
        record = {
            "id": "c1",
            "title": "kept",
            "messages": [
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": "fix teh bug", "create_time": 1_767_225_600},
                {"role": "assistant", "content": [{"type": "text", "text": "done"}]},
            ],
        }
        found = rows_of(written(tmp_path / "a.jsonl", record))
        assert [(row.role, row.text, row.typed) for row in found] == [
            ("system", "be kind", False),
            ("user", "fix teh bug", True),
            ("assistant", "done", False),
        ]
        assert found[1].timestamp == "2026-01-01T00:00:00+00:00"
        assert found[0].extra == {"title": "kept"}
        assert {row.session_id for row in found} == {"c1"}

    def test_the_way_to_the_current_message_of_a_tree(self) -> None:
        def node(parent: str | None, text: str) -> dict[str, Any]:
            message = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": [text]}}
            return {"parent": parent, "message": message}

        record = {"mapping": {"a": node(None, "one"), "b": node("a", "dead end"), "c": node("a", "two")}}
        found = ChatExport().rows({**record, "current_node": "c"})
        assert not isinstance(found, Skipped)
        assert [(row.body, row.not_typed) for row in found] == [("one", ""), ("two", ""), ("dead end", "sidechain")]

    def test_a_claude_export(self) -> None:
        human = {"uuid": "m1", "sender": "human", "text": "fix teh bug", "created_at": "2026-01-01T00:00:00Z"}
        shown = [{"type": "text", "text": "done"}, {"type": "tool_use", "name": "x"}]
        answer = {"uuid": "m2", "sender": "assistant", "text": "done", "content": shown, "attachments": ["a"]}
        found = ChatExport().rows({"uuid": "c", "name": "a title", "chat_messages": [human, answer]})
        assert not isinstance(found, Skipped)
        assert [(row.role, row.message_type, row.body, row.not_typed) for row in found[:2]] == [
            ("human", "human", "fix teh bug", ""),
            ("assistant", "assistant", "done", "assistant"),
        ]
        assert found[0].fields["timestamp"] == "2026-01-01T00:00:00Z"
        assert found[0].fields["uuid"] == "m1"
        assert found[1].fields["extra"] == {"name": "a title", "attachments": ["a"]}
        assert ChatExport().session_of({"uuid": "c", "chat_messages": []}) == "c"


def conversation(number: int) -> dict[str, Any]:
    said = f'teh "text" {number}, [1] {{2}} \\'
    return {"id": f"c{number}", "odd": number, "messages": [{"role": "user", "content": said}]}


class TestArray:
    @pytest.mark.parametrize("block", [1, 7, 1_000_000])
    @pytest.mark.parametrize("indent", [None, 2])
    def test_elements_are_found_wherever_blocks_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, indent: int | None
    ) -> None:
        monkeypatch.setattr(arrays, "BLOCK_BYTES", block)
        monkeypatch.setattr(scanning, "SLICE_RECORDS", 3)
        (path := tmp_path / "conversations.json").write_text(json.dumps([*map(conversation, range(10))], indent=indent))
        found = rows_of(path)
        assert [row.text for row in found] == [conversation(n)["messages"][0]["content"] for n in range(10)]
        assert [row.line for row in found] == list(range(1, 11))
        assert [row.message_index for row in found] == list(range(10))
        assert found[3].extra == {"odd": 3}
        assert [row.text for row in rows_of(tmp_path)] == [row.text for row in found], "found below a folder"

    def test_what_is_no_conversation_is_counted_and_the_rest_read(self, tmp_path: Path) -> None:
        path = tmp_path / "conversations.json"
        path.write_text(f'[{json.dumps(conversation(1))}, {{"a": tru}}, 5, "x,]", {json.dumps(conversation(2))}, {{"b"')
        found, (one,) = look_through(source(path))
        read = extracted(one)
        assert (found.lines, found.invalid, found.rows) == (6, 4, 2)
        assert (read.counts.lines, read.counts.invalid, read.counts.rows) == (6, 4, 2)
        assert [row.line for row in read.rows] == [1, 5]

    def test_an_element_that_is_too_long_is_not_held(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(arrays, "BLOCK_BYTES", 64)
        monkeypatch.setattr(arrays, "MAX_RECORD_BYTES", 200)
        path = tmp_path / "conversations.json"
        path.write_text(json.dumps([conversation(1), {"messages": ["x" * 500]}, conversation(2)]))
        _, (found,) = slices_of(path)
        assert [row.line for row in found.rows] == [1, 3]
        assert [(line.line, line.why) for line in found.invalid] == [(2, TOO_LONG)]

    def test_a_large_body_is_found_again_in_its_array(self, tmp_path: Path) -> None:
        long = {"id": "c", "messages": [{"role": "user", "content": "word " * 10_000}]}
        (tmp_path / "conversations.json").write_text(json.dumps([conversation(1), long], indent=1))
        _, row = rows_of(tmp_path)
        assert row.body is not None
        assert body_of(row.body.model_dump(), row.line) == "word " * 10_000


class TestReconciliation:
    def test_every_line_is_a_record_or_skipped_by_name_or_invalid(self, tmp_path: Path) -> None:
        written(tmp_path / "bad.jsonl", typed("hello there"), "{broken", "", "[1]", {"type": "summary"}, typed(""))
        write_folder(tmp_path, messages(60), a_file=20)
        found, slices = look_through(source(tmp_path))
        counts = [extracted(one).counts for one in slices]
        lines = sum(path.read_bytes().count(b"\n") for path in tmp_path.rglob("*.jsonl"))
        assert found.lines == sum(one.lines for one in counts) == lines
        for one in counts:
            assert one.lines == one.records + sum(one.skipped.values()) + one.invalid
        assert found.rows == sum(one.rows for one in counts)
        assert found.invalid == sum(one.invalid for one in counts) == 2

    def test_an_invalid_line_is_named_without_being_quoted(self, tmp_path: Path) -> None:
        _, (found,) = slices_of(written(tmp_path / "a.jsonl", typed("hello there"), '{"secret": hunter2'))
        (invalid,) = found.invalid
        assert invalid.line == 2
        assert "hunter2" not in invalid.why

    def test_slices_have_no_gaps_and_count_on(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scanning, "SLICE_RECORDS", 7)
        path = written(tmp_path / "a.jsonl", *(typed(f"message number {n}") for n in range(30)))
        slices, found = slices_of(path)
        assert [one.start for one in slices[1:]] == [one.end for one in slices[:-1]]
        assert slices[-1].end == path.stat().st_size
        indexes = [row.message_index for one in found for row in one.rows]
        assert indexes == list(range(30))
        assert [row.line for one in found for row in one.rows] == list(range(1, 31))

    def test_a_session_is_known_in_every_slice(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scanning, "SLICE_RECORDS", 1)
        later = {"type": "user", "message": {"role": "user", "content": "no session here"}}
        _, found = slices_of(written(tmp_path / "a.jsonl", typed("hello there"), later))
        assert [one.rows[0].session_id for one in found] == ["s1", "s1"]

    def test_large_bodies_stay_where_they_are(self, tmp_path: Path) -> None:
        long = "word " * 10_000
        (row,) = rows_of(written(tmp_path / "a.jsonl", typed([{"type": "text", "text": long}])))
        assert row.text is None
        assert row.body is not None
        assert len(row.model_dump_json(exclude_defaults=True)) < 2_000
        assert body_of(row.body.model_dump(), row.line) == long


def envelope() -> Envelope:
    return Envelope("a:0", StoredRecord("correction.slices", 0, "a:0", b"", [], 0), {Header.INGESTED_AT: b"0"})


class TestRepair:
    def test_repaired_lines_are_found_by_number_and_share_no_ids(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.jsonl", '{"broken', '{"broken', typed("last one"))
        (one,) = look_through(source(path))[1]
        before = extracted(one)
        letters = [_letter(one, envelope(), invalid)[0] for invalid in before.invalid]
        two = [{"type": "text", "text": "hello"}, {"type": "text", "text": "there"}]
        written(path, typed([*two, *two]), typed(two), typed("last one"))
        found = [extracted(FileSlice.model_validate_json(letter.value)) for letter in letters]
        assert [[row.line for row in one.rows] for one in found] == [[1, 1, 1, 1], [2, 2]]
        rows = [row for one in (before, *found) for row in one.rows]
        assert len({row.extraction_id for row in rows}) == len(rows) == 7
        path.write_text("")
        with pytest.raises(OSError, match="not there"):
            extracted(FileSlice.model_validate_json(letters[1].value))

    def test_a_large_body_is_found_after_lines_before_it_were_repaired(self, tmp_path: Path) -> None:
        long = "word " * 10_000
        (row,) = rows_of(path := written(tmp_path / "a.jsonl", '{"broken', typed(long)))
        written(path, typed("it is repaired and longer"), typed(long))
        assert row.body is not None
        assert body_of(row.body.model_dump(), row.line) == long


class TestOddRecords:
    def test_a_byte_order_mark_is_no_part_of_the_first_record(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(b"\xef\xbb\xbf" + json.dumps(typed("word " * 10_000)).encode())
        (row,) = rows_of(path)
        assert row.body is not None
        assert body_of(row.body.model_dump(), row.line) == "word " * 10_000
        (array := tmp_path / "conversations.json").write_bytes(
            b"\xef\xbb\xbf[" + json.dumps(conversation(1)).encode() + b"]"
        )
        assert len(rows_of(array)) == 1

    def test_odd_values_stop_no_record_beside_them(self, tmp_path: Path) -> None:
        huge = '{"type": "user", "costUSD": 1' + "0" * 400 + ', "message": {"role": "user", "content": "hi"}}'
        literal = typed("hello there", odd="a\\u0000b", nul="a\0b", **{"key\0": {"inner\0": 1}})
        path = written(tmp_path / "a.jsonl", huge, literal, typed("last one"))
        found, (one,) = look_through(source(path))
        rows = extracted(one).rows
        assert [row.text for row in rows] == ["hello there", "last one"]
        assert rows[0].extra["odd"] == "a\\u0000b"
        assert rows[0].extra["nul"] == "a\N{REPLACEMENT CHARACTER}b"
        assert "\\u0000" not in json.dumps(manifest(found, path="p", run_id="r", assessed_at="now"))

    def test_a_record_that_is_refused_names_no_session(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        refused = '{"type": "user", "sessionId": "B", "costUSD": 1' + "0" * 400 + ', "content": "x"}'
        nameless = {"type": "user", "message": {"role": "user", "content": "no session here"}}
        path = written(tmp_path / "a.jsonl", typed("hello there"), refused, nameless)
        whole = [row.session_id for row in rows_of(path)]
        monkeypatch.setattr(scanning, "SLICE_RECORDS", 1)
        assert [row.session_id for row in rows_of(path)] == whole == ["s1", "s1"]


def test_changed_lines_steer_no_terminal() -> None:
    lines = list(changed_lines("a\x1b[2J.jsonl:1", "same\nteh \x1b[31m" + "x" * 500, "same\nthe \x1b[31m" + "x" * 500))
    assert lines == ["a [2J.jsonl:1", "- teh  [31m" + "x" * 500, "+ the  [31m" + "x" * 500]


class TestManifest:
    def test_a_file_whose_name_is_no_text_is_an_error_and_no_end(self, tmp_path: Path) -> None:
        written(tmp_path / "ünïcode 名.jsonl", typed("hello there"))
        (tmp_path / os.fsdecode(b"bad\xff.jsonl")).write_text("{}")
        found, slices = look_through(source(tmp_path))
        assert (found.file_count, found.invalid) == (2, 1)
        assert [one.file for one in slices] == ["ünïcode 名.jsonl"]
        assert json.dumps(manifest(found, path="p", run_id="r", assessed_at="now"))

    def decision(self, folder: Path) -> Decision:
        return look_through(source(folder))[0].decision

    def test_nothing_to_read_is_no_go(self, tmp_path: Path) -> None:
        assert self.decision(tmp_path) is Decision.NO_GO
        (tmp_path / "empty.jsonl").touch()
        assert self.decision(tmp_path) is Decision.NO_GO

    @pytest.mark.parametrize(
        ("bad", "decision"), [(0, Decision.GO), (1, Decision.GO), (2, Decision.CAUTION), (6, Decision.NO_GO)]
    )
    def test_files_that_cannot_be_read_decide(self, tmp_path: Path, bad: int, decision: Decision) -> None:
        for number in range(10):
            written(tmp_path / f"{number}.jsonl", typed("hello there"), *(["{broken"] if number < bad else []))
        assert self.decision(tmp_path) is decision

    def test_of_a_single_file_its_lines_decide(self, tmp_path: Path) -> None:
        path = written(tmp_path / "a.jsonl", *(typed("hello there") for _ in range(9)), "{broken")
        assert self.decision(path) is Decision.GO

    def test_sources_may_be_kept_to_some_folders(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "out").mkdir()
        (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
        written(tmp_path / "out" / "a.jsonl", typed("hello there"))
        (tmp_path / "in" / "b.jsonl").symlink_to(tmp_path / "out" / "a.jsonl")
        folders = [tmp_path / "in"]
        assert hindrance(source(tmp_path / "in"), folders) == ""
        assert "FOLDERS" in hindrance(source(tmp_path / "out"), folders)
        assert "FOLDERS" in hindrance(source(tmp_path / "in" / "link"), folders)
        assert "FOLDERS" in hindrance(source(tmp_path / "in" / ".." / "out"), folders)
        assert hindrance(source(tmp_path / "out"), []) == ""
        assert "not absolute" in hindrance(source(Path("in")), [])
        assert "no format" in hindrance(source(tmp_path, format="odd"), [])
        assert "does not exist" in hindrance(source(tmp_path / "gone"), [])
        assert look_through(source(tmp_path / "in"))[1] == [], "links are not followed"

    def test_keys_are_counted_without_end_but_not_listed(self) -> None:
        keys = KeyInventory()
        for number in range(MOST_PATHS + 500):
            keys.add({"toolInput": {f"argument{number}": 1}, "sessionId": "s"})
        listed = keys.nested.as_dict()
        assert len(listed) == MOST_PATHS + 1
        assert listed["…"] == 500
        assert keys.identifiers.as_dict() == {"sessionId": MOST_PATHS + 500}


class TestCleaning:
    def test_code_survives_and_prose_is_tidied(self) -> None:
        code = "```\n  a  =  1\n\n\n\tb\n```"
        text = f"look  at   teh code: \r\n\r\n{code}\n- one  thing\n    - another   one\n\n\n\nend  \n"
        assert cleaned(text) == f"look at teh code:\n\n{code}\n- one thing\n    - another one\n\nend"

    @pytest.mark.parametrize(
        "kept",
        [
            "`a  b`",
            ">>> x  = 1\n1",
            "grep 'a  b' file",
            "NAME   AGE   CITY\nann    3     rome",
            "a\tb\nc\td",
            "-  a\n+  b",
        ],
    )
    def test_what_is_no_prose_keeps_its_blanks(self, kept: str) -> None:
        assert cleaned(f"look  at\n{kept}\nplease  do") == f"look at\n{kept}\nplease do"

    def test_bodies_that_are_json_and_what_tools_gave_stay_as_they_are(self, tmp_path: Path) -> None:
        blocks = [
            {"type": "tool_use", "name": "Write", "input": {"content": "def f():\n    return  1\n"}},
            {"type": "odd", "text": "two  blanks"},
            {"type": "thinking", "thinking": "two  blanks"},
            {"type": "text", "text": "two  blanks"},
        ]
        answer = {"type": "assistant", "message": {"role": "assistant", "content": blocks}}
        result = {"type": "user", "message": {"role": "user", "content": [{"type": "tool_result", "content": "a  b"}]}}
        found = [cleaned_row(row) for row in rows_of(written(tmp_path / "a.jsonl", answer, result))]
        assert [row.cleaned for row in found] == [None, None, "two blanks", "two blanks", None]

    @pytest.mark.parametrize(
        ("stored", "text"),
        [
            ({"corrected_text": "the  end\r\n"}, "the end"),
            ({"cleaned_text": "teh end"}, "teh end"),
            ({}, "teh  end\r\n"),
        ],
    )
    def test_the_text_of_a_result_is_clean_whatever_came_of_it(self, stored: dict[str, str], text: str) -> None:
        row = {**dict.fromkeys(FIELDS), "body": None, "original_text": "teh  end\r\n", **stored}
        assert as_result(row)["text"] == text

    def test_the_body_itself_stays_as_it_was(self, tmp_path: Path) -> None:
        (row,) = rows_of(
            written(tmp_path / "a.jsonl", typed("two  blanks \x07", timestamp="2026-01-01T01:00:00+01:00"))
        )
        found = cleaned_row(row)
        assert (found.text, found.cleaned) == ("two  blanks \x07", "two blanks")
        assert found.timestamp_utc == "2026-01-01T00:00:00+00:00"

    @pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-14:00"])
    def test_a_time_that_cannot_be_read_is_none(self, text: str) -> None:
        assert in_utc(text) == ""


class TestIdentity:
    def ids(self, *records: Any, folder: Path, name: str = "a.jsonl") -> list[tuple[str, str]]:
        found = [identified(cleaned_row(row)) for row in rows_of(written(folder / name, *records))]
        return [(row.entity_id, row.fingerprint) for row in found]

    def test_the_same_is_the_same_every_time(self, tmp_path: Path) -> None:
        first = self.ids(typed("one message"), typed("another one"), folder=tmp_path)
        assert first == self.ids(typed("one message"), typed("another one"), folder=tmp_path)
        assert len(set(first)) == 2

    def test_ids_sort_beyond_ten_thousand(self) -> None:
        assert f"{9_999:08}" < f"{10_000:08}" < f"{20_659:08}"

    def test_an_edited_message_is_another_one_even_if_it_begins_alike(self, tmp_path: Path) -> None:
        start = "x" * 200
        (before,) = self.ids(typed(start + "a", uuid="u"), folder=tmp_path)
        (after,) = self.ids(typed(start + "b", uuid="u"), folder=tmp_path)
        assert before[0] == after[0]
        assert before[1] != after[1]

    def test_a_copy_in_another_session_is_the_same_message(self, tmp_path: Path) -> None:
        (one,) = self.ids(typed("hello there", uuid="u"), folder=tmp_path)
        (other,) = self.ids(typed("hello there", uuid="u", sessionId="s2"), folder=tmp_path, name="b.jsonl")
        assert one[0] != other[0]
        assert one[1] == other[1]

    def test_saying_yes_twice_is_two_messages(self, tmp_path: Path) -> None:
        one, other = self.ids(typed("yes", uuid="1"), typed("yes", uuid="2"), folder=tmp_path)
        assert one[1] != other[1]

    def test_files_that_share_a_session_share_no_ids(self, tmp_path: Path) -> None:
        (one,) = self.ids(typed("hello there"), folder=tmp_path)
        (other,) = self.ids(typed("hello there"), folder=tmp_path, name="agent-1.jsonl")
        assert one[0] != other[0]

    def test_a_backup_that_went_on_shares_no_ids_with_its_file(self, tmp_path: Path) -> None:
        for folder in ("now", "backup"):
            (tmp_path / folder).mkdir()
            written(tmp_path / folder / "a.jsonl", typed("hello there"), typed(f"then {folder}"))
        assert len({row.extraction_id for row in rows_of(tmp_path)}) == 4

    def test_sources_with_files_of_one_name_and_no_session_share_no_ids(self, tmp_path: Path) -> None:
        ids = []
        for folder in ("A", "B", "moved"):
            (tmp_path / folder).mkdir()
            said = "hello from A" if folder == "moved" else f"hello from {folder}"
            record = {"type": "user", "message": {"role": "user", "content": said}}
            (row,) = rows_of(written(tmp_path / folder / "chat.jsonl", record))
            ids.append((row.extraction_id, row.slice_id))
        (a, slice_a), (b, slice_b), (moved, _) = ids
        assert a == moved != b
        assert slice_a != slice_b
