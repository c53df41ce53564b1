"""Deduplication on its topics: claim checks. The data lie in shared storage; a message names them and their digest."""

from typing import Annotated

from pydantic import Field

from schemas.base import Contract

RunId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
StageName = Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,39}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class ShardReady(Contract):
    """dedupe.<stage>.ready: all that a shard of a stage reads is there. At most 1 KB; attempt and trace are headers."""

    run_id: RunId
    stage: StageName
    shard: Count
    shards: Annotated[int, Field(ge=1)]
    """Of this stage in this run."""
    uri: Annotated[str, Field(max_length=200)]
    """Folder of the run, below the storage that CLI and stages share."""
    sha256: Digest
    """Of the names and digests of all that the shard reads: it is worked on only while these are still meant."""
    rows: Count
    bytes: Count
    config_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]

    @property
    def shard_id(self) -> str:
        """Key of the record."""
        return f"{self.run_id}/{self.stage}/{self.shard}"


class RunCompleted(Contract):
    """dedupe.run-completed: published once, when every stage of a run is complete."""

    run_id: RunId
    rows: Count
    shards: Count
    """Of all stages."""
    config_digest: str
    uri: str
    duration_ms: float
