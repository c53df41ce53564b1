"""The figures of an evaluation for people."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.terminal.printing import facts, percent, show, table

Report = Mapping[str, Any]
_APART: Final = frozenset(("scores", "clean_changed", "missed"))
"""What has a table of its own."""


def show_report(report: Report) -> None:
    """Print it as tables, the misses last."""
    scores: Mapping[str, Report] = report["scores"]
    show(
        table("Corrections", ("tier", "rows", "repaired", "recall", "precision", "GLEU"), map(_edits, scores.items())),
        table(
            "What should stay",
            ("tier", "clean changed", "share", "misspelled", "breaches", "protected kept", "sentences"),
            map(_kept, scores.items()),
        ),
        table("Edits by kind", ("tier", "kind", "repaired", "recall", "made", "precision"), _kinds(scores)),
        table("Kept as they were", ("tier", "reason", "rows", "share"), _reasons(scores)),
        facts("What it took", {name: value for name, value in report.items() if name not in _APART}),
        table("Clean texts changed", ("was", "became"), report["clean_changed"]),
        table("Not repaired", ("wrong", "right"), report["missed"]),
    )


def _edits(named: tuple[str, Report]) -> tuple[object, ...]:
    name, score = named
    repaired = f"{score['repaired']} of {score['edits']}"
    gleu = None if score["gleu"] is None else round(score["gleu"], 3)
    return name, score["rows"], repaired, _share(score["recall"]), _share(score["precision"]), gleu


def _kept(named: tuple[str, Report]) -> tuple[object, ...]:
    name, score = named
    return (
        name,
        f"{score['clean_changed']} of {score['clean']}",
        _share(score["clean_changed_share"]),
        score["clean_misspelled"],
        score["clean_breaches"],
        _share(score["protected_share"]),
        f"{score['sentences_before']} → {score['sentences_after']}",
    )


def _kinds(scores: Mapping[str, Report]) -> Iterator[tuple[object, ...]]:
    for name, score in scores.items():
        for kind, one in score["by_kind"].items():
            repaired = f"{one['repaired']} of {one['listed']}"
            yield name, kind, repaired, _share(one["recall"]), one["made"], _share(one["precision"])


def _reasons(scores: Mapping[str, Report]) -> Iterator[tuple[object, ...]]:
    for name, score in scores.items():
        for why, rows in score["kept_original"].items():
            yield name, why, rows, _share(score["kept_original_share"][why])


def _share(value: float | None) -> str | None:
    return percent(None if value is None else 100 * value)
