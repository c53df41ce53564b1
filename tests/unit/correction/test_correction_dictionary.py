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
