"""No bad text passes: each guard by what it is for, and real corrections that none of them may refuse."""

import json
from pathlib import Path

import pytest

from schemas.base import Contract
from services.correction.guards import GUARDS, breach
from services.correction.masking import mask
from services.correction.passages import CorrectionReply, Passage, accept, as_typed, by_dictionary
from tests.transcripts import messages

TEXT = "please look at teh login page, it does not work when I clikc twice on ⟦1⟧ and then wait"
RIGHT = "please look at the login page, it does not work when I click twice on ⟦1⟧ and then wait"

BAD = {
    "empty": (TEXT, ""),
    "markers": (TEXT, RIGHT.replace("⟦1⟧", "the button")),
    "lines": ("- first thing is wierd\n  - teh second one", "- first thing is weird\n- the second one"),
    "blanks": ("look at\tteh value of ⟦1⟧ there", "look at the value of ⟦1⟧ there"),
    "length": (TEXT, RIGHT + " and please add a test for it and tell everybody about it"),
    "distance": ("how can I run teh tests of it", "The tests may be run so: it is"),
    "language": (
        "please look at the file, it is not there when I open it",
        "Будь ласка, подивись файл, його там немає, коли я його",
    ),
    "question": ("is teh file there?", "the file is there"),
    "negation": (TEXT, RIGHT.replace("does not work", "does now work")),
    "signs": ("teh value (of **all**) is wrong", "the value (of *all*) is wrong"),
    "new-token": (TEXT, RIGHT.replace("login page", "login_page")),
    "casing": ("i use github for teh code every day", "i use GITHUB for the code every day"),
    "cut": ("we look at teh page that it is in", "we look at the page that it is"),
    "rewrite": (TEXT, RIGHT.replace("login page", "start page")),
}


@pytest.mark.parametrize("reason", GUARDS)
def test_each_guard_refuses_what_it_is_for(reason: str) -> None:
    broken, _ = GUARDS[reason]
    assert broken(*BAD[reason])
    assert breach(*BAD[reason]) is not None


@pytest.mark.parametrize(
    "bad",
    [
        RIGHT.replace("does not work", "does work"),
        RIGHT.replace("it does not", "it doesn't never"),
        RIGHT + " ⟦1⟧",
        RIGHT.replace("⟦1⟧", "⟦2⟧"),
        RIGHT.replace("twice", "2 times"),
        RIGHT.replace("please look", "please loook at https://example.com and look"),
        " ".join(RIGHT.split()[:-3]),
        " ".join(RIGHT.split()[4:]),
        "pwned",
        "Sure! Here is the corrected text: " + RIGHT,
        "The login page has a bug in its click handler; add a guard for the second click on ⟦1⟧ there",
        "bitte schau dir die Anmeldeseite an, sie geht nicht, wenn ich zweimal auf ⟦1⟧ klicke und warte",
        RIGHT.replace("login", "logout"),
        RIGHT.replace("page", "page of the shop"),
        RIGHT.upper(),
        RIGHT[::-1],
        RIGHT.replace("\n", " ").replace(",", ",\n"),
    ],
)
def test_no_bad_text_passes(bad: str) -> None:
    assert breach(TEXT, bad) is not None


@pytest.mark.parametrize("words", [1, 2, 3])
def test_no_text_that_is_cut_passes(words: int) -> None:
    for typed in messages(300, repeats=0):
        before, right = mask(typed.text).text, mask(typed.right).text
        cut = right.rsplit(" ", words)[0]
        assert breach(before, cut) is not None, cut


@pytest.mark.parametrize(
    ("words", "others"),
    [
        ("turn the flag on", "turn the flag off"),
        ("from ⟦1⟧ to ⟦2⟧", "to ⟦1⟧ from ⟦2⟧"),
        ("you must do it", "you may do it"),
        ("run it in debug", "run it out debug"),
        ("it is now broken, not fixed", "it is not broken, now fixed"),
        ("it mightn't be so", "it might be so"),
        ("das ist kein Fehler", "das ist ein Fehler"),
        ("我不喜欢这个", "我喜欢这个"),
        ("ask Jonas about it", "ask Jonah about it"),
        ("a line\r\nand one", "a line\nand one"),
        ("a line  \nand one", "a line\nand one"),
        ("use ⟦1⟧ here", "use⟦1⟧ here"),
        ("use ⟦1⟧ here", "use ⟦1⟧here"),
        ("the file file but keep this file", "the file but keep this"),
        ("move it from the list to the table", "move it to the list to the table"),
        ("it depends on the useful part", "it depends on the useless part"),
    ],
)
def test_another_meaning_does_not_pass(words: str, others: str) -> None:
    assert breach(f"please look at teh thing: {words}", f"please look at the thing: {others}") is not None


WORDS = """unable able, disabled enabled, valid invalid, safe unsafe, legal illegal, two ten, five nine, buy pay,
add and, increase decrease, million billion, include exclude, move remove, north south, first third, port host,
js ts, mb gb, server sender, employee employer, server service, commit comment, status static, login logout"""


@pytest.mark.parametrize("pair", [pair.strip() for pair in WORDS.split(",")])
def test_words_that_resemble_each_other_are_not_exchanged(pair: str) -> None:
    one, other = pair.split()
    for old, new in ((one, other), (other, one)):
        assert breach(f"this is what {old} means to us all", f"this is what {new} means to us all") is not None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TEXT, RIGHT),
        ("they said it form there, see ⟦1⟧ or ⟦2⟧", "they said it from there, see ⟦1⟧, or ⟦2⟧"),
        ("Their is more then one of it", "There is more than one of it"),
        ("the the behaviour of the the file", "the behavior of the file"),
        ("today Ive seen teh thing i cant do", "today I've seen the thing I can't do"),
        (TEXT, TEXT),
        ("alot of users could of seen it", "a lot of users could have seen it"),
        ("it dont work and i cant see why", "it don't work and I can't see why"),
        ("add the the test for teh parser", "add the test for the parser"),
        ("we needs to change how file are stored", "we need to change how files are stored"),
        ("we are use it for teh tests and it look good", "we are using it for the tests and it looks good"),
        ("please look at teh file", "Please look at the file"),
        ("why does teh test fail?", "why does the test fail?"),
        ("add test for teh new parser", "add a test for the new parser"),
        ("how I can send teh mail that was send before?", "how can I send the mail that was sent before?"),
        ("start teh remove server after it stoped", "start the remote server after it stopped"),
        (
            "it is an easy way to add this functional to a list",
            "it is the easiest way to add this functionality to a list",
        ),
        ("data you want to describe data will contan", "the data you want to describe will contain"),
        ("**Fanout** exchange is simpler", "The **Fanout** exchange is simpler"),
        ("put teh file at the end end.", "put the file at the end."),
        ("there is a fille for every thing", "there is a file for everything"),
        ("with help on teh file, at the end", "with help of the file, in the end"),
    ],
)
def test_corrections_pass(before: str, after: str) -> None:
    assert breach(before, after) is None


def test_people_s_corrections_pass() -> None:
    path = Path(__file__).parents[2] / "data" / "oss_typos.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    refused = [row["id"] for row in rows if breach(mask(row["source"]).text, mask(row["target"]).text)]
    assert len(rows) == 173
    assert refused == []


def test_a_refusal_tells_the_model_what_was_wrong() -> None:
    with pytest.raises(ValueError, match=r"^negation: a negation must neither appear nor vanish$"):
        accept(Passage(text=TEXT), CorrectionReply(text=BAD["negation"][1]))
    assert isinstance(accept(Passage(text=TEXT), CorrectionReply(text=f" {RIGHT} ")), Contract)


def test_final_punctuation_stays_as_it_was_typed() -> None:
    assert as_typed("teh file", "the file.") == "the file"
    assert as_typed("is it teh file?", "is it the file?") == "is it the file?"


def test_the_dictionary_touches_no_other_language() -> None:
    german = "Bitte schau dir das an, es ist nicht so wie es sein soll und der Test ist rot"
    assert by_dictionary(german) == german
    ukrainian = "Будь ласка, подивись на цей файл, teh тест не проходить після зміни"
    assert by_dictionary(ukrainian) == ukrainian
    assert by_dictionary("please fix teh Test. Teh one that is wierd") == "please fix the Test. The one that is weird"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("ask Claus Recieve about teh plan", "ask Claus Recieve about the plan"),
        ("# Recieving Mesages In Parallel", "# Receiving Messages In Parallel"),
        ('what is "teh" here, teh word?', 'what is "teh" here, the word?'),
        ("it takes teh block a[alo:ahi] of it", "it takes the block a[alo:ahi] of it"),
        ("a left-hander reads teh text", "a left-hander reads the text"),
        ("the [recieved mesage](⟦1⟧) is teh one", "the [received message](⟦1⟧) is the one"),
        ("see teh documentatino of farming", "see the documentation of farming"),
        ("teh module's name and a package's", "the module's name and a package's"),
        ("teh discreet and preformed ones", "the discreet and preformed ones"),
        (
            "What it is is teh plan, and we log in in the morning.",
            "What it is is the plan, and we log in in the morning.",
        ),
    ],
)
def test_names_terms_and_mentioned_words_stay(text: str, right: str) -> None:
    assert by_dictionary(text) == right
