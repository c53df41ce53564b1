"""The run as a picture: throughput, memory of each process, and what waits before each stage."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display

from matplotlib import pyplot

from tests.benchmarks.long_run.course import Sample

SIZE = (11, 10)
COLOURS = [*matplotlib.color_sequences["tab20"][::2], *matplotlib.color_sequences["tab20"][1::2]]
TICKS = "{x:,.0f}"


def draw(samples: Sequence[Sample], title: str, path: Path) -> None:
    """Write the picture to `path`."""
    figure, (rate, memory, lag) = pyplot.subplots(3, sharex=True, figsize=SIZE, layout="constrained")
    figure.suptitle(title)
    minutes = [sample.seconds / 60 for sample in samples]
    _curves(rate, "indicators done a second", minutes, {"": [sample.rate for sample in samples]})
    _curves(memory, "resident memory, MB", minutes, _series(samples, lambda sample: sample.memory_mb))
    _curves(lag, "records before a stage", minutes, _series(samples, lambda sample: sample.lag))
    lag.set_xlabel("minutes since the first indicator was submitted")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _series(samples: Sequence[Sample], read: Callable[[Sample], Any]) -> dict[str, list[float]]:
    return {name: [read(sample).get(name, 0) for sample in samples] for name in read(samples[-1])}


def _curves(axes: Any, label: str, minutes: Sequence[float], series: dict[str, list[float]]) -> None:
    axes.set_prop_cycle(color=COLOURS)
    for name, values in series.items():
        axes.plot(minutes, values, label=name, linewidth=1.4)
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(TICKS)
    axes.grid(alpha=0.3)
    if len(series) > 1:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small", frameon=False)
