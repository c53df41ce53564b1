"""Session logs made up from a seed: what people type with their typos, and what assistants and tools put around it."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.correction.dictionary import misspellings
from services.correction.edits import slips

REPEATS = 0.3
"""Of the typed messages, those that somebody typed before."""
_TEXT = (
    "please look at the server and tell me why the request takes so long when the cache is empty and the user "
    "opens a page for the first time we need a test that shows what happens if the connection is closed while the "
    "file is written make sure that nothing is lost and add a line about it to the report then change the code so "
    "that every value is checked before it is stored in the table and do not remove the old field because other "
    "people use it"
)
_WORDS = _TEXT.split()
_CODE = (
    "`make test --verbose`",
    "```python\ndef recieve(mesage):\n    retrun  mesage\n```",
    "src/handlers/recieve_mesage.py",
    "https://example.com/docs/teh-page?id=17",
    "MAX_RETRIES",
    "parseResponse()",
    "v2.13.4",
    "$HOME/.config",
    "user@example.com",
    '"could not recieve the file"',
)
_OTHERS = (
    "Bitte schau dir die Datei an, der Fehler tritt nur auf, wenn die Liste leer ist und nichts geladen wird.",
    "Le test ne passe plus depuis que la table est vide, est-ce que tu peux regarder dans le fichier des logs ?",
    "Будь ласка, подивись на цей файл, чому тест не проходить після зміни.",
    "请看一下这个文件 测试为什么失败了",
)


@dataclass(frozen=True)
class Typed:
    """A typed message, and how it reads without the typos that were put in."""

    text: str
    right: str
    code: tuple[str, ...]


def messages(count: int, seed: int = 0, repeats: float = REPEATS) -> list[Typed]:
    """Typed messages, of which a share repeats others, whole."""
    chance, typos = random.Random(seed), _typos()
    new = [_message(chance, typos, number) for number in range(count - int(count * repeats))]
    every = new + [chance.choice(new) for _ in range(count - len(new))]
    chance.shuffle(every)
    return every


def _typos() -> dict[str, list[str]]:
    """Word → its listed misspellings, for the words that messages are made of."""
    found: dict[str, list[str]] = {}
    for wrong, right in misspellings().items():
        if right in _WORDS and wrong.isalpha() and wrong.isascii() and slips(wrong, right) <= 2:
            found.setdefault(right, []).append(wrong)
    return found


def _message(chance: random.Random, typos: dict[str, list[str]], number: int) -> Typed:
    if chance.random() < 0.08:
        text = f"{chance.choice(_OTHERS)} ({number})"
        return Typed(text, text, ())
    start, length = chance.randrange(len(_WORDS)), chance.randrange(9, 28)
    right = [_WORDS[(start + place) % len(_WORDS)] for place in range(length)]
    wrong = list(right)
    places = [place for place, word in enumerate(right) if word in typos]
    for place in chance.sample(places, min(len(places), chance.choice((0, 1, 1, 2)))):
        wrong[place] = chance.choice(typos[right[place]])
    code = (*chance.sample(_CODE, chance.choice((0, 0, 1, 2))), f"#{number}")
    between = chance.choice(("\n\n", " ", "\n- "))
    return Typed(_joined(wrong, code, between), _joined(right, code, between), code)


def _joined(words: list[str], code: tuple[str, ...], between: str) -> str:
    half = len(words) // 2
    fenced = [f"\n\n{part}\n\n" if part.startswith("```") else between + part for part in code]
    return " ".join(words[:half]) + "".join(fenced) + " " + " ".join(words[half:])


def records(typed: list[Typed], seed: int = 0, session: str = "s", *, bare: bool = False) -> Iterator[dict[str, Any]]:
    """A session: each typed message with an answer, a call of a tool and its result; notes in between.

    `bare`: the typed messages alone.
    """
    chance = random.Random(f"{seed} {session}")
    for number, message in enumerate(typed):
        call = {"type": "tool_use", "id": f"t{number}", "name": "Read", "input": {"path": "src/teh.py"}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": "teh file " * chance.randrange(3)}
        thought, answer = {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "teh answer"}
        yield _record("user", message.text, session, number)
        if bare:
            continue
        yield _record("assistant", [thought, answer, call], session, number)
        yield _record("user", [result], session, number, toolUseResult={"ok": True})
        if number % 20 == 0:
            yield _record("user", "<command-name>/clear</command-name>", session, number, isMeta=True)


def _record(kind: str, content: Any, session: str, number: int, **more: Any) -> dict[str, Any]:
    message = {"role": kind, "content": content, **({"model": "some-model"} if kind == "assistant" else {})}
    return {
        "type": kind,
        "uuid": f"{session}-{number}-{kind}-{'-'.join(more)}",
        "timestamp": f"2026-01-{1 + number // 1440 % 28:02}T{number // 60 % 24:02}:{number % 60:02}:00.000Z",
        "sessionId": session,
        "version": "2.0.1",
        "cwd": "/work/project",
        "gitBranch": "main",
        "message": message,
        **more,
    }


def write_folder(folder: Path, typed: list[Typed], a_file: int = 250, seed: int = 0, *, bare: bool = False) -> int:
    """Session files with so many typed messages each; returns the number of lines."""
    lines = 0
    for start in range(0, len(typed), a_file):
        session = f"session-{start // a_file:04}"
        place = folder / f"project-{start // a_file % 3}"
        place.mkdir(parents=True, exist_ok=True)
        with (place / f"{session}.jsonl").open("w", encoding="utf-8") as file:
            print(json.dumps({"type": "summary", "summary": "a session", "leafUuid": "x"}), file=file)
            for record in records(typed[start : start + a_file], seed, session, bare=bare):
                print(json.dumps(record, ensure_ascii=False), file=file)
                lines += 1
            lines += 1
    return lines
