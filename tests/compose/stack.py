"""The whole stack as docs/operations.md starts it: `.env` from its example, then `docker compose up --build --wait`."""

import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compose.docker import ROOT, Docker
from tests.compose.images import compose_files

PROJECT = "sluice-test"
"""Of its own: a stack that somebody uses keeps its volumes."""
SOME_NOT_COMPLETED = 1
"""Exit code of `sluice classify` if a person has to look at something."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Containers, and the folder in which a person would sit in front of them."""

    docker: Docker
    folder: Path
    files: Sequence[Path]

    def compose(self, *words: object) -> str:
        """`docker compose`. Fails with what it says if it fails."""
        options = [f"--project-name={PROJECT}", f"--env-file={self.folder}/.env"]
        return self.docker("compose", *options, *(f"--file={file}" for file in self.files), *words)

    def up(self) -> None:
        """Build, start and wait until everything is healthy."""
        self.compose("up", "--build", "--wait", "--quiet-pull")

    def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine knows of each, by the name of its service; also of those that have ended."""
        known = json.loads(self.docker("inspect", *self.compose("ps", "--all", "--quiet").split()))
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in known}

    def log(self, name: str) -> list[str]:
        """The lines of a service; `docker compose logs` would put control characters between them."""
        code, out, err = self.docker.tried("logs", self.containers()[name]["Id"])
        assert code == 0, err
        return (out + err).splitlines()

    def images(self) -> dict[str, int]:
        """Bytes of every image that runs."""
        names = {one["Config"]["Image"] for one in self.containers().values()}
        return {name: int(self.docker("image", "inspect", "--format={{.Size}}", name)) for name in sorted(names)}

    def sluice(self, *words: str) -> Any:
        """What the command on this machine prints as JSON; nothing but `.env` tells it where the containers are."""
        program = Path(sys.executable).with_name("sluice")
        done = subprocess.run([program, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode in {0, SOME_NOT_COMPLETED}, done.stdout[-2000:] + done.stderr[-2000:]
        return json.loads(done.stdout)


@contextmanager
def running_stack(docker: Docker, folder: Path) -> Iterator[Stack]:
    """Everything up and healthy; nothing of it is left afterwards."""
    variables = folder / ".env"
    variables.write_text(_filled((ROOT / ".env.example").read_text()))
    stack = Stack(docker, folder, compose_files(docker, folder, variables))
    try:
        stack.up()
        yield stack
    finally:
        stack.compose("down", "--volumes")


def _filled(example: str) -> str:
    """With a password wherever the example asks for one."""
    return re.sub(r"^(\w+_PASSWORD)=$", lambda found: f"{found[1]}={secrets.token_hex(8)}", example, flags=re.MULTILINE)
