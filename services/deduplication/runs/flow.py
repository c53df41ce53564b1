"""Which files a shard reads: the plan, applied to what earlier stages have made."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from services.deduplication.runs.shards import File, Output

INPUT, GIVEN = "input", "given"
"""Stages that a run begins with: the slices of its file, and what it is given beside it."""

Made = Mapping[str, Sequence[Sequence[Output]]]
"""What stages have made: outputs by stage and shard."""


class StagePlan(NamedTuple):
    """A stage of a run, as its row has it."""

    stage: str
    shards: int
    reads: Mapping[str, tuple[str, str]]
    """Artifact → the stage that makes it, and which of its parts are read."""

    @property
    def needs(self) -> list[str]:
        """Stages that it waits for."""
        return sorted({maker for maker, _ in self.reads.values()})


def files_for(stage: StagePlan, shard: int, made: Made) -> dict[str, list[File]]:
    """What a shard of a stage reads, by artifact, in the order of the parts."""
    return {
        artifact: [
            output.file
            for number, outputs in enumerate(made[maker])
            for output in outputs
            if output.artifact == artifact and _is_read(how, shard, number, output)
        ]
        for artifact, (maker, how) in stage.reads.items()
    }


def _is_read(how: str, shard: int, number: int, output: Output) -> bool:
    match how:
        case "same":
            return number == shard
        case "routed":
            return output.part == shard
        case _:
            return True


def digest_of(files: Mapping[str, Sequence[File]], config_digest: str) -> str:
    """Identity of what a shard reads: the same for the same content under the same rules."""
    named = {artifact: [file.sha256 for file in those] for artifact, those in files.items()}
    return sha256(json.dumps([config_digest, named], sort_keys=True).encode()).hexdigest()
