"""`python -m tests.benchmarks.dedupe_splink`: deduplication in this process beside Splink, on the same rows.

Splink is given what helps it: names as we normalise them, each once; the time for that is not counted against it, nor
is the search for its best threshold. Sluice is timed with all of its steps, from rows to what is to become of each.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from services.deduplication.evaluation.measures import Quality, b_cubed, pairwise
from services.deduplication.inputs.columns import map_columns
from services.deduplication.inputs.given import Given
from services.deduplication.inputs.reading import ROW, slices
from services.deduplication.names.name import NO_SUFFIX
from services.deduplication.rules import Rules
from services.deduplication.runs.in_process import deduplicate
from tests.companies import COMPANY, HEADERS, Companies
from tests.unit.deduplication.runs import table

WEIGHTS = tuple(range(-4, 16, 2))
"""Thresholds of match weight; the best by pairwise F1 counts."""
U_PAIRS = 5e6
RARE, PREFIX, SHORT_PREFIX = 2, 9, 7
NOTHING = Quality(0, 0)
BLOCKS = ("rare_1", "rare_2", "prefix", "form_prefix", "rare_prefixes")


@dataclass
class Outcome:
    """What a run took and how good its groups of names are."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0
    pairwise: Quality = NOTHING
    b_cubed: Quality = NOTHING
    note: str = ""


def main() -> None:
    """Run both, each in a process of its own so that its memory is its own, and print them."""
    parser = argparse.ArgumentParser(prog="make bench-dedupe-splink", description=__doc__)
    parser.add_argument("--rows", type=int, default=94_152)
    parser.add_argument("--seed", type=int, default=7)
    wish = parser.parse_args()
    ours, theirs = (_apart(run, wish.rows, wish.seed) for run in (sluice, splink))
    console = Console(width=120)
    console.print(f"{wish.rows:,} rows of tests/companies.py, seed {wish.seed}")
    console.print(f"Splink {version('splink')}, DuckDB {version('duckdb')}; {theirs.note}")
    console.print(_shown(ours, theirs))


def sluice(rows: int, seed: int) -> Outcome:
    """All steps, with the default rules."""
    given, truth = _rows(rows, seed)
    outcome = Outcome()
    with _measured(outcome):
        made = deduplicate(given, Rules())["review_ready"]
    return _judged(outcome, made["group_id"].to_pylist(), made[ROW].to_pylist(), truth)


def splink(rows: int, seed: int) -> Outcome:
    """The distinct names by a Fellegi-Sunter model with parameters learned from them, connected at each threshold."""
    given, truth = _rows(rows, seed)
    made = deduplicate(given, Rules(), keep=("survivors", "names", "tokens"))
    survivors = made["survivors"]
    outcomes = []
    for weight, groups, spent in _clusters(_features(made["names"], made["tokens"])):
        groups_of_rows = np.asarray(groups)[np.asarray(survivors["name"])].tolist()
        outcomes.append(_judged(spent, groups_of_rows, survivors["row"].to_pylist(), truth))
        outcomes[-1].note = f"{_settings()}; best threshold {weight} of {WEIGHTS}"
    return max(outcomes, key=lambda outcome: outcome.pairwise.f1)


def _apart(run: Callable[[int, int], Outcome], rows: int, seed: int) -> Outcome:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, (rows, seed))


def _rows(rows: int, seed: int) -> tuple[Given, dict[int, Any]]:
    """The input, and of the rows that are of a company which it is."""
    export = Companies(seed).rows(rows)
    given = table([dict(zip(HEADERS, row.cells, strict=True)) for row in export])
    truth = {place: row.company for place, row in enumerate(export) if row.kind == COMPANY}
    return Given(slices(given), map_columns(given)), truth


@contextmanager
def _measured(outcome: Outcome) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    outcome.wall += time.perf_counter() - wall
    outcome.cpu += time.process_time() - cpu
    outcome.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _judged(outcome: Outcome, groups: Sequence[Any], rows: Sequence[int], truth: dict[int, Any]) -> Outcome:
    """With the quality of groups of rows; a row that has none is alone."""
    group_of = dict(zip(rows, groups, strict=True))
    found = [str(group_of.get(row) or f"alone {row}") for row in truth]
    outcome.pairwise, outcome.b_cubed = (of(found, list(truth.values())) for of in (pairwise, b_cubed))
    return outcome


def _features(names: pa.Table, tokens: pa.Table) -> pa.Table:
    """What Splink compares and blocks by: the words in order of the alphabet, the rarest, the form, the numbers."""
    words, frequency = np.asarray(tokens["token"].to_pylist()), np.asarray(tokens["frequency"])
    by_rarity = [sorted(own, key=lambda word: (frequency[word], word)) for own in names["tokens"].to_pylist()]
    rare = {
        f"rare_{n + 1}": pa.array([words[own[n]] if len(own) > n else None for own in by_rarity], pa.string())
        for n in range(RARE)
    }
    return pa.table(
        {
            "unique_id": pa.array(range(names.num_rows), pa.int64()),
            "form": names["form"],
            "tokens": pc.split_pattern(names["form"], " "),
            "prefix": pc.utf8_slice_codeunits(names["joined"], 0, PREFIX),
            "form_prefix": pc.utf8_slice_codeunits(names["form"], 0, SHORT_PREFIX),
            "rare_prefixes": pa.array([_prefixes(words[own[:RARE]].tolist()) for own in by_rarity], pa.string()),
            "suffix_class": _nothing(names["suffix_class"], NO_SUFFIX),
            "numbers": _nothing(names["numbers"], ""),
            **rare,
        }
    )


def _prefixes(rarest: Sequence[str]) -> str | None:
    """The beginnings of the rarest words, which a typing error behind them leaves alike."""
    return f"{rarest[0][:5]} {rarest[1][:3]}" if len(rarest) == RARE else None


def _nothing(column: pa.ChunkedArray, nothing: str) -> pa.ChunkedArray:
    """Splink takes what is not there for unknown, which is fairer to names without a legal form than a difference."""
    return pc.if_else(pc.equal(column, nothing), pa.scalar(None, pa.string()), column)


def _settings() -> str:
    return (
        "distinct normalised names; compared: sorted words (exact with term frequency, Jaro-Winkler .95 .90 .85), "
        "shared words (3 2 1), rarest word (exact with term frequency, Jaro-Winkler .90), legal form, numbers; "
        f"blocked by: {', '.join(BLOCKS)}; u from {U_PAIRS:,.0f} random pairs, m by EM within rarest word and prefix"
    )


def _clusters(features: pa.Table) -> Iterator[tuple[float, list[Any], Outcome]]:
    """For each threshold the clusters in order of names, and what training, prediction and clustering took."""
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415 -- only here it has to be installed
    from splink import comparison_library as compare  # noqa: PLC0415 -- only here it has to be installed

    learned = Outcome()
    with _measured(learned):
        linker = Linker(
            DuckDBAPI().register(features),
            SettingsCreator(
                link_type="dedupe_only",
                comparisons=[
                    compare.JaroWinklerAtThresholds("form", [0.95, 0.9, 0.85]).configure(
                        term_frequency_adjustments=True
                    ),
                    compare.ArrayIntersectAtSizes("tokens", [3, 2, 1]),
                    compare.JaroWinklerAtThresholds("rare_1", [0.9]).configure(term_frequency_adjustments=True),
                    compare.ExactMatch("suffix_class"),
                    compare.ExactMatch("numbers"),
                ],
                blocking_rules_to_generate_predictions=[block_on(column) for column in BLOCKS],
            ),
            log_level=None,
        )
        linker.training.estimate_probability_two_random_records_match([block_on("form")], recall=0.5)
        linker.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=1)
        for column in ("rare_1", "prefix"):
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(column))
        predicted = linker.inference.predict(threshold_match_weight=min(WEIGHTS))
    for weight in WEIGHTS:
        spent = Outcome(learned.wall, learned.cpu)
        with _measured(spent):
            clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
                predicted, threshold_match_weight=weight
            )
        found = clusters.as_duckdbpyrelation().order("unique_id").project("cluster_id").fetchall()
        yield weight, [cluster for (cluster,) in found], spent


def _shown(ours: Outcome, theirs: Outcome) -> Table:
    shown = Table("", "Sluice", "Splink", "Splink / Sluice")
    for name, one, other in (
        ("wall, s", ours.wall, theirs.wall),
        ("CPU, s", ours.cpu, theirs.cpu),
        ("peak memory, MB", ours.peak_mb, theirs.peak_mb),
        ("pairwise precision", ours.pairwise.precision, theirs.pairwise.precision),
        ("pairwise recall", ours.pairwise.recall, theirs.pairwise.recall),
        ("pairwise F1", ours.pairwise.f1, theirs.pairwise.f1),
        ("B-cubed F1", ours.b_cubed.f1, theirs.b_cubed.f1),
    ):
        digits = 4 if one < 2 else 1
        shown.add_row(name, f"{one:,.{digits}f}", f"{other:,.{digits}f}", f"{other / one:.2f}")
    return shown


if __name__ == "__main__":
    main()
