"""The overlays as a cluster gets them, rendered by kustomize itself."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from shared.settings import Settings, describe

DIRECTORY = Path(__file__).parents[3] / "k8s"
OVERLAYS = tuple(sorted(path.name for path in (DIRECTORY / "overlays").iterdir()))
WORKLOADS = ("Deployment", "Job")
VARIABLES = {name for row in describe(Settings.load({})) for name in (row.variable, *row.also)}
"""Every variable that is a setting."""

Resource = Mapping[str, Any]


@cache
def overlay(name: str) -> tuple[Resource, ...]:
    """Every resource of an overlay."""
    done = subprocess.run(
        [*_kustomize(), str(DIRECTORY / "overlays" / name)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, f"kustomize warns: {done.stderr}"
    return tuple(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


def of_kind(name: str, *kinds: str) -> list[Resource]:
    """Those resources of an overlay that are of these kinds."""
    return [resource for resource in overlay(name) if resource["kind"] in kinds]


def named(name: str, kind: str) -> dict[str, Resource]:
    """Name → resource of one kind."""
    return {resource["metadata"]["name"]: resource for resource in of_kind(name, kind)}


def pods(name: str) -> Iterator[tuple[str, Resource]]:
    """Kind and name of every workload of an overlay, and the pods it makes."""
    for workload in of_kind(name, *WORKLOADS):
        yield f"{workload['kind']} {workload['metadata']['name']}", workload["spec"]["template"]


def container(pod: Resource) -> Resource:
    """The one container of a pod."""
    (only,) = pod["spec"]["containers"]
    return dict(only)


def settings_of(name: str) -> dict[str, str]:
    """What the overlay's ConfigMap of settings says."""
    (found,) = [each for each in of_kind(name, "ConfigMap") if "SLUICE_EMBEDDED" in each["data"]]
    return dict(found["data"])


def _kustomize() -> Sequence[str]:
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    assert shutil.which("kubectl"), "the overlays are rendered by kubectl or kustomize: install one of them"
    return ["kubectl", "kustomize"]
