"""The HTTP API: submit indicators, watch batches, read results. `python -m services.api` serves it."""
