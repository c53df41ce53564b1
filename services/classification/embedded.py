"""The embedded model, loaded once a process."""

from functools import cache

from services.classification.model import EmbeddedModel


@cache
def embedded_model() -> EmbeddedModel:
    """The model that ships with Sluice."""
    return EmbeddedModel.load()
