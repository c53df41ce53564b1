"""The HTTP API: submit indicators, watch batches, read results. `python -m services.api` serves it."""

from services.api.app import create_app
from services.api.serving import run_api

__all__ = ["create_app", "run_api"]
