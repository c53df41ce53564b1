"""What must come back byte for byte: it is hidden before anybody corrects, and put back afterwards."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.correction.clean import cleaned
from services.correction.masking import MARKER, in_parts, mask
from services.correction.protect import protected_spans
from services.correction.secrets import secret_spans
from services.correction.spans import Span

PROTECTED = [
    "```retrun teh```",
    "`retrun teh`",
    "``teh `nested` one``",
    "https://example.com/teh?a=b#c",
    "www.exmaple.com/teh",
    "teh.user+tag@exmaple.co.uk",
    "/usr/lcoal/bin/teh",
    "./scirpts/run.sh",
    "src/componants/Buton.tsx",
    "C:\\Users\\Teh\\file.txt",
    "~/.confg/teh",
    "setup.cfg",
    "recieve_mesage",
    "recieveMesage",
    "RecieveMesage",
    "recieve.mesage.teh",
    "Foo::recieve",
    "MAX_RECIEVE",
    "HTTP",
    "$RECIEVE_DIR",
    "${recieve}",
    "{recieve}",
    "{{ recieve }}",
    "%(recieve)s",
    "--dry-rnu",
    "--ouput=teh",
    "-x",
    "v1.2.3-rc1",
    "1,234.5",
    "2026-01-31",
    "0xdeadbeef",
    "d41d8cd98f00b204e9800998ecf8427e",
    "123e4567-e89b-12d3-a456-426614174000",
    "abcdefab-abcd-abcd-abcd-abcdefabcdef",
    "-5",
    "\u22125.5",
    "+.5",
    ".5",
    "-$5",
    "@recieve-bot",
    "#recieve",
    "🙂",
    ":smlie:",
    "<recieve>",
    "<code>retrun teh</code>",
    "recieve()",
    "recieve(teh, mesage)",
    '"could not recieve the mesage: conection refused"',
    '"Could not recieve response"',
    "'Failed to seperate chunks'",
    "«Error: teh recieve»",
    "“Teh parser Failed here”",
    '"C:\\Program Files\\teh recieve.exe"',
    "src/componets",
    "feature/recieve-fix",
    "teh\\recieve\\x",
    "..\\recieve",
    "RECIEVE=teh",
    "RECIEVE='teh seperate'",
    "adress = 3",
    '--title="the seperate one"',
    "git commit -m 'fix recieve loop' --amend",
    "docker run --name teh",
    "config[recieved][seperate]",
    "[[recieve]]",
    "{% if recieve %}",
    "<% teh %>",
    "{recieve:>10}",
    "{user['teh']}",
    '{"recieve": {"teh": "seperate"}}',
    "<div\n  class='teh recieve'\n>",
    '<a onclick="a>b recieve">',
    "<!DOCTYPE teh>",
    "recieve(teh(seperate), mesage)",
    "recieve#123",
    "RECIEVED",
]


@pytest.mark.parametrize("part", PROTECTED)
def test_it_is_hidden_and_comes_back(part: str) -> None:
    text = f"please look at {part} and teh rest"
    masked = mask(text)
    assert masked.text == "please look at ⟦1⟧ and teh rest"
    assert masked.restored(masked.text) == text


@pytest.mark.parametrize(
    "lines",
    [
        'Traceback (most recent call last):\n  File "teh.py", line 3, in foo\n    retrun x\nValueError: teh value',
        "    at com.exmaple.Teh.recieve(Teh.java:12)",
        "$ git comit -m teh",
        ">>> retrun teh",
        "docker run --rm teh",
        "git comit",
        "error: teh file is misssing",
        "2026-01-31 10:11:12 WARN teh",
        "TypeError: teh is not a function",
        "[teh]: https://example.com",
        "~~~\nteh\n~~~",
        "```python\ndef recieve():\n    retrun 1\n```",
    ],
)
def test_lines_of_code_and_output_are_hidden(lines: str) -> None:
    text = f"it says teh following\n{lines}\nand stops wiht that"
    masked = mask(text)
    assert masked.text.startswith("it says teh following\n⟦")
    assert masked.text.endswith("\nand stops wiht that")
    assert masked.restored(masked.text) == text


@pytest.mark.parametrize(
    "prose", ["the quick brown fox", "Either this or that, I guess.", "DELETING everything", "e-mail and well-known"]
)
def test_prose_is_left_to_be_corrected(prose: str) -> None:
    assert protected_spans(prose) == []


@pytest.mark.parametrize(
    "rest",
    ["Error: could not recieve data", "ValueError: teh is seperate, sorry", "SELECT adress FROM users WHERE teh = 'x'"],
)
def test_an_error_or_a_query_in_a_sentence_is_hidden_to_its_end(rest: str) -> None:
    assert mask(f"wierd, it says {rest}\nand stops wiht that").text == "wierd, it says ⟦1⟧\nand stops wiht that"


def test_words_that_are_shouted_are_prose() -> None:
    assert "RECIEVE TOMMOROW" in mask("I WILL RECIEVE TOMMOROW").text


def test_indented_code_is_protected_and_lists_are_not() -> None:
    assert "retrun" not in mask("look at teh code:\n\n    retrun 1\n\nand so on").text
    assert "wierd" in mask("two things:\n\n- teh first\n    - a wierd one").text


def test_what_looks_like_a_marker_is_hidden_too() -> None:
    text = "the sign ⟦1⟧ and `code` and ⟦2⟧"
    masked = mask(text)
    assert [int(number) for number in MARKER.findall(masked.text)] == [1, 2, 3]
    assert masked.restored(masked.text) == text


@given(st.text(alphabet="ab `~\n#@/.:_-{}<>()[]\"'$%1⟦⟧\t\\", max_size=200))
def test_every_text_comes_back(text: str) -> None:
    masked = mask(text)
    assert masked.restored(masked.text) == text


@given(st.lists(st.sampled_from(["word " * 30, "\n\n", "\n", "```\na\n\nb\n```\n", "x" * 50]), max_size=40))
def test_the_parts_of_a_text_are_the_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    parts = in_parts(text, longest=300)
    assert "".join(parts) == text
    assert all(part.count("```") % 2 == 0 for part in parts)


@pytest.mark.parametrize("odd", ["<pre>", "<!--", "a.", " \u00a0"])
def test_long_texts_of_one_sign_are_no_hang(odd: str) -> None:
    """Time that grows with the square of the length would be more than a test may take."""
    text = odd * (400_000 // len(odd)) + ": `end`"
    assert mask(text).restored(mask(text).text) == text
    assert cleaned(text).endswith("`end`")


def test_what_is_opened_and_never_closed_is_hidden_to_the_end() -> None:
    for opened in ("<pre>", "<!--", "```"):
        assert mask(f"look at teh code {opened} retrun 1").text == "look at teh code ⟦1⟧"


def test_secrets_are_found_and_hidden() -> None:
    text = "my key is AKIAIOSFODNN7EXAMPLE\nand password = 'hunter2hunter2' it does not wrok"
    spans = secret_spans(text)
    assert {text[span.start : span.end] for span in spans} == {"AKIAIOSFODNN7EXAMPLE", "hunter2hunter2"}
    masked = mask(text, spans)
    assert "hunter2" not in masked.text
    assert masked.restored(masked.text) == text


@pytest.mark.parametrize(
    "secret",
    [
        "API_KEY=[abcdefghijklmnopqrstuv]",
        "export DB_PASSWORD=[correcthorsebattery]",
        "token=[abcdefghijklmnop], which is it",
        "password: [hunterxsecret] is refused",
        "X-Api-Key: [abcdefghijklmnop]",
        '{"client_secret": "[a b c]"}',
        "if (password == '[letmein]') return",
        'login.secret("[letmein]")',
        "use [xoxb-123456789012-123456789012-AbCdEfGhIjKl]",
        "[-----BEGIN RSA PRIVATE KEY-----\nabcdef\nghijkl==\n-----END RSA PRIVATE KEY-----]\nit fails",
    ],
)
def test_secrets_without_quotes_and_whole_keys_are_found(secret: str) -> None:
    before, hidden, after = secret.replace("]", "[").split("[")
    assert Span(len(before), len(before) + len(hidden)) in secret_spans(before + hidden + after)


def test_what_is_said_of_secrets_is_none() -> None:
    assert secret_spans("the password (optional) is empty and its token: why? Count tokens = all of them") == []


def test_secrets_in_a_long_line_are_no_hang() -> None:
    """The detector of passwords that comes with detect-secrets would be at it for a minute."""
    assert secret_spans("password" * 2_000 + "=abcdefgh")[-1].end == 16_009


def test_spans_that_overlap_are_one() -> None:
    text = "see `a/b.py` there"
    assert protected_spans(text) == [Span(4, 12)]


def test_every_protected_part_of_real_corrections_is_known() -> None:
    rows = Path(__file__).parents[2].joinpath("data", "oss_typos.jsonl").read_text(encoding="utf-8").splitlines()
    lost = [
        part
        for row in map(json.loads, rows)
        for part in row["protected"]
        if part not in (masked := mask(row["source"])).restored(masked.text)
    ]
    assert lost == []
