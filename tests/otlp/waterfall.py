"""A trace as bars over time, as text and as a picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from shared.telemetry.messaging import STAGE
from tests.otlp.receiver import Span

COLOURS = {"SERVER": "#7b3294", "PRODUCER": "#b8860b", "CONSUMER": "#1f5fa8", "CLIENT": "#2b7a4b"}
MEANINGS = {"SERVER": "request", "PRODUCER": "publishing", "CONSUMER": "stage", "CLIENT": "database, model"}
TEXT_WIDTH = 48


def _label(span: Span) -> str:
    """Its name, and the stage's where the topic alone does not tell."""
    stage = str(span.attributes.get(STAGE, "")).partition(".")[2]
    return f"{span.name} ({stage})" if stage else span.name


def in_order(spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """Each span below its parent, with its depth, those of one parent in the order of time."""
    ids = {span.span_id for span in spans}
    yield from _below([span for span in spans if span.parent_id not in ids], spans, 0)


def _below(siblings: Sequence[Span], spans: Sequence[Span], depth: int) -> Iterator[tuple[int, Span]]:
    for span in sorted(siblings, key=lambda one: one.begin):
        yield depth, span
        yield from _below([one for one in spans if one.parent_id == span.span_id], spans, depth + 1)


def as_text(spans: Sequence[Span]) -> str:
    """A line a span."""
    begin, end = min(span.begin for span in spans), max(span.end for span in spans)
    scale = TEXT_WIDTH / (end - begin)
    lines = []
    for depth, span in in_order(spans):
        left = int((span.begin - begin) * scale)
        bar = " " * left + "#" * max(1, int((span.end - span.begin) * scale))
        took = f"{(span.end - span.begin) * 1000:.1f} ms"
        lines.append(f"{'  ' * depth + _label(span):<72}{took:>10}  {bar}")
    return "\n".join(lines)


def draw(spans: Sequence[Span], path: Path) -> None:
    """The same as a picture."""
    rows = list(in_order(spans))
    begin = min(span.begin for span in spans)
    figure = Figure(figsize=(11, 0.24 * len(rows) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    for place, (_, span) in enumerate(rows):
        left, width = (span.begin - begin) * 1000, (span.end - span.begin) * 1000
        axes.barh(place, max(width, 2.0), left=left, color=COLOURS[span.kind], height=0.7)
        label = f"{_label(span)}  {width:.1f} ms"
        axes.text(left + max(width, 2.0) + 2, place, label, va="center", fontsize=7.5)
    for kind, meaning in MEANINGS.items():
        axes.barh(0, 0, color=COLOURS[kind], label=meaning)
    axes.set(ylim=(len(rows) - 0.4, -0.6), yticks=[], xlabel="ms since the request")
    axes.set_xlim(0, max(span.end - begin for span in spans) * 1000 * 1.25)
    axes.legend(loc="upper right", fontsize=8, frameon=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(path, dpi=110)
