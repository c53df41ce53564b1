"""Rules and boards as the operator of Prometheus and Grafana's sidecar want them."""

from collections.abc import Mapping
from pathlib import PurePath

from deployment.rendering import headed, render

RULES = "k8s/monitoring/prometheus/rules"
BOARDS = "k8s/monitoring/grafana"


def monitoring_files(monitoring: Mapping[str, str]) -> dict[str, str]:
    """Path → content of the wrappers around those of the given files that are rules and boards."""
    rules = [_rules(path, text) for path, text in sorted(monitoring.items()) if path.startswith(RULES)]
    boards = [path for path in sorted(monitoring) if path.startswith(BOARDS)]
    return {
        "k8s/components/monitoring/rules.yaml": headed("rules.yaml", "".join(rules)),
        f"{BOARDS}/kustomization.yaml": headed("dashboards.yaml", _boards(boards)),
    }


def _rules(path: str, text: str) -> str:
    return render("rules.yaml", name=PurePath(path).stem, groups=text)


def _boards(paths: list[str]) -> str:
    entries = [f"- {{name: {PurePath(path).stem}, files: [{PurePath(path).relative_to(BOARDS)}]}}\n" for path in paths]
    return render("dashboards.yaml", boards="".join(entries) or "[]")
