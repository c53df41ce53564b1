"""From a score to the probability that two names are the same: as labelled pairs have shown, kept in a file."""

from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from services.deduplication.rules import Profile, Rules
from shared.errors import UsageError

SCHEMA = pa.schema([("score", pa.float64()), ("probability", pa.float64())])


class Calibration(BaseModel):
    """Points of a function that never falls; between two of them it is straight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Profile
    rules: str
    """Digest of the rules of the profile by which the pairs were scored."""
    pairs: int
    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    @model_validator(mode="after")
    def _never_falls(self) -> Self:
        columns = self.scores, self.probabilities
        if not self.scores or len(self.scores) != len(self.probabilities) or any(list(c) != sorted(c) for c in columns):
            raise ValueError("scores and probabilities are not of one length and rising")
        return self

    @classmethod
    def read(cls, path: Path, rules: Rules) -> Self:
        """One that was fitted under these rules. Raises UsageError."""
        again = f"make it anew: sluice evaluate-dedupe … --profile {rules.profile} --calibrate FILE"
        try:
            found = cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise UsageError(f"{path} is no calibration: {str(error).splitlines()[0]}", remedy=again) from None
        if found.rules != digest(rules):
            raise UsageError(f"{path} was fitted under other rules ({found.profile})", remedy=again)
        return found

    def table(self) -> pa.Table:
        """The points, to be kept with a run."""
        return pa.table([self.scores, self.probabilities], schema=SCHEMA)


def digest(rules: Rules) -> str:
    """Identity of how a profile scores; thresholds and ranks are no part of it."""
    return Rules.of(rules.profile).digest()


def probability(points: pa.Table, score: float | None) -> float | None:
    """What a score means, if that is known."""
    if score is None or not points.num_rows:
        return None
    return round(float(np.interp(score, np.asarray(points["score"]), np.asarray(points["probability"]))), 4)
