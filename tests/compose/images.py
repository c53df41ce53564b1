"""The images that docker-compose.yml names: from their registry, or stand-ins for them where it cannot be reached."""

from collections.abc import Sequence
from pathlib import Path

from tests.compose import debian
from tests.compose.docker import ROOT, Docker
from tests.kafka.apache import UnavailableError

STAND_INS = Path(__file__).parent / "stand-ins"
NAMED = "docker-compose.yml"
BASE, PYTHON = "sluice-stand-in/debian", "sluice-stand-in/python"


def compose_files(docker: Docker, folder: Path, variables: Path) -> Sequence[Path]:
    """The files to start from; what they name and do not build is there. Raises UnavailableError if it cannot be."""
    ours = ROOT / NAMED
    code, _, why = docker.tried("compose", "--env-file", variables, "pull", "--quiet", "--ignore-buildable")
    if code == 0:
        return [ours]
    try:
        _make_bases(docker, folder)
    except UnavailableError as error:
        raise UnavailableError(f"images cannot be pulled, nor stand-ins be made: {error}\n{why}") from error
    return [ours, STAND_INS / "compose.yaml"]


def _make_bases(docker: Docker, folder: Path) -> None:
    archive = folder / "debian.tar"
    debian.run("tar", "--create", "--file", archive, "--directory", debian.root(folder), ".")
    docker("import", archive, BASE)
    docker("build", "--network=host", f"--tag={PYTHON}", f"--file={STAND_INS}/python.Dockerfile", STAND_INS)
