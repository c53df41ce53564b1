"""Running `sluice` inside the test process, through its entry point, with the exit code that a shell would see."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.cli.main import run


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which has to be one JSON document."""
        return json.loads(self.out)


Sluice = Callable[..., Awaitable[Answer]]


def runner(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, variables: Mapping[str, str]
) -> Sluice:
    """A function that runs `sluice` with arguments, in `folder` and with these variables."""
    monkeypatch.chdir(folder)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    async def sluice(*arguments: str, **more: str) -> Answer:
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["sluice", *arguments])
        capsys.readouterr()
        code = await asyncio.to_thread(_exit_code)
        return Answer(code, *capsys.readouterr())

    return sluice


def _exit_code() -> int:
    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
