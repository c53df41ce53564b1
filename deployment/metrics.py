"""The declared metrics as data, and the reference page made of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.metrics import MetricWrapperBase

from shared.telemetry import metrics

PAGE = "docs/metrics.md"
UNITS = ("seconds", "bytes", "records", "items", "connections", "calls", "usd", "ratio", "records_per_second")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}

HEADING = """# Metrics

Generated from `shared/telemetry/metrics.py` by `make generate`. Every process serves them at `/metrics`, and stage
processes as OpenMetrics with exemplars to a scraper that asks for it: batch duration and throughput name the trace of a
batch's first record. [Dashboards](dashboards.md) show them, [alerts](runbooks.md) watch them.

A histogram `NAME` is the series `NAME_bucket` (with a label `le`), `NAME_sum` and `NAME_count`. No label holds an id, a
name or anything else without bounds.

| name | type | unit | labels | meaning |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Declared:
    """One metric."""

    name: str
    type: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def unit(self) -> str:
        """The base unit that the name ends with; events are counted without one."""
        stem = self.name.removesuffix("_total").removesuffix("_timestamp_seconds")
        if self.name.endswith("_timestamp_seconds"):
            return "Unix time"
        return next((unit.replace("_per_", "/") for unit in reversed(UNITS) if stem.endswith(f"_{unit}")), "")

    @property
    def series(self) -> dict[str, tuple[str, ...]]:
        """Name → labels of each series that a scrape finds."""
        base = self.name.removesuffix("_total")
        return {
            base + suffix: (*self.labels, "le") if suffix == "_bucket" else self.labels
            for suffix in SUFFIXES[self.type]
        }


def declared_metrics() -> list[Declared]:
    """Every metric, in the order of its declaration."""
    ours = [_declared(one) for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    return [*ours, *_of_process()]


def _declared(metric: MetricWrapperBase) -> Declared:
    description = next(iter(metric.describe()))
    name = description.name + ("_total" if description.type == "counter" else "")
    labels = metric._labelnames  # noqa: SLF001 -- the client has no other way to ask
    return Declared(name, description.type, tuple(labels), description.documentation)


def _of_process() -> Iterator[Declared]:
    """What the client library tells of the process itself."""
    for metric in metrics.PROCESS.collect():
        name = metric.name + ("_total" if metric.type == "counter" else "")
        yield Declared(name, metric.type, (), metric.documentation.rstrip("."))


def metric_files() -> dict[str, str]:
    """The reference page."""
    return {PAGE: HEADING + "".join(map(_row, declared_metrics()))}


def _row(one: Declared) -> str:
    labels = ", ".join(f"`{label}`" for label in one.labels)
    return f"| `{one.name}` | {one.type} | {one.unit} | {labels} | {one.meaning} |\n"
