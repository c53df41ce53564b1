"""Known vulnerabilities of everything in the lock file, as PyPI tells them: `make audit`.

Exit code 0: asked, none known. 1: some are known. 2: could not ask, which says nothing about the packages.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

AUDITOR = "pip-audit==2.10.1"
LOCK = "requirements-dev.lock"
"""It holds all of requirements.lock as well."""
KNOWN, NOT_ASKED = 1, 2


class Verdict(NamedTuple):
    """What to print, and how to end."""

    lines: list[str]
    code: int


def verdict(report: str, complaint: str) -> Verdict:
    """What the auditor's report means. `complaint`: what it said beside it."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = complaint.strip().splitlines()[-1:] or ["it said nothing"]
        return Verdict([f"could not ask: {last[0]}"], NOT_ASKED)
    unknown = [package for package in packages if "skip_reason" in package]
    if unknown or not packages:
        lines = [f"not asked: {package['name']}: {package['skip_reason']}" for package in unknown[:3]]
        told = f"could not ask about {len(unknown)} of {len(packages)} packages: is there no PyPI behind this index?"
        return Verdict([*_known(packages), *lines, told], KNOWN if _known(packages) else NOT_ASKED)
    known = _known(packages)
    return Verdict([*known, f"{len(packages)} packages, {len(known)} known vulnerabilities"], KNOWN if known else 0)


def _known(packages: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{package['name']} {package['version']}: {flaw['id']}, fixed in {', '.join(flaw['fix_versions']) or 'nothing'}"
        for package in packages
        for flaw in package.get("vulns", ())
    ]


def _ask() -> Verdict:
    command = ["--requirement", LOCK, "--require-hashes", "--disable-pip", "--vulnerability-service", "pypi"]
    # A tool of its own, out of our environment: it has thirty dependencies that nothing else needs.
    done = subprocess.run(
        [Path(sys.executable).with_name("uv"), "tool", "run", AUDITOR, *command, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    return verdict(done.stdout, done.stderr)


if __name__ == "__main__":
    lines, code = _ask()
    print("\n".join(lines))
    sys.exit(code)
