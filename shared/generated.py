"""Files that are made from the code and committed: JSON Schemas, manifests, the compose file.

`python -m shared.generated check` fails when one is out of date, `python -m shared.generated write` brings them up to
date, but leaves a schema as it is whose change its readers would not survive.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from shared import contracts
from shared.deployment import compose, kubernetes, monitoring

ROOT = Path(__file__).parents[1]

SOURCES: Sequence[Callable[[], Mapping[Path, str]]] = (
    contracts.files,
    kubernetes.files,
    compose.files,
    monitoring.files,
)
"""Each returns path → content; what a path leads to belongs to its source alone."""


def files() -> dict[Path, str]:
    """Path → content of everything that is generated."""
    return {path: content for source in SOURCES for path, content in source().items()}


def write() -> int:
    """Bring the files up to date; the exit code."""
    refused = contracts.refused()
    for path, content in files().items():
        if path not in refused:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    problems = [f"{path.name}: {problem}" for path, found in refused.items() for problem in found]
    return _report(problems, "raise the topic's schema version, or undo the change")


def check() -> int:
    """Say which files are out of date; the exit code."""
    stale = [path for path, content in files().items() if not path.exists() or path.read_text() != content]
    problems = [f"{path.relative_to(ROOT)}: out of date" for path in stale]
    return _report(problems, "run `make generate` and commit what it writes")


def _report(problems: list[str], remedy: str) -> int:
    if problems:
        sys.stderr.write("\n".join(problems) + f"\n→ {remedy}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit({"write": write, "check": check}[sys.argv[1]]())
