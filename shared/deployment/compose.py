"""The compose file: broker, database, every stage, the API and the monitoring on one machine."""

from collections.abc import Mapping
from pathlib import Path

from shared.deployment.kubernetes import grace_seconds, resource_name, stages
from shared.deployment.rendering import headed, render

PATH = Path(__file__).parents[2] / "docker-compose.yml"


def files() -> Mapping[Path, str]:
    """Path → content of the one file."""
    services = "".join(
        render("compose-stage.yaml", name=resource_name(stage), stage=stage.full_name) for stage in stages()
    )
    return {PATH: headed("compose.yaml", render("compose.yaml", grace=grace_seconds(), stages=services))}
