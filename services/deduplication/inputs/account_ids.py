"""Account ids of 15 characters, whose case matters, made the 18 that survive tools which ignore case."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import UsageError

SHORT, LONG, CHUNK = 15, 18, 5

_CHECK = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", dtype=np.uint8)
_BITS = 1 << np.arange(CHUNK, dtype=np.uint8)
_VALID = rf"[0-9A-Za-z]{{{SHORT}}}([0-9A-Za-z]{{{LONG - SHORT}}})?"


def valid_ids(ids: pa.Array) -> pa.Array:
    """Which texts are account ids, of either length."""
    return pc.fill_null(pc.match_substring_regex(ids, f"^{_VALID}$"), False)


def is_id(text: str) -> bool:
    """Whether a text is an account id."""
    return re.fullmatch(_VALID, text) is not None


def long_id(text: str) -> str:
    """An account id, extended if it is a short one. Raises UsageError if it is none."""
    if not is_id(text):
        raise UsageError(f"{text!r} is no account id", remedy="name one of 15 or 18 letters and digits")
    return str(extended(pa.array([text]))[0])


def extended(ids: pa.Array) -> pa.Array:
    """Valid ids, all in 18 characters: each chunk of five adds one that says which of them are capitals."""
    short = pc.equal(pc.utf8_length(ids), SHORT)
    if not pc.any(short).as_py():
        return ids
    return pc.replace_with_mask(ids, short, _extended(pc.filter(ids, short)))


def _extended(ids: pa.Array) -> pa.Array:
    characters = np.frombuffer("".join(ids.to_pylist()).encode("ascii"), dtype=np.uint8).reshape(-1, SHORT)
    capital = (characters >= ord("A")) & (characters <= ord("Z"))
    codes = (capital.reshape(-1, LONG - SHORT, CHUNK) * _BITS).sum(axis=2, dtype=np.uint8)
    whole: np.ndarray[Any, np.dtype[np.uint8]] = np.ascontiguousarray(np.hstack((characters, _CHECK[codes])))
    offsets = np.arange(0, whole.size + 1, LONG, dtype=np.int32)
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(whole))
