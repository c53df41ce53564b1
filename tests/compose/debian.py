"""Debian's packages, for machines without a Docker engine or a registry: an engine, and the base of stand-in images."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.kafka.apache import UnavailableError

SUITE = "trixie"
ENGINE = ("docker.io", "docker-cli", "docker-compose", "docker-buildx", "containerd")
NEEDED = ("debootstrap", "dpkg-deb", "iptables", "runc")
"""Of this machine. So is runc: the suite's own, unlike its engine, asks for a newer C library than Debian 12 has."""
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
ARCHIVES = "/var/cache/apt/archives"


def require() -> None:
    """Raise UnavailableError if nothing can be made of packages here."""
    if os.geteuid() != 0:
        raise UnavailableError("only root can unpack Debian")
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        raise UnavailableError(f"{', '.join(missing)} not found: apt-get install debootstrap iptables runc")


def root(folder: Path) -> Path:
    """A small Debian in `folder`, made by the first call. It trusts whom this machine trusts: builds fetch, too."""
    made = folder / "debian"
    if not made.exists():
        require()
        run("debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, made)
        _inside(made, "apt-get", "clean")
        shutil.copy(Path("/") / CERTIFICATES, made / CERTIFICATES)
    return made


def engine(folder: Path) -> Mapping[str, str]:
    """Unpack Docker's programs into `folder`; returns the variables with which they are found."""
    debian, programs, config = root(folder), folder / "engine", folder / "config"
    _inside(debian, "apt-get", "update")
    _inside(debian, "env", f"--chdir={ARCHIVES}", "apt-get", "download", *ENGINE)
    for package in debian.joinpath(ARCHIVES.lstrip("/")).glob("*.deb"):
        run("dpkg-deb", "--extract", package, programs)
    _inside(debian, "apt-get", "clean")
    config.mkdir()
    plugins = programs / "usr/libexec/docker/cli-plugins"
    config.joinpath("config.json").write_text(f'{{"cliPluginsExtraDirs": ["{plugins}"]}}')
    return {
        "PATH": f"{programs}/usr/bin:{programs}/usr/sbin:{os.environ['PATH']}",
        "DOCKER_CONFIG": str(config),
        "DOCKER_HOST": f"unix://{folder}/docker.sock",
    }


def run(*command: object) -> None:
    """Run a program to its end. Fails with what it says."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


def _inside(debian: Path, *command: str) -> None:
    run("chroot", debian, *command)
