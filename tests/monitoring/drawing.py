"""The boards as pictures: what their queries find, drawn with matplotlib where no Grafana is at hand."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tests.monitoring.boards import Target, panels, targets
from tests.monitoring.live_run import LiveRun

WIDTH, COLUMNS, ROW = 17.0, 24, 0.34
"""Inches of a picture, columns of Grafana's grid over them, inches of one of its rows."""
FOOT = "Rendered with matplotlib from the panels' queries; Grafana draws them in its own way."
LETTERS = 210
"""How many letters of a small font fit into the width of a picture."""
TABLE_ROW = 0.105
HALF_A_STEP = 0.5
CELL_LENGTH = 26
BAD = "#c4162a"


async def draw(run: LiveRun, board: Mapping[str, Any], path: Path) -> None:
    """One board into a PNG."""
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"]) + 3
    figure = Figure(figsize=(WIDTH, height * ROW), facecolor="white")
    figure.text(0.01, 1 - 0.9 / height, board["title"], fontsize=18, weight="bold", va="center")
    figure.text(0.99, 1 - 0.9 / height, FOOT, fontsize=9, color="gray", va="center", ha="right")
    for panel in board["panels"]:
        if panel["type"] == "row":
            top = 1 - (panel["gridPos"]["y"] + 2.4) / height
            figure.text(0.01, top, panel["title"], fontsize=13, weight="bold", va="center", color="#3d4a5c")
    for panel in panels(dict(board)):
        place, asked = panel["gridPos"], targets(dict(board), panel)
        axes = figure.add_axes(_box(place, height))
        axes.set_title(panel["title"], fontsize=10, loc="left", weight="bold")
        await _DRAWN[panel["type"]](run, axes, panel, asked)
    figure.savefig(path, dpi=80)


def _box(place: Mapping[str, int], height: float) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of a panel's axes, as shares of the figure, with room for what is around them."""
    left, width = place["x"] / COLUMNS, place["w"] / COLUMNS
    bottom, tall = 1 - (place["y"] + 2 + place["h"]) / height, place["h"] / height
    around = 2.2 if place["h"] > 4 else 0.6  # the legend
    return left + 0.035, bottom + around / height, width - 0.05, tall - (around + 1.3) / height


async def _lines(run: LiveRun, axes: Axes, panel: Mapping[str, Any], asked: Sequence[Target]) -> None:
    found = [(target, one) for target in asked for one in await run.series(target)]
    lines = sorted((_name(target, one["metric"]), _points(run, one)) for target, one in found)
    drawn = [(name, points) for name, points in lines if any(points.values())]
    if panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal" and drawn:
        _stack(axes, drawn)
    else:
        for (name, points), colour in zip(drawn, _colours(len(drawn)), strict=True):
            axes.plot(list(points), list(points.values()), label=name, linewidth=1.4, color=colour)
    _frame(axes, _unit(panel), run.seconds)
    _legend(axes, [name for name, _ in drawn], panel["gridPos"]["w"])


def _colours(count: int) -> list[str]:
    """So many colours, different ones up to twenty."""
    colours = colormaps["tab10" if count <= 10 else "tab20"]
    return [to_hex(colours(number % colours.N)) for number in range(count)]


def _frame(axes: Axes, unit: str, seconds: float) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _shown(value, unit)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{int(value) // 60}:{int(value) % 60:02}"))
    axes.set_xlim(0, seconds)
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(axes: Axes, names: Sequence[str], width: int) -> None:
    """Below the lines, as many columns as fit; lines that are 0 throughout have been left out."""
    if not names:
        axes.set_yticks([0])
        axes.text(0.5, 0.5, "0 throughout", transform=axes.transAxes, ha="center", color="gray", fontsize=9)
        return
    columns = max(1, int(LETTERS * width / COLUMNS / (max(map(len, names)) + 6)))
    place = (0.0, -0.12)
    axes.legend(loc="upper left", bbox_to_anchor=place, frameon=False, borderaxespad=0.0, fontsize=7, ncols=columns)


def _stack(axes: Axes, drawn: Sequence[tuple[str, Mapping[float, float]]]) -> None:
    known = {moment for _, points in drawn for moment in points}
    times = [
        min(known) + step for step in range(int(max(known) - min(known)) + 1)
    ]  # every second, also without a value
    heights = [[_near(points, moment) for moment in times] for _, points in drawn]
    axes.stackplot(times, heights, labels=[name for name, _ in drawn], colors=_colours(len(drawn)))


def _near(points: Mapping[float, float], moment: float) -> float:
    return next((value for known, value in points.items() if abs(known - moment) < HALF_A_STEP), 0.0)


def _points(run: LiveRun, series: Mapping[str, Any]) -> dict[float, float]:
    """Seconds since the start → value."""
    values = {float(moment) - run.started: float(value) for moment, value in series["values"]}
    return {moment: value for moment, value in values.items() if math.isfinite(value)}


def _name(target: Target, labels: Mapping[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), target.legend)


async def _number(run: LiveRun, axes: Axes, panel: Mapping[str, Any], asked: Sequence[Target]) -> None:
    axes.set_axis_off()
    newest = [float(one["values"][-1][1]) for one in await run.series(asked[0])]
    found = [value for value in newest if math.isfinite(value)]
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    bad = len(steps) > 1 and bool(found) and found[0] >= steps[1]["value"]
    whole = panel["fieldConfig"]["defaults"].get("decimals") == 0
    text = _shown(round(found[0]) if whole else found[0], _unit(panel)) if found else "no data"
    axes.text(0.0, 0.35, text, fontsize=22, weight="bold", va="center", color=BAD if bad else "#1a7f37")


async def _table(run: LiveRun, axes: Axes, panel: Mapping[str, Any], asked: Sequence[Target]) -> None:
    axes.set_axis_off()
    rows = (await run.rows(asked[0]))[:9]
    if not rows:
        axes.text(0, 0.5, "no rows", fontsize=9)
        return
    units = {
        one["matcher"]["options"]: part["value"]
        for one in panel.get("fieldConfig", {}).get("overrides", [])
        for part in one["properties"]
        if part["id"] == "unit"
    }
    cells = [[_cell(value, units.get(name)) for name, value in row.items()] for row in rows]
    widths = [max(len(name), *(len(row[index]) for row in cells)) + 2 for index, name in enumerate(rows[0])]
    tall = min(1.0, TABLE_ROW * (len(cells) + 1) * 8 / panel["gridPos"]["h"])
    drawn = axes.table(
        cells,
        colLabels=list(rows[0]),
        bbox=(0.0, 1 - tall, 1.0, tall),  # type: ignore[arg-type]  # four numbers are a box, says its documentation
        cellLoc="left",
        colLoc="left",
        edges="horizontal",
        colWidths=[width / sum(widths) for width in widths],
    )
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(min(8.0, 8.0 * LETTERS * panel["gridPos"]["w"] / COLUMNS / sum(widths)))


def _cell(value: object, unit: str | None) -> str:
    if unit and value is not None:
        return _shown(float(str(value)), unit)
    if isinstance(value, datetime):
        return f"{value:%H:%M:%S}"
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= CELL_LENGTH else text[: CELL_LENGTH - 1] + "…"


def _unit(panel: Mapping[str, Any]) -> str:
    unit: str = panel["fieldConfig"]["defaults"]["unit"]
    return unit


def _shown(value: float, unit: str) -> str:
    """A value with its unit, short."""
    forms = {
        "percentunit": f"{value:.1%}",
        "currencyUSD": f"${value:.4g}",
        "bytes": f"{value / 2**20:.0f} MB",
        "s": f"{value * 1000:.3g} ms" if 0 < value < 1 else f"{value:.4g} s",
        "cps": f"{value:,.0f}/s" if value >= 100 else f"{value:.3g}/s",
    }
    return forms.get(unit) or (f"{value:,.0f}" if value >= 100 else f"{value:.3g}")


_DRAWN = {"timeseries": _lines, "stat": _number, "table": _table}
