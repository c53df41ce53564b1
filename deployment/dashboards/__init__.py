"""The Grafana boards: every one in a module of its own, as JSON in k8s/monitoring/grafana."""

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deployment.dashboards.delivery import delivery
from deployment.dashboards.groups import groups
from deployment.dashboards.llm import llm
from deployment.dashboards.overview import overview
from deployment.dashboards.stage import stage

BOARDS = "k8s/monitoring/grafana/dashboards/sluice"


def dashboard_files() -> dict[str, str]:
    """Path → JSON of every board."""
    made = [_numbered(make().build()) for make in (overview, stage, llm, groups, delivery)]
    return {f"{BOARDS}/{one.uid}.json": json.dumps(one, cls=JSONEncoder, indent=2) + "\n" for one in made}


def _numbered(board: Dashboard) -> Dashboard:
    """With ids of panels, so that links to one of them hold."""
    for number, panel in enumerate(board.panels or [], start=1):
        panel.id_val = number
    return board
