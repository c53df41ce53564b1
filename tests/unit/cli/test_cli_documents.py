"""JSON documents: cut into elements that are judged alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cli.inputs import UnreadableInput, read_indicators
from services.cli.inputs.documents import read_document
from services.cli.inputs.rows import Candidate

TextFile = Callable[[str, str | bytes], Path]
A, B = {"indicator_id": "A", "name": "GDP, [real]"}, {"indicator_id": "B", "name": 'say "}"'}


@pytest.mark.parametrize(
    "content",
    [
        [A, B],
        {"indicators": [A, B]},
        {"llm_provider": "local", "meta": {"indicators": [1]}, "indicators": [A, B], "more": [{}]},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_arrays_and_wrapped_arrays(read: Any, text_file: TextFile, content: Any, indent: int | None) -> None:
    accepted, rejected = read(text_file("rows.json", json.dumps(content, indent=indent)))
    assert [(row.row_number, row.indicator.name) for row in accepted] == [(1, A["name"]), (2, B["name"])]
    assert rejected == []


def test_a_bad_element_costs_only_itself(read: Any, text_file: TextFile) -> None:
    content = (
        b'[{"indicator_id": "A", "name": nul}, 5, , {"indicator_id": "B", "name": "\xff"}, ' + json.dumps(A).encode()
    )
    accepted, rejected = read(text_file("rows.json", content + b",]"))
    assert [row.row_number for row in accepted] == [5]
    assert [row.row_number for row in rejected] == [1, 2, 3, 4]
    assert rejected[2].reason == "the element is empty"


def test_an_empty_array_has_no_rows(read: Any, text_file: TextFile) -> None:
    assert read(text_file("rows.json", " [ \n] ")) == ([], [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('[{"a": 1}, {"b": 2}', "the JSON document is malformed: the array is not closed (line 1)"),
        ('[\n{"a": "1}\n]', "the JSON document is malformed: a text is not closed (line 2)"),
        ("[] []", "the JSON document is malformed: something follows the end of the array (line 1)"),
        ('{"indicators": []', "the JSON document is malformed: the object is not closed (line 1)"),
        ('{"a": "1}', "the JSON document is malformed: a text is not closed (line 1)"),
        ('{"' + '\\\\\\"' * 200_000, "the JSON document is malformed: a text is not closed (line 1)"),
        ('{"a": [', "the JSON document is malformed: the object is not closed (line 1)"),
        ('"text"', "this is not a JSON array"),
        ('{"rows": []}', 'this is a JSON object without a list "indicators"'),
        ('{"indicators": {}}', 'this is a JSON object without a list "indicators"'),
    ],
)
def test_a_document_that_cannot_be_cut_is_unreadable(text_file: TextFile, content: str, reason: str) -> None:
    with pytest.raises(UnreadableInput) as refusal:
        read_indicators([str(text_file("rows.json", content))])
    assert refusal.value.reason == reason


def test_json_lines_under_the_wrong_name_are_told_so(text_file: TextFile) -> None:
    with pytest.raises(UnreadableInput, match=r"name it \.jsonl"):
        read_indicators([str(text_file("rows.json", f"{json.dumps(A)}\n{json.dumps(B)}\n"))])


VALUES = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@settings(deadline=None)
@given(values=st.lists(VALUES), indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_cutting_finds_exactly_the_elements(values: list[Any], indent: int | None, ascii_only: bool) -> None:
    document = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode(errors="replace")
    found = [row.document for row in read_document(document, "x") if isinstance(row, Candidate)]
    assert [json.loads(element) for element in found] == json.loads(document)


@settings(deadline=None)
@given(document=st.binary() | st.text(alphabet='[]{}",:\\ a').map(str.encode))
def test_any_bytes_are_cut_or_refused(document: bytes) -> None:
    try:
        rows = list(read_document(document, "x"))
    except UnreadableInput:
        return
    assert all(row.raw or row.row_number for row in rows)
