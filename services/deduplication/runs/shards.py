"""What is said of a shard between the stage and its worker processes. Imports nothing that a step needs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.errors import SluiceError
from shared.settings import Settings


class Place(NamedTuple):
    """How the storage is reached."""

    address: str
    options: str = "{}"


class File(NamedTuple):
    """One Parquet file. `path` is relative to the storage."""

    path: str
    sha256: str
    rows: int
    bytes: int


class Output(NamedTuple):
    """One file that a shard has made. `part`: of the step that reads it, if it is routed to one."""

    artifact: str
    part: int | None
    file: File


class Task(NamedTuple):
    """One shard to work on."""

    place: Place
    run_id: str
    stage: str
    shard: int
    slices: int
    """Of the input of the run."""
    shards: int
    """Of the stages that are divided by the run."""
    inputs: Mapping[str, Sequence[File]]
    """By artifact, in the order of their parts."""
    rules: str


class Done(NamedTuple):
    """A shard that is worked on, and what that took."""

    outputs: Sequence[Output]
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


class DamagedError(SluiceError):
    """A file is not there any more, or not as it was written."""


def place_of(settings: Settings) -> Place:
    """The storage that the settings name."""
    dedupe = settings.dedupe
    options = dedupe.storage_options.get_secret_value() if dedupe.storage_options else "{}"
    return Place(dedupe.storage or str(settings.embedded.directory / "dedupe"), options)


def do(task: Task) -> Done:
    """Work on a shard, in a worker process."""
    from services.deduplication.runs.working import work  # noqa: PLC0415 -- the stage process needs nothing of all that

    return work(task)
