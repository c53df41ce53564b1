"""What a run is given beside its input; each table may be empty."""

import pyarrow as pa

MAPPING = pa.schema([("canonical", pa.string()), ("actual", pa.string())])
OVERRIDES = pa.schema(
    [("account_id", pa.string()), ("override", pa.string()), ("reason", pa.string()), ("timestamp", pa.string())]
)
BLACKLIST = pa.schema([("term", pa.string())])
