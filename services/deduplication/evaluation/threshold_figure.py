"""Precision, recall and F1 by threshold as a picture."""

from pathlib import Path

from matplotlib.figure import Figure

from services.deduplication.evaluation.evaluating import Evaluation


def draw(found: Evaluation, path: Path) -> None:
    """Write the picture. Scores decide alone there; what the constraints of groups make of them is the one dot."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    thresholds = [threshold for threshold, _ in found.sweep]
    for name in ("precision", "recall", "f1"):
        axes.plot(thresholds, [getattr(quality, name) for _, quality in found.sweep], label=name)
    axes.axvline(found.threshold, color="black", linestyle=":", label=f"threshold of the rules: {found.threshold}")
    axes.plot(
        found.threshold, found.pairwise.f1, "o", color="black", label=f"F1 of the result: {found.pairwise.f1:.3f}"
    )
    axes.set(xlabel="score that is a match", ylabel="of pairs", ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", fontsize="small")
    figure.savefig(path, dpi=110, format="png")
