"""Valid inputs to begin with."""

import json
from pathlib import Path
from typing import Any

from schemas.indicator import Indicator

INDICATOR: dict[str, Any] = {
    "indicator_id": "arm-exports",
    "name": "Exports of goods, year to date",
    "units": "USD Million",
    "definition": "Goods, free on board, cumulative since January",
    "source": "Statistical Committee",
    "category_group": "Trade",
    "periodicity": "Monthly",
    "scale": "Millions",
    "currency_code": "USD",
    "country": "Armenia",
    "sample_values": [
        {"date": "2024-01", "value": 1034.2},
        {"date": "2024-02", "value": 2240.9},
        {"date": "2024-03", "value": None},
        3.5,
    ],
    "series_code": "kept as context",
}
LINES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "indicators.jsonl").read_text(encoding="utf-8").splitlines()
]
INDICATORS = [Indicator.model_validate_json(json.dumps(INDICATOR)), *(Indicator(**line) for line in LINES[:20])]
