"""`python -m tests.benchmarks.dedupe_quality`: how well deduplication finds the truth.

Without a folder, in exports made for it; with --sets, in the labelled sets of a folder: NAME_records.csv beside
NAME_pairs.csv (id_a, id_b), NAME_pairs.csv alone (name_a, name_b, is_match).
"""

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.deduplication.evaluation.labelled import Report, judge_pairs, judge_records
from services.deduplication.evaluation.measures import b_cubed, pairwise
from services.deduplication.inputs.columns import map_columns
from services.deduplication.inputs.given import Given
from services.deduplication.inputs.reading import FLAW, ROW, slices
from services.deduplication.rules import Profile, Rules
from services.deduplication.runs.in_process import deduplicate
from tests.companies import COMPANY, HEADERS, Companies
from tests.unit.deduplication.runs import table

TRUTH, SOURCE = "true_cluster_id", "source"
PROFILES: tuple[Profile, ...] = ("balanced", "general", "screening")

Rows = Sequence[Mapping[str, str]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=94_152)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--sets", type=Path)
    wish = parser.parse_args()
    Console().print(of_sets(wish.sets) if wish.sets else of_exports(wish.rows, wish.seeds))


def of_exports(rows: int, seeds: Sequence[int]) -> Table:
    """Whole runs over exports of companies."""
    shown = Table("seed", "pairwise P", "R", "F1", "B-cubed P", "R", "F1", title=f"{rows:,} rows")
    for seed in seeds:
        export = Companies(seed).rows(rows)
        given = table([dict(zip(HEADERS, row.cells, strict=True)) for row in export])
        made = deduplicate(Given(slices(given), map_columns(given.drop_columns([ROW, FLAW]))), Rules())["review_ready"]
        groups = zip(made["group_id"].to_pylist(), (export[row] for row in made[ROW].to_pylist()), strict=True)
        found, truth = zip(*((group, row.company) for group, row in groups if row.kind == COMPANY), strict=True)
        qualities = (pairwise(found, truth), b_cubed(found, truth))
        shown.add_row(str(seed), *(f"{n:.4f}" for q in qualities for n in (q.precision, q.recall, q.f1)))
    return shown


def of_sets(folder: Path) -> Table:
    """The labelled sets of a folder, by every profile."""
    shown = Table("set", "profile", "pairs", "completeness", "best F1", "at", "P", "R", "F1 at medium")
    for path in sorted(folder.glob("*_pairs*.csv")):
        records = path.with_name(path.name.replace("_pairs.csv", "_records.csv"))
        for profile in PROFILES:
            rules = Rules.of(profile)
            low = rules.model_copy(update={"scoring": rules.scoring.model_copy(update={"gate": 40})})
            for name, report in _reports(path, records, low):
                shown.add_row(name, profile, *_figures(report))
    return shown


def _reports(path: Path, records: Path, rules: Rules) -> Iterator[tuple[str, Report]]:
    pairs = _read(path)
    if records == path or not records.exists():
        left, right = ([pair[side] for pair in pairs] for side in ("name_a", "name_b"))
        yield path.stem, judge_pairs(left, right, [pair["is_match"] == "1" for pair in pairs], rules)
        return
    rows = _read(records)
    key, *fields = [field for field in rows[0] if field not in (TRUTH, SOURCE)]
    place = {row[key]: number for number, row in enumerate(rows)}
    truth = {frozenset((place[pair["id_a"]], place[pair["id_b"]])) for pair in pairs}
    texts = [" ".join(row[field] for field in fields if row[field]) for row in rows]
    sources = [row[SOURCE] for row in rows] if SOURCE in rows[0] else None
    yield path.stem, judge_records(texts, truth, rules, sources)
    if sources:
        yield f"{path.stem}, one to one", judge_records(texts, truth, rules, sources, one_to_one=True)


def _read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _figures(report: Report) -> list[str]:
    best, medium = report.best, report.at_medium
    figures = (report.completeness, best.f1, report.threshold, best.precision, best.recall, medium.f1)
    return [f"{report.pairs:,}", *(f"{figure:.4g}" for figure in figures)]


if __name__ == "__main__":
    main()
