"""Column names of tables, matched to the fields of the ingest contract whatever their case and punctuation."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from services.cli.inputs.rows import UnreadableInput

FIELDS: dict[str, tuple[str, ...]] = {
    "indicator_id": (
        "indicator code", "series id", "series code", "series key", "id", "code", "symbol", "ticker", "mnemonic",
    ),
    "name": ("indicator name", "series name", "title", "series title", "indicator", "series"),
    "units": ("unit", "unit of measure", "unit of measurement", "measurement unit", "unit name", "uom"),
    "description": ("definition", "desc", "short definition", "long definition"),
    "long_name": ("full name", "long title"),
    "category_group": ("category", "group"),
    "dataset": ("dataset name", "data set", "database"),
    "topic": ("topics", "theme", "subject"),
    "source_name": ("source", "publisher"),
    "source_url": ("url", "link"),
    "aggregation_method": ("aggregation",),
    "periodicity": ("frequency", "freq"),
    "scale": ("unit multiplier",),
    "currency_code": ("currency",),
    "country": ("country name", "economy"),
    "sample_values": ("samples", "values", "time series"),
}  # fmt: skip
"""Field → other names of it, the best first: where two columns claim a field, the second is kept as context."""

REQUIRED = ("indicator_id", "name")
SHOWN_HEADERS = 12


class Columns(NamedTuple):
    """What each column of a table is called in the indicator, by position."""

    keys: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Whether id and name are among them."""
        return all(field in self.keys for field in REQUIRED)

    @property
    def recognised(self) -> int:
        """How many are fields of the contract."""
        return sum(key in FIELDS for key in self.keys)


def _folded(header: str) -> str:
    text = unicodedata.normalize("NFKC", header).casefold()
    return "".join(character for character in text if character.isalnum())


CLAIMS = {
    _folded(name): (field, rank) for field, synonyms in FIELDS.items() for rank, name in enumerate((field, *synonyms))
}


def match(headers: Sequence[str]) -> Columns:
    """The key of every column: a field of the contract, or the header itself, made unique."""
    winners: dict[str, tuple[int, int]] = {}
    for position, header in enumerate(headers):
        field, rank = CLAIMS.get(_folded(header), ("", 0))
        if field and (field not in winners or rank < winners[field][0]):
            winners[field] = (rank, position)
    fields = {position: field for field, (_, position) in winners.items()}
    keys: list[str] = []
    for position, header in enumerate(headers):
        keys.append(fields.get(position) or _context_key(header.strip(), position, {*keys, *FIELDS}))
    return Columns(tuple(keys))


def _context_key(header: str, position: int, taken: set[str]) -> str:
    key = header or f"column_{position + 1}"
    return key if key not in taken else f"{key}_{position + 1}"


def unusable(label: str, headers: Sequence[str], kind: str) -> UnreadableInput:
    """The refusal of a table without id or name: which columns were seen, and what they may be called."""
    found = match(headers).keys
    lacking = [field for field in REQUIRED if field not in found]
    seen = ", ".join(repr(header.strip()[:40]) for header in headers[:SHOWN_HEADERS]) or "none"
    more = f" and {len(headers) - SHOWN_HEADERS} more" if len(headers) > SHOWN_HEADERS else ""
    expected = "; ".join(f"{field} (or {', '.join(FIELDS[field])})" for field in lacking)
    return UnreadableInput(label, f"no {kind} for {' or '.join(lacking)}; seen: {seen}{more}", f"expected: {expected}")
