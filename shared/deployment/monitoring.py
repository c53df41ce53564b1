"""Rules and dashboards of `k8s/monitoring`, as the operator of Prometheus and Grafana's sidecar want them."""

from collections.abc import Mapping
from pathlib import Path

from shared.deployment.rendering import headed, render

DIRECTORY = Path(__file__).parents[2] / "k8s"
RULES = DIRECTORY / "monitoring" / "prometheus" / "rules"
DASHBOARDS = DIRECTORY / "monitoring" / "grafana" / "dashboards"


def files() -> Mapping[Path, str]:
    """Path → content of the wrappers."""
    rules = "".join(_rules(path) for path in sorted(RULES.glob("*.yml")))
    return {
        DIRECTORY / "components" / "monitoring" / "rules.yaml": headed("rules.yaml", rules),
        DASHBOARDS.parent / "kustomization.yaml": headed("dashboards.yaml", _dashboards()),
    }


def _rules(path: Path) -> str:
    return render("rules.yaml", name=path.stem, groups=path.read_text())


def _dashboards() -> str:
    boards = [path.relative_to(DASHBOARDS.parent) for path in sorted(DASHBOARDS.rglob("*.json"))]
    entries = [f"- {{name: sluice-board-{board.stem}, files: [{board}]}}\n" for board in boards]
    return render("dashboards.yaml", boards="".join(entries) or "[]")
