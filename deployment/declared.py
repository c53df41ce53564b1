"""What the boards and alerts need of the declared pipelines."""

from shared.pipelines import pipelines
from shared.runtime.declaration import Pipeline, Stage


def stages() -> list[Stage]:
    """Every stage, pipeline by pipeline, in the order of its flow."""
    return [stage for pipeline in pipelines().values() for stage in pipeline.stages]


def stage_names() -> list[str]:
    """Their short names, each once."""
    return list(dict.fromkeys(stage.name for stage in stages()))


def first_stages() -> list[str]:
    """Short names of the stages through which items come in."""
    return [stage.name for stage in stages() if stage.edge]


def last_stages() -> list[str]:
    """Short names of the stages that finish items: nobody of their pipeline reads what they write."""
    return [stage.name for pipeline in pipelines().values() for stage in pipeline.stages if _is_last(stage, pipeline)]


def _is_last(stage: Stage, pipeline: Pipeline) -> bool:
    read = {other.reads.name for other in pipeline.stages}
    return bool(stage.writes) and not any(topic.name in read for topic in stage.writes)
