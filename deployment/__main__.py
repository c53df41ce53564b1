"""Writes the generated files, or checks that they are current."""

import sys
from pathlib import Path

from deployment.alerts import alert_files
from deployment.compose import compose_files
from deployment.dashboards import dashboard_files
from deployment.kubernetes import kubernetes_files
from deployment.metrics import metric_files
from deployment.operators import monitoring_files

ROOT = Path(__file__).parents[1]
LISTED = {".json", ".yml"}
"""Kinds of files of which a folder with generated ones holds no others."""


def current_files() -> dict[Path, str]:
    """Path → content of everything that is generated here."""
    described = metric_files() | dashboard_files() | alert_files()
    deployed = kubernetes_files() | compose_files() | monitoring_files(described)
    return {ROOT / path: text for path, text in (described | deployed).items()}


def write() -> int:
    """Bring every file up to date."""
    for path, text in current_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def check() -> int:
    """1 if a file is out of date, or lies among generated ones and is not generated any more."""
    files = current_files()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    left = [other for path in files for other in path.parent.glob("*") if other.suffix in LISTED and other not in files]
    problems = sorted({str(path.relative_to(ROOT)) for path in [*stale, *left]})
    if problems:
        sys.stderr.write("\n".join(f"{problem}: out of date" for problem in problems))
        sys.stderr.write("\n→ run `make generate` and commit what it writes\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit({"write": write, "check": check}[sys.argv[1]]())
