"""Building blocks of boards: queries, panels, the frame that all boards share."""

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from shared.database import Queries

PROMETHEUS = models.DataSourceRef("prometheus", "${prometheus}")
POSTGRES = models.DataSourceRef("grafana-postgresql-datasource", "${postgres}")
TABLES = Queries("deployment.dashboards")

COUNT, PER_SECOND, SECONDS, SHARE, DOLLARS, BYTES = "short", "cps", "s", "percentunit", "currencyUSD", "bytes"
"""Grafana's names of units."""

EVERY = "$__rate_interval"
PIPELINE = 'pipeline=~"$pipeline"'
STAGE = f'{PIPELINE},stage=~"$stage"'
"""Matchers of what is chosen above a board."""

Panel = Builder[models.Panel]
Query = Builder[Dataquery]


class SqlQuery(Dataquery):
    """What Grafana's Postgres data source runs; the SDK has no model of its own for it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def to_json(self) -> dict[str, object]:
        """As it stands in a board."""
        return {"refId": "A", "rawSql": self._text, "format": "table", "rawQuery": True, "editorMode": "code"}


class Sql(Query):
    """A table of rows from Postgres."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()

    def build(self) -> SqlQuery:
        """The query."""
        return SqlQuery(self._text)


def rate(metric: str, by: str, where: str = PIPELINE) -> str:
    """How fast a counter grows, by labels."""
    return f"sum by ({by}) (rate({metric}{f'{{{where}}}' if where else ''}[{EVERY}]))"


def quantile(share: float, histogram: str, by: str = "", where: str = PIPELINE) -> str:
    """What `share` of the observed values stay below, by labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, {rate(f'{histogram}_bucket', labels, where)})"


def over_time(expression: str, legend: str, *, exemplar: bool = False) -> prometheus.Dataquery:
    """A query of lines, named by `legend`."""
    return prometheus.Dataquery().expr(expression).range().legend_format(legend).exemplar(exemplar)


def now(expression: str, legend: str = "") -> prometheus.Dataquery:
    """A query of the newest values."""
    query = prometheus.Dataquery().expr(expression).instant().legend_format(legend)
    return query.format(PromQueryFormat.TIME_SERIES)


def lines(title: str, unit: str, meaning: str, *queries: Query, width: int = 12, stacked: bool = False) -> Panel:
    """Lines over time; `stacked` where their sum means something."""
    mode = common.StackingMode.NORMAL if stacked else common.StackingMode.NONE
    legend = options.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    panel = timeseries.Panel().title(title).description(meaning).unit(unit).span(width).height(8).min(0)
    panel.datasource(PROMETHEUS).targets(_numbered(queries)).fill_opacity(15 if stacked else 5)
    panel.stacking(options.StackingConfig().mode(mode))
    panel.tooltip(options.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    return panel.legend(legend.placement(common.LegendPlacement.BOTTOM).show_legend(True))


def number(title: str, unit: str, meaning: str, query: Query, *, bad_from: float | None = None) -> Panel:
    """One number; red from `bad_from` on."""
    steps = [models.Threshold(None, "green")]
    if bad_from is not None:
        steps.append(models.Threshold(bad_from, "red"))
    panel = stat.Panel().title(title).description(meaning).unit(unit).span(4).height(4)
    if unit == COUNT:
        panel.decimals(0)
    panel.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    return panel.datasource(PROMETHEUS).targets(_numbered([query]))


def rows(
    title: str, meaning: str, query: str, *, width: int = 12, height: int = 8, units: dict[str, str] | None = None
) -> Panel:
    """A table out of Postgres: what a query of sql/tables.sql finds; `units` of columns."""
    panel = table.Panel().title(title).description(meaning).span(width).height(height)
    for column, unit in (units or {}).items():
        panel.override_by_name(column, [models.DynamicConfigValue("unit", unit)])
    return panel.datasource(POSTGRES).targets([Sql(TABLES[query])])


def _numbered(queries: Sequence[Query]) -> list[Any]:
    named = zip("ABCDEFGH", queries, strict=False)
    return [query.ref_id(name) if isinstance(query, prometheus.Dataquery) else query for name, query in named]


def board(uid: str, title: str, meaning: str, variables: Sequence[Builder[Any]] = ()) -> dashboard.Dashboard:
    """An empty board."""
    sources = [
        dashboard.DatasourceVariable("prometheus").label("Prometheus").type("prometheus"),
        dashboard.DatasourceVariable("postgres").label("Postgres").type("grafana-postgresql-datasource"),
    ]
    made = dashboard.Dashboard(title).uid(uid).description(meaning).tags(["sluice"]).readonly().timezone("browser")
    made.refresh("10s").time("now-1h", "now").tooltip(models.DashboardCursorSync.CROSSHAIR)
    others = dashboard.DashboardLink("Sluice").type(models.DashboardLinkType.DASHBOARDS).tags(["sluice"])
    return made.variables([*sources, *variables]).link(others.as_dropdown(True).keep_time(True).include_vars(True))


def choice(name: str, values: Sequence[str], *, several: bool = True) -> dashboard.CustomVariable:
    """A variable with the given values; all of them are chosen at first if there may be several."""
    variable = dashboard.CustomVariable(name).label(name.capitalize()).values(",".join(values))
    if several:
        chosen = models.VariableOption(True, "All", "$__all")
        return variable.multi(True).include_all(True).all_value(".*").current(chosen)
    return variable.current(models.VariableOption(True, values[0], values[0]))
