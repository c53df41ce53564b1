"""What all contracts share: immutability, tolerant reading, and the bounded value types."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
"""Version of every message written by this release; a reader refuses versions above it."""

Confidence = Annotated[float, Field(ge=0.0, le=1.0)]
"""Probability-like certainty, 0..1."""

Reasoning = Annotated[str, Field(min_length=1, max_length=600)]
"""Why a stage decided as it did: one to a few sentences (classification spec 2.2)."""


class Contract(BaseModel):
    """A message or a part of one: frozen, and blind to fields that a newer writer has added."""

    model_config = ConfigDict(frozen=True, extra="ignore")
