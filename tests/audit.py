"""Known vulnerabilities of everything in the lock file, as PyPI tells them: `make audit`, and a part of `make check`.

Exit code 0: asked, none known. 1: some are known. 2: could not ask, which says nothing about the packages. Without
`--strict` the last is a warning and exit code 0: an index that mirrors only files has no answer, and those behind it
could pass no check.
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
WARNING = "WARNING: dependencies were not audited; AUDIT=strict makes this an error"
LONGEST_SECONDS = 300


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


def tolerated(found: Verdict) -> Verdict:
    """The same, but that it could not ask is a warning."""
    return Verdict([*found.lines, WARNING], 0) if found.code == NOT_ASKED else found


def _ask() -> Verdict:
    command = ["--requirement", LOCK, "--require-hashes", "--disable-pip", "--vulnerability-service", "pypi"]
    # A tool of its own, out of our environment: it has thirty dependencies that nothing else needs.
    auditor = [str(Path(sys.executable).with_name("uv")), "tool", "run", AUDITOR, *command, "--format", "json"]
    try:
        done = subprocess.run(auditor, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return verdict("", f"no answer within {LONGEST_SECONDS} s")
    return verdict(done.stdout, done.stderr)


if __name__ == "__main__":
    lines, code = _ask() if "--strict" in sys.argv[1:] else tolerated(_ask())
    print("\n".join(lines))
    sys.exit(code)
