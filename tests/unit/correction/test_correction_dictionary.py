"""The embedded corrector: right where it acts, and silent where a word may be right, a term, or another language's."""

import pytest

from services.correction.passages import by_dictionary


@pytest.mark.parametrize(
    "text",
    [
        "Il faut changer la fonction",
        "Ajoute un exemple et corrige le projet",
        "adresse incorrecte, corrige",
        "mache ein Beispiel als Test",
        "server fehler beim start, adresse falsch",
        "agregar comando nuevo",
        "lag till en ny funktion",
        "tolong buat fungsi test adres",
        "test methode adresse",
    ],
)
def test_short_texts_in_other_languages_stay(text: str) -> None:
    assert by_dictionary(text) == text


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("teh tests fial", "the tests fial"),
        ("fix lint erors", "fix lint errors"),
        ("udpate readme", "update readme"),
        ("Pyhton scirpt broken", "Python script broken"),
        ("thats wierd tho", "that's weird tho"),
        ("same eror again", "same error again"),
        ("database conection refused error", "database connection refused error"),
    ],
)
def test_short_texts_in_english_are_corrected(text: str, right: str) -> None:
    assert by_dictionary(text) == right


@pytest.mark.parametrize(
    "text",
    [
        "hda is the drive, nam is the server of names and ser the service",
        "the als column of the table is edn, wth",
        "what is inout of a port, and what is the last checkin in the add-in?",
        "the code complies with the rules",
        "vitamin A a day and print a a b",
        "see the the-hook docs and have an an-hour session",
        "here we We are, as it is",
    ],
)
def test_what_may_be_right_stays(text: str) -> None:
    assert by_dictionary(text) == text


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("it is loged, dont add more loging", "it is logged, don't add more logging"),
        ("wraping it takes alot of time", "wrapping it takes a lot of time"),
        ("nwe tests for hte parser, woh wrote it", "new tests for the parser, who wrote it"),
        ("The the value of of the field", "The value of the field"),
    ],
)
def test_what_is_often_typed_is_corrected(text: str, right: str) -> None:
    assert by_dictionary(text) == right


@pytest.mark.parametrize(
    "text",
    [
        "rename function recieve to receive",
        "Please replace all occurrences of recieve with receive in the docs",
        "fix typo: seperate -> separate",
        "the word teh is misspelled in the readme",
        "add a column called adress to it",
        "why does grep recieve find nothing?",
    ],
)
def test_misspellings_that_are_mentioned_stay(text: str) -> None:
    assert by_dictionary(text) == text


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("the function recieves it and is called recursivly", "the function receives it and is called recursively"),
        ("the function defintion has a field lenght", "the function definition has a field length"),
        ("recieve the event, then receive the next one", "receive the event, then receive the next one"),
        ("replace teh file, then rename teh key", "replace the file, then rename the key"),
        (f"I recieve it. {'And so on. ' * 9}Now I receive it.", f"I receive it. {'And so on. ' * 9}Now I receive it."),
    ],
)
def test_misspellings_in_use_are_corrected(text: str, right: str) -> None:
    assert by_dictionary(text) == right
