"""The compose file: broker, database, every stage, the API and the monitoring on one machine."""

from deployment.declared import stages
from deployment.kubernetes import grace_seconds, reads_transcripts, resource_name, works_on_shards
from deployment.rendering import headed, render
from shared.runtime.declaration import Stage

PATH = "docker-compose.yml"


def compose_files() -> dict[str, str]:
    """Path → content of the one file."""
    services = "".join(
        render(
            "compose-stage.yaml",
            name=resource_name(stage),
            kind=_kind(stage),
            stage=stage.full_name,
        )
        for stage in stages()
    )
    return {PATH: headed("compose.yaml", render("compose.yaml", grace=grace_seconds(), stages=services))}


def _kind(stage: Stage) -> str:
    """The template's name for stages with the same volumes."""
    if works_on_shards(stage):
        return "shards"
    return "transcripts" if reads_transcripts(stage) else "stage"
