"""Which script and which language a text is in, as far as small words tell."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final

_SCRIPTS: Final[Mapping[str, re.Pattern[str]]] = {
    "latin": re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]"),
    "greek": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "cyrillic": re.compile("[\u0400-\u052f]"),
    "hebrew": re.compile("[\u0590-\u05ff]"),
    "arabic": re.compile("[\u0600-\u06ff\u0750-\u077f]"),
    "indic": re.compile("[\u0900-\u0dff]"),
    "thai": re.compile("[\u0e00-\u0e7f]"),
    "kana": re.compile("[\u3040-\u30ff]"),
    "han": re.compile("[\u3400-\u9fff]"),
    "hangul": re.compile("[\uac00-\ud7af\u1100-\u11ff]"),
}
_SMALL_WORDS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "english": "the of and to in is that it for you this with on are be have not as at but from they we can will "
        "what there my an how when which if please would should could don't it's i'm does has was were a i do no me so "
        "or your his who one own now new out all any why because need use make add run fix am that's",
        "german": "der die das und ist nicht ich ein eine zu den mit von sie es auf für dem wie auch wird bitte aber "
        "wenn noch nur oder kann werden hat einen wir du dass als bei nach mir mein sind war beim zum zur vom ab",
        "french": "le la les de des et est un une que qui dans pour pas ce il je vous nous avec sur du au ne plus mais "
        "par comme ou être fait cette mon si tout merci a",
        "spanish": "el la los las de que y en un una es por con para no se su lo como más pero este sí porque esta "
        "cuando muy sin sobre también me hay donde puedes gracias a",
        "italian": "il lo la i gli le di che e un una è per con non si da come più ma questo sono nel della del alla "
        "anche se mi ho quando puoi grazie a",
        "portuguese": "o a os as de que e em um uma é por com para não se do da no na como mais mas ao isso ele quando "
        "muito já também eu você obrigado",
        "dutch": "de het een en van is dat niet ik je in op te met voor zijn die er maar om aan ook als dan naar wat "
        "kan geen nog wel bij uit",
        "scandinavian": "och og att at det den en ett et er är som på med för for inte ikke jag jeg har til till kan "
        "av af om men var i",
        "polish": "i w nie na się z do to że jest jak co a o po tak ale dla od czy tylko przez może być proszę jeśli",
    }.items()
}
ENGLISH: Final = _SMALL_WORDS["english"]
"""Small words of English."""
_NEGATIONS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "english": "not no never none nor neither nothing nobody nowhere cannot cant without dont doesnt didnt isnt "
        "arent wasnt werent hasnt havent hadnt couldnt wont wouldnt shouldnt mustnt mightnt neednt shant aint",
        "german": "nicht kein keine keinen keinem keiner keines nie niemals niemand nichts nirgends weder ohne",
        "french": "ne pas jamais rien aucun aucune sans ni non",
        "spanish": "no ni nunca jamás nada nadie sin ningún ninguno ninguna tampoco",
        "italian": "non né mai niente nulla nessuno nessuna senza",
        "portuguese": "não nem nunca nada ninguém nenhum nenhuma sem",
        "dutch": "niet geen nooit niemand niets nergens zonder",
        "polish": "nie nigdy nic nikt żaden żadna bez ani",
        "others": "не нет ни никогда ничего никто нельзя без ні ніколи нічого ніхто немає لا لم لن ليس לא אין",
    }.items()
}
_ANY_NEGATION: Final = frozenset[str]().union(*_NEGATIONS.values())
_NEGATIVE_PART: Final = re.compile(r".n't$|[不没沒無无未非别別勿莫]|ない|なかっ|なく|ません|않|못|없")
"""In words with an apostrophe, and in scripts without blanks between words."""
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_FOREIGN_LETTER: Final = re.compile("[\u00c0-\u024f]")
_LEAD: Final = 2
"""Words by which a language has to be ahead: some words are small ones in several."""
_SURE: Final = 2
"""Words of English that no chance brings into a text of another language."""
_OTHER_SCRIPTS: Final = 0.2
"""Share of letters from which on a text is not in Latin script."""


def scripts(text: str) -> frozenset[str]:
    """The scripts that letters of the text belong to."""
    return frozenset(name for name, letter in _SCRIPTS.items() if letter.search(text))


def language(text: str) -> str:
    """The language whose small words are most frequent; empty if none is clearly ahead."""
    counted = _small_words(_words(text))
    first, second, *_ = sorted(counted, key=lambda name: -counted[name])
    return first if counted[first] >= counted[second] + _LEAD else ""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("\u2019", "'"))


def _small_words(words: Sequence[str]) -> dict[str, int]:
    return {name: sum(map(small.__contains__, words)) for name, small in _SMALL_WORDS.items()}


def negations(text: str, words: Iterable[str]) -> int:
    """How many negations are among `words` of a text; where its language is not clear, of any language."""
    spoken = language(text)
    known = _NEGATIONS["english"] | _NEGATIONS["others"] | _NEGATIONS.get(spoken, _ANY_NEGATION)
    plain = (word.lower().replace("\u2019", "'") for word in words)
    return sum(1 if word in known else len(_NEGATIVE_PART.findall(word)) for word in plain)


def is_english(text: str, spelt: Mapping[str, str], known: Set[str]) -> bool:
    """Whether English spelling may be applied: what says that the text is in English outweighs what says otherwise.

    Small words tell, as they should be `spelt`; where they leave it open, two others, or half of all, that are `known`
    or have letters swapped.
    """
    letters = [letter for letter in text if letter.isalpha()]
    foreign = sum(not _SCRIPTS["latin"].match(letter) for letter in letters)
    if foreign > _OTHER_SCRIPTS * len(letters):
        return False
    words = _words(text)
    counted = _small_words([spelt.get(word, word) for word in words])
    lead = counted.pop("english") - max(counted.values())
    if _FOREIGN_LETTER.search(text):
        return lead >= _LEAD
    sure = sum((word in known and word not in ENGLISH) or _is_swapped(word, spelt.get(word, "")) for word in words)
    return lead > 0 or (lead == 0 and sure >= min(_SURE, len(words) / 2))


def _is_swapped(word: str, right: str) -> bool:
    """A slip that no other language knows as a word, as it knows adresse and fonction."""
    return word != right and sorted(word) == sorted(right)
