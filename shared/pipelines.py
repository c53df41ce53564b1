"""The installed pipelines, found by entry point: machinery and commands name none of them."""

from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from shared.errors import UsageError
from shared.runtime.declaration import Pipeline, Stage

GROUP = "sluice.pipelines"
_OURS = {"schemas", "services", "shared"}


@cache
def pipelines() -> dict[str, Pipeline]:
    """Every pipeline by name."""
    return {pipeline.name: pipeline for pipeline in installed(GROUP)}


def installed(group: str) -> Iterator[Any]:
    """What pipelines register under `group`, but for those that need packages of an extra which is not installed."""
    for point in entry_points(group=group):
        try:
            yield point.load()
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in _OURS:
                raise


def find_stage(name: str) -> tuple[Pipeline, Stage]:
    """A stage by its full name (`classification.family`). Raises UsageError listing the names there are."""
    for pipeline in pipelines().values():
        for stage in pipeline.stages:
            if stage.full_name == name:
                return pipeline, stage
    known = ", ".join(stage.full_name for pipeline in pipelines().values() for stage in pipeline.stages)
    raise UsageError(f"there is no stage {name!r}", remedy=f"stages: {known}")
