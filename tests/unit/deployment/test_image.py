"""The image: of this lock file, without root, without the embedded servers, and of nothing that is not needed."""

import re
import tomllib
from pathlib import Path

from tests.unit.deployment.rendered import pods

ROOT = Path(__file__).parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
STAGES = DOCKERFILE.split("\nFROM ")[1:]


def locked(name: str) -> dict[str, set[str]]:
    """Package → versions of a lock file, by Python's version."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / name).read_text(), re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def test_its_packages_are_those_that_are_tested() -> None:
    ours = locked("requirements-image.lock")
    tested = locked("requirements-dev.lock") | locked("requirements.lock")  # the second has all but the extra s3
    assert len(ours) > 40
    assert {package: tested[package] for package in ours} == ours
    assert "--require-hashes" in DOCKERFILE


def test_it_has_no_embedded_servers() -> None:
    embedded = {re.split(r"[=<>]", package)[0] for package in PROJECT["project"]["optional-dependencies"]["embedded"]}
    assert len(embedded) == 2
    assert not embedded & set(locked("requirements-image.lock"))
    assert "SLUICE_EMBEDDED=false" in DOCKERFILE


def test_its_base_is_pinned_and_its_tools_stay_behind() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert [stage.splitlines()[0] for stage in STAGES] == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]
    assert re.findall(r"^(?:COPY|ADD) (.*)$", STAGES[-1], re.MULTILINE) == ["--from=build /opt/sluice /opt/sluice"]


def test_it_runs_as_the_user_that_the_manifests_name() -> None:
    (user,) = re.findall(r"^USER (\d+):(\d+)$", STAGES[-1], re.MULTILINE)
    for name in ("dev", "prod"):
        for _, pod in pods(name):
            context = pod["spec"]["securityContext"]
            assert (str(context["runAsUser"]), str(context["runAsGroup"])) == user


def test_what_is_copied_is_not_ignored() -> None:
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (.*)$", STAGES[0], re.MULTILINE)]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {source for sources in copied for source in sources} == allowed
    assert set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) < allowed
