"""The compose file: broker, database, every stage, the API and the monitoring on one machine."""

from deployment.declared import stages
from deployment.kubernetes import grace_seconds, resource_name, works_on_shards
from deployment.rendering import headed, render

PATH = "docker-compose.yml"


def compose_files() -> dict[str, str]:
    """Path → content of the one file."""
    services = "".join(
        render(
            "compose-stage.yaml",
            name=resource_name(stage),
            kind="shards" if works_on_shards(stage) else "stage",
            stage=stage.full_name,
        )
        for stage in stages()
    )
    return {PATH: headed("compose.yaml", render("compose.yaml", grace=grace_seconds(), stages=services))}
