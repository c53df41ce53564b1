"""What is fed to parsers: valid input, damaged in its structure and then in its bytes. Noise alone reaches little.

A maker makes a case from a random source. Cases are not drawn piece by piece from Hypothesis: that takes forty times
as long as most parsers do, and ten thousand cases of each are wanted.
"""

import copy
import json
import sys
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
Maker = Callable[[Random], T]

HOSTILE_TEXTS = (
    "", " ", "\0", "a\0b", "\\u0000", "NaN", "Infinity", "null", "true", "1e999", "-0", "9" * 400, "9" * 5_000,
    "\u202e", "\ufeff", "é", "e\u0301", "²", "٣", "💰" * 20, "'; --", "{", "[", '"', "\\", "\n", "\r\n", "\t",
    "a" * 70, "a " * 600, "x" * 3_000, "%s{0}{x}", "<items>", "=1+1", "\x7f\x1b[2J", "\u2028", "\x85",
)  # fmt: skip
HOSTILE_BYTES = (
    b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b'"', b"\\", b"\\u0000", b"\\ud800",
    b"\n", b"\r", b"\r\n", b",", b";", b"\t", b"{", b"}", b"[", b"]", b":", b"NaN", b"-Infinity", b"1e999",
    b"9" * 5_000, b"[" * 300, b'{"a":' * 300, b'"\\' * 40, b"\x1f\x8b", b"null", b" " * 50, b"[" * 3_000,
)  # fmt: skip
NUMBERS = (0, 1, -1, 10**400, -(10**400), 2**63, -(2**63) - 1, 1e308, 5e-324, -0.0, 0.1, float("nan"), float("inf"))
CONTAINERS = ("[]", "{}", json.dumps([None] * 200), '{"a": {"b": [null]}}')
LARGE = 5_000
"""Bytes of a case that is not made larger by repeating parts of it."""
FEATURES = "0123456789-./:QWMFY %$€kKmMbB,()"


def drawn(maker: Maker[T]) -> SearchStrategy[T]:
    """Cases of a maker, for Hypothesis, which shows the one that failed and runs it again first."""
    return st.integers(0, 2**64 - 1).map(lambda seed: maker(Random(seed)))


def maybe(chance: float, maker: Maker[T]) -> Maker[T | None]:
    """A case, or None."""
    return lambda r: maker(r) if r.random() < chance else None


def many(maker: Maker[T], most: int, least: int = 0) -> Maker[list[T]]:
    """Some cases."""
    return lambda r: [maker(r) for _ in range(r.randint(least, most))]


def characters(r: Random, alphabet: str = "", most: int = 20) -> str:
    """Text of an alphabet, or of all there is (without the halves of characters, which no encoding can write)."""
    if alphabet:
        return "".join(r.choice(alphabet) for _ in range(r.randint(0, most)))
    planes = (0x7F, 0x7F, 0x24F, 0xFFFF, sys.maxunicode)
    codes = (r.randint(0, r.choice(planes)) for _ in range(r.randint(0, most)))
    return "".join(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF)


def text(r: Random) -> str:
    """Some text or other."""
    kind = r.random()
    return r.choice(HOSTILE_TEXTS) if kind < 0.5 else characters(r) if kind < 0.75 else characters(r, FEATURES)


def number(r: Random) -> Any:
    """Some number or other."""
    kind = r.random()
    return r.choice(NUMBERS) if kind < 0.5 else r.randint(-1_000, 1_000) if kind < 0.75 else r.uniform(-1e6, 1e6)


def scalar(r: Random) -> Any:
    """Anything that is one value."""
    kind = r.random()
    return r.choice((None, True, False)) if kind < 0.2 else number(r) if kind < 0.5 else text(r)


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def junk(r: Random) -> Any:
    """Anything that JSON can spell."""
    match r.randint(0, 7):
        case 0:
            return [scalar(r) for _ in range(r.randint(0, 4))]
        case 1:
            return {text(r): scalar(r) for _ in range(r.randint(0, 3))}
        case 2:
            return deep(r.choice((1, 5, 150, 400)))
        case 3:
            return json.loads(r.choice(CONTAINERS))
        case _:
            return scalar(r)


def mutated(valid: Any, r: Random, most: int = 3) -> Any:
    """A document like `valid`, with parts replaced, removed, added or repeated."""
    document = copy.deepcopy(valid)
    for _ in range(r.randint(0, most)):
        document = _mutate(document, r)
    return document


def _mutate(document: Any, r: Random) -> Any:
    place = document
    while isinstance(place, (dict, list)) and place:
        key = r.choice(list(place)) if isinstance(place, dict) else r.randrange(len(place))
        inner = place[key]
        if isinstance(inner, (dict, list)) and inner and r.random() < 0.75:
            place = inner
            continue
        _change(place, key, r)
        return document
    return junk(r)


def _change(place: Any, key: Any, r: Random) -> None:
    match r.choice(("replace", "replace", "remove", "add", "repeat")):
        case "replace":
            place[key] = junk(r)
        case "remove":
            del place[key]
        case "add" if isinstance(place, dict):
            place[text(r)] = junk(r)
        case "add":
            place.insert(key, junk(r))
        case _ if isinstance(place, list):
            place.extend([place[key]] * r.randint(1, 30))
        case _:
            place[key] = [place[key]] * r.randint(1, 30)


def damaged(content: bytes, r: Random, most: int = 3) -> bytes:
    """Bytes with some of them changed, lost, moved or added; half of the time as they are."""
    for _ in range(r.choice((0, 0, *range(1, most + 1)))):
        start = r.randint(0, len(content))
        end = min(len(content), start + r.choice((0, 1, 2, 8, 64, 100_000)))
        put = r.choice((b"", r.choice(HOSTILE_BYTES), r.randbytes(r.randint(1, 4))))
        again = r.choice((0, 0, 0, 1, 50)) if len(content) < LARGE else 0
        content = content[:start] + put + content[start:end] * again + content[end:]
    return content


def spelt(document: Any, r: Random) -> bytes:
    """JSON text, as different writers spell it."""
    written = json.dumps(document, ensure_ascii=r.random() < 0.5, indent=r.choice((None, None, 1)))
    encoding = r.choice(("utf-8",) * 8 + ("utf-16", "latin-1", "utf-8-sig"))
    return written.encode(encoding, errors="replace")


def json_like(*valid: Any) -> Maker[bytes]:
    """JSON that was valid once: damaged in its structure, then in its bytes."""
    return lambda r: damaged(spelt(mutated(r.choice(valid), r), r), r)


def words(valid: Sequence[str], alphabet: str) -> Maker[str]:
    """Short texts of a small language: valid ones, pieces of them put together, and hostile ones."""

    def make(r: Random) -> str:
        kind = r.random()
        if kind < 0.2:
            return r.choice(valid)
        if kind < 0.3:
            return text(r)
        pieces = [_piece(valid, alphabet, r) for _ in range(r.randint(0, 6))]
        return r.choice((" ", "")).join(pieces)

    return make


def _piece(valid: Sequence[str], alphabet: str, r: Random) -> str:
    kind = r.random()
    if kind < 0.4:
        whole = r.choice(valid)
        return whole[r.randint(0, len(whole)) :] if r.random() < 0.5 else whole
    return characters(r, alphabet, 6) if kind < 0.8 else text(r)
