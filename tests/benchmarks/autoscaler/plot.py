"""The day as a picture: what came, how many replicas there were, how long items took."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

from tests.benchmarks.autoscaler.simulation import Course
from tests.benchmarks.autoscaler.traffic import STEP_SECONDS

mpl.use("Agg")
from matplotlib import pyplot as plt

SHOWN = 4
"""Stages with the most replicas that have a line of their own."""


def draw(course: Course, path: Path) -> None:
    """Write the picture."""
    hours = np.arange(course.arrived.size) * STEP_SECONDS / 3600
    figure, (came, pods, ages) = plt.subplots(3, 1, figsize=(10, 8), sharex=True, layout="constrained")
    came.fill_between(hours, course.arrived / STEP_SECONDS, color="tab:gray")
    came.set_ylabel("items arriving a second")
    busiest = np.argsort(-course.replicas.sum(axis=1))[:SHOWN]
    for index in sorted(busiest):
        pods.step(hours, course.replicas[index], label=course.stages[index], linewidth=1.2)
    pods.set_ylabel("replicas")
    pods.legend(loc="upper right", fontsize="small")
    ages.semilogy(hours, np.maximum(course.ages(), 1), color="tab:red", linewidth=1)
    ages.axhline(course.age(0.99), color="black", linestyle=":", label=f"99 % of items: {course.age(0.99):.0f} s")
    ages.set_ylabel("seconds until completed")
    ages.set_xlabel("hour of the day (simulated)")
    ages.legend(loc="upper right", fontsize="small")
    for panel in (came, pods, ages):
        panel.set_xlim(0, 24)
        panel.set_xticks(range(0, 25, 2))
        panel.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)
