"""The warehouse that the settings name."""

import importlib
from functools import cache

from services.correction.sinks.sink import Sink
from shared.errors import UsageError
from shared.settings import CorrectionSettings


@cache
def make_sink(settings: CorrectionSettings) -> Sink:
    """BigQuery. Raises UsageError if its client is not installed."""
    try:
        module = importlib.import_module("services.correction.sinks.bigquery")
    except ModuleNotFoundError:
        raise UsageError("BigQuery's client is not installed", remedy="Install the extra `bigquery`.") from None
    made: Sink = module.BigQuerySink.of(settings)
    return made
