"""The texts of an item in the form in which its answers may depend on them: without its country and its currency."""

import re
from functools import lru_cache
from typing import Final

from schemas.classification import Normalization, Subject

OPENING: Final = 600
"""Characters of a description that a model is shown."""
MONEY_SIGN: Final = "¤"
"""Stands for the code of a currency."""
_SHORTEST_COUNTRY: Final = 4
"""Letters; "US" would take the dollar out of "US$"."""
_SPACE: Final = re.compile(r"\s+")
_CODE: Final = re.compile(r"[A-Z]{3}")
_EDGE: Final = " ,:;-\u2013"
_REMARK: Final = 600


def opening(description: str) -> str:
    """The start of a description, cut between words."""
    text = _SPACE.sub(" ", description).strip()
    return text if len(text) <= OPENING else text[:OPENING].rpartition(" ")[0]


def plain(text: str, country: str = "") -> str:
    """Lower case, single spaces, without the country that the record names."""
    return _SPACE.sub(" ", without_country(text, country)).strip().casefold()


def without_country(text: str, country: str) -> str:
    """The text without its country; as it is where nothing else would be left."""
    if len(country) < _SHORTEST_COUNTRY:
        return text
    return _SPACE.sub(" ", _country(country).sub(" ", text)).strip(_EDGE) or text


def without_code(text: str, code: str | None) -> str:
    """The text with the code of its currency replaced by a sign for any currency; words such as "all" are no codes."""
    return text if code is None else _word(code).sub(MONEY_SIGN, text)


def says_more(subject: Subject) -> bool:
    """Whether the long name says anything that the name does not."""
    return plain(subject.long_name, subject.country) not in plain(subject.name, subject.country)


def impersonal(reasoning: str, subject: Subject, unit: Normalization) -> str:
    """A reasoning as it can be shared: without the name of the country and the code of the currency."""
    text = reasoning
    if len(subject.country) >= _SHORTEST_COUNTRY:
        text = _country(subject.country).sub("the country", text)
    for code in {unit.currency, subject.currency_code.strip()}:
        if code and _CODE.fullmatch(code):
            text = _word(code).sub("the currency", text)
    return text[:_REMARK]


@lru_cache(maxsize=1_024)
def _country(country: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(country)}(?:'s)?(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=1_024)
def _word(code: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(code)}(?!\w)")
