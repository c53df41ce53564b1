"""Answers made wrong, in the ways in which models get them wrong."""

import json
import random
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from services.simulator.replies import ID, ReplyPlan

Answers = list[dict[str, Any]]

INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|rule|prompt|above)", re.IGNORECASE | re.DOTALL
)
REACHES_OUT = re.compile(r"\b(?:every|all|each|other)\s+(?:\w+\s+)?(?:item|indicator|answer|row)", re.IGNORECASE)
BEFORE, AFTER = "Sure! Here are the answers:\n```json\n", "\n```\nLet me know if you need anything else."
MARK = "pwned"
"""What an obedient model says where it was told nothing better."""
FOREIGN = ("bitte", "der", "Fehler", "und", "nicht", "die", "Datei", "wird", "mit", "einem", "behoben", "wenn")


def damage(answers: Answers, plan: ReplyPlan, struck: Collection[str], chance: random.Random) -> Answers:
    """The answers with every fault among `struck` that concerns them."""
    for name, harm in _HARMS.items():
        if name in struck and answers:
            answers = harm(answers, plan, chance)
    return answers


def cut(text: str, chance: random.Random) -> str:
    """A beginning of the text that is no JSON."""
    return text[: chance.randrange(1, max(2, len(text) - 1))]


def obey(
    answers: Answers, items: Sequence[tuple[str, dict[str, Any]]], plan: ReplyPlan, chance: random.Random
) -> Answers:
    """Answers of a model that does what an item's text tells it.

    The item's own answer gets the value that its text names, if the schema allows that value; else another allowed one
    or a word that is not allowed. Where the text speaks of all items, another item is answered once more, wrongly.
    """
    given = list(answers)
    for place, (_, facts) in enumerate(items):
        text = json.dumps(facts, ensure_ascii=False)
        if not INJECTION.search(text):
            continue
        given[place] = _wrong(given[place], plan, chance, text)
        others = [answer for answer in answers if answer[ID] != answers[place][ID]]
        if REACHES_OUT.search(text) and others:
            given.append(_wrong(chance.choice(others), plan, chance, text))
    return given


def _missing(answers: Answers, _: ReplyPlan, chance: random.Random) -> Answers:
    place = chance.randrange(len(answers))
    return answers[:place] + answers[place + 1 :]


def _repeated(answers: Answers, plan: ReplyPlan, chance: random.Random) -> Answers:
    answer = chance.choice(answers)
    again = _wrong(answer, plan, chance) if chance.random() < 0.5 else dict(answer)
    if chance.random() < 0.3:
        answers = [answer, *_missing([other for other in answers if other is not answer] or [answer], plan, chance)]
    place = chance.choice((0, len(answers)))
    return [*answers[:place], again, *answers[place:]]


def _reordered(answers: Answers, _: ReplyPlan, chance: random.Random) -> Answers:
    return chance.sample(answers, len(answers))


def _invented(answers: Answers, plan: ReplyPlan, chance: random.Random) -> Answers:
    stranger = {**chance.choice(answers), ID: f"m{len(answers) + chance.randrange(2, 90)}"}
    kept = _missing(answers, plan, chance) if chance.random() < 0.5 else answers
    place = chance.randrange(len(kept) + 1)
    return [*kept[:place], stranger, *kept[place:]]


def _wrong_enum(answers: Answers, plan: ReplyPlan, chance: random.Random) -> Answers:
    names = [name for name in plan.fields if plan.choices(name)] or [name for name in answers[0] if name != ID]
    if not names:
        return answers
    return _changed(answers, chance, lambda answer: {**answer, chance.choice(names): "not-in-the-list"})


def _overconfident(answers: Answers, _: ReplyPlan, chance: random.Random) -> Answers:
    def boast(answer: dict[str, Any]) -> dict[str, Any]:
        return {
            name: round(value * 100, 2) if name.endswith("confidence") and isinstance(value, float | int) else value
            for name, value in answer.items()
        }

    return _changed(answers, chance, boast)


def _retold(how: Callable[[str, random.Random], str]) -> Callable[[Answers, ReplyPlan, random.Random], Answers]:
    """Every free text of one answer told otherwise."""

    def harm(answers: Answers, plan: ReplyPlan, chance: random.Random) -> Answers:
        free = [name for name in plan.fields if name != ID and not plan.choices(name)]

        def retell(answer: dict[str, Any]) -> dict[str, Any]:
            return {
                name: how(value, chance) if name in free and isinstance(value, str) else value
                for name, value in answer.items()
            }

        return _changed(answers, chance, retell)

    return harm


def _answer(_: str, chance: random.Random) -> str:
    return chance.choice(("Yes, that is right.", "You can do that with a loop over all files in the folder.", "42"))


def _translate(text: str, chance: random.Random) -> str:
    return " ".join(chance.choice(FOREIGN) if word.isalpha() else word for word in text.split(" "))


def _shorten(text: str, _: random.Random) -> str:
    words = text.split(" ")
    return " ".join(words[: len(words) - max(1, len(words) // 6)])


def _embellish(text: str, chance: random.Random) -> str:
    return f"{text} {chance.choice(('Thanks a lot in advance!', 'Please do it today.', 'Version 2.1 has that.'))}"


def _changed(answers: Answers, chance: random.Random, how: Callable[[dict[str, Any]], dict[str, Any]]) -> Answers:
    place = chance.randrange(len(answers))
    return [*answers[:place], how(answers[place]), *answers[place + 1 :]]


def _wrong(answer: dict[str, Any], plan: ReplyPlan, chance: random.Random, told: str = "") -> dict[str, Any]:
    """The answer with one wrong value: the one that `told` names, or any other."""
    choices = {name: [c for c in plan.choices(name) if c not in (None, answer.get(name))] for name in plan.fields}
    named = [(name, value) for name, values in choices.items() for value in values if told and str(value) in told]
    if named:
        name, value = named[0]
    else:
        name = chance.choice([name for name in answer if name != ID and choices.get(name)] or list(answer)[1:] or [ID])
        value = chance.choice([*choices.get(name, []), MARK] if told else choices.get(name) or [MARK])
    return {**answer, name: value}


_HARMS: dict[str, Callable[[Answers, ReplyPlan, random.Random], Answers]] = {
    "wrong_enum": _wrong_enum,
    "overconfident": _overconfident,
    "missing": _missing,
    "invented": _invented,
    "repeated": _repeated,
    "reordered": _reordered,
    "answered": _retold(_answer),
    "translated": _retold(_translate),
    "shortened": _retold(_shorten),
    "embellished": _retold(_embellish),
}
