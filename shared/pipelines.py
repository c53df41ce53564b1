"""The installed pipelines, found by entry point: machinery and commands name none of them."""

from functools import cache
from importlib.metadata import entry_points

from shared.errors import UsageError
from shared.runtime.declaration import Pipeline, Stage

GROUP = "sluice.pipelines"


@cache
def pipelines() -> dict[str, Pipeline]:
    """Every pipeline by name."""
    loaded = [point.load() for point in entry_points(group=GROUP)]
    return {pipeline.name: pipeline for pipeline in loaded}


def find_stage(name: str) -> tuple[Pipeline, Stage]:
    """A stage by its full name (`classification.family`). Raises UsageError listing the names there are."""
    for pipeline in pipelines().values():
        for stage in pipeline.stages:
            if stage.full_name == name:
                return pipeline, stage
    known = ", ".join(stage.full_name for pipeline in pipelines().values() for stage in pipeline.stages)
    raise UsageError(f"there is no stage {name!r}", remedy=f"stages: {known}")
