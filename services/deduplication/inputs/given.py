"""What a run is given: its input, and what people decided about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

MAPPING = pa.schema([("canonical", pa.string()), ("actual", pa.string())])
OVERRIDES = pa.schema(
    [("account_id", pa.string()), ("override", pa.string()), ("reason", pa.string()), ("timestamp", pa.string())]
)
BLACKLIST = pa.schema([("term", pa.string())])
PREVIOUS = pa.schema([("account_id", pa.string()), ("group_id", pa.string())])
"""Groups that accounts were in before, whose ids the run keeps."""


@dataclass(frozen=True)
class Given:
    """Slices of a file with the mapping of its columns; the others may be empty."""

    inputs: Sequence[pa.Table]
    mapping: pa.Table
    overrides: pa.Table = field(default_factory=OVERRIDES.empty_table)
    blacklist: pa.Table = field(default_factory=BLACKLIST.empty_table)
    previous: pa.Table = field(default_factory=PREVIOUS.empty_table)
