"""The embedded model: family, type and their readings without a language model."""

from services.classification.model.model import EmbeddedModel

__all__ = ["EmbeddedModel"]
