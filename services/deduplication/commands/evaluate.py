"""`sluice evaluate-dedupe`: how good deduplication is on records, or on pairs of names, of which the truth is known."""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from services.deduplication.commands.input_options import FILE, as_mapping, mapping, rules, sheet
from services.deduplication.packages import require_packages
from services.deduplication.rules import Profile, Rules
from shared.errors import UsageError
from shared.terminal import options

if TYPE_CHECKING:
    from services.deduplication.evaluation.calibrating import Reliability
    from services.deduplication.evaluation.evaluating import Evaluation
    from services.deduplication.evaluation.measures import Quality
    from services.deduplication.runs.preparing import Source


@click.command(
    epilog="Examples:\n\n\b\n"
    "  sluice evaluate-dedupe accounts.csv --truth pairs.csv --plot thresholds.png\n"
    "  sluice evaluate-dedupe persons.csv --truth pairs.csv --profile general \\\n"
    "      --map account_id=rec_id --name-columns given_name,surname,suburb\n"
    "  sluice evaluate-dedupe --truth labelled_names.csv --json"
)
@click.argument("records", type=FILE, required=False, metavar="RECORDS")
@click.option(
    "--truth", type=FILE, required=True, help="CSV: id_a, id_b (match); id, cluster; or name_a, name_b, is_match."
)
@click.option("--profile", type=click.Choice(get_args(Profile)), help="Rules. [default: balanced]")
@rules
@click.option("--threshold", type=click.IntRange(1, 100), help="Score from which names match. [default: of the rules]")
@mapping
@sheet
@click.option("--name-columns", metavar="A,B,…", help="Columns that are the name together, if it is more than one.")
@click.option(
    "--worst", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many errors of a kind."
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the thresholds into this PNG file.")
@click.option(
    "--calibrate",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Fit the probability of a match to scores into this file, for `dedupe --calibration`.",
)
@options.as_json
def evaluate_dedupe(
    records: Path | None, truth: Path, as_json: bool, plot: Path | None, calibrate: Path | None, **chosen: Any
) -> None:
    """Measure deduplication against a known truth.

    RECORDS is a file as for `sluice dedupe`, but ids may be anything and dates are not needed. All steps run in this
    process, nothing is kept. The truth is pairs of ids that match, or the cluster of each id, where records that it
    does not list are not judged. Labelled pairs of names need no RECORDS: the scores alone are measured.
    Exit code 0: measured, however good; 2: wrong usage or unreadable input.
    """
    from services.deduplication.configuration import read_rules
    from services.deduplication.runs.preparing import Source
    from shared.terminal.printing import print_json, show

    _check(plot, calibrate)
    linking, sheet = "source" in as_mapping(chosen["mapping"]), chosen.pop("sheet")
    decided = read_rules(chosen.pop("rules"), chosen.pop("profile"), linking=linking)
    found = _evaluated(Source.of(records, sheet) if records else None, truth, decided, **chosen)
    reliable = _calibrated(found, decided, calibrate) if calibrate else None
    if plot:
        from services.deduplication.evaluation.threshold_figure import draw

        draw(found, plot)
    if as_json:
        print_json(_as_json(found) | ({"reliability": reliable.as_dict()} if reliable else {}))
    else:
        show(*_as_tables(found), *(_reliability(reliable) if reliable else ()))


def _calibrated(found: "Evaluation", rules: Rules, path: Path) -> "Reliability":
    from services.deduplication.evaluation.calibrating import fit, held_out

    calibration = fit(found.scored, rules)
    try:
        path.write_text(calibration.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}", remedy="name another file") from None
    return held_out(found.scored)


def _check(plot: Path | None, calibrate: Path | None) -> None:
    require_packages()
    if plot and find_spec("matplotlib") is None:
        raise UsageError("--plot draws with matplotlib, which is not installed", remedy="Install the extra `dev`.")
    if calibrate and find_spec("sklearn") is None:
        raise UsageError(
            "--calibrate fits with scikit-learn, which is not installed", remedy="Install the extra `dev`."
        )


def _evaluated(
    source: "Source | None",
    truth: Path,
    rules: Rules,
    *,
    threshold: int | None,
    mapping: tuple[str, ...],
    name_columns: str | None,
    worst: int,
) -> "Evaluation":
    from services.deduplication.evaluation.evaluating import Reading, evaluate_names, evaluate_records
    from services.deduplication.evaluation.truth import LabelledNames, read_truth

    known = read_truth(truth)
    if threshold:
        rules = rules.model_copy(update={"medium": threshold, "high": max(threshold, rules.high)})
    if isinstance(known, LabelledNames):
        if source:
            raise UsageError(f"{truth} is about names, which need no records", remedy=f"leave out {source.name}")
        return evaluate_names(known, rules, worst)
    if source is None:
        raise UsageError(
            f"{truth} is about records", remedy="name their file: sluice evaluate-dedupe RECORDS --truth …"
        )
    columns = [column.strip() for column in name_columns.split(",")] if name_columns else ()
    return evaluate_records(source, known, rules, worst, Reading(as_mapping(mapping), columns))


def _as_json(found: "Evaluation") -> dict[str, Any]:
    plain = {name: value for name, value in asdict(found).items() if name != "scored"}
    return plain | {
        "pairwise": _quality(found.pairwise),
        "b_cubed": _quality(found.b_cubed) if found.b_cubed else None,
        "sweep": [{"threshold": threshold, **_quality(quality)} for threshold, quality in found.sweep],
    }


def _quality(quality: "Quality") -> dict[str, float]:
    return {"precision": quality.precision, "recall": quality.recall, "f1": quality.f1}


def _as_tables(found: "Evaluation") -> Sequence[Any]:
    from shared.terminal.printing import facts, table

    measured = [("pairwise", found.pairwise), ("B-cubed", found.b_cubed)]
    columns = ("precision", "recall", "F1")
    best = max(found.sweep, key=lambda point: (point[1].f1, point[0]))[0]
    return [
        facts(
            "Evaluated",
            {
                "records": found.records,
                "true pairs": found.true_pairs,
                "pairs compared": found.candidates,
                "pair completeness": found.completeness,
                "threshold": found.threshold,
                "best threshold by scores alone": best,
            },
        ),
        table("Quality", ("", *columns), [(name, *_figures(quality)) for name, quality in measured if quality]),
        table(
            "Thresholds, by scores alone",
            ("score", *columns),
            [(threshold, *_figures(quality)) for threshold, quality in found.sweep],
        ),
        *(
            table(title, list(rows[0]) if rows else (), [list(row.values()) for row in rows])
            for title, rows in (
                ("False positives, the highest scores", found.false_positives),
                ("False negatives, the lowest scores", found.false_negatives),
            )
        ),
    ]


def _reliability(found: "Reliability") -> Sequence[Any]:
    from shared.terminal.printing import facts, table

    told = {name: value for name, value in found.as_dict().items() if name != "bins"}
    return facts("Calibration, on pairs held out", told), table("Reliability", found.bins[0]._fields, found.bins)


def _figures(quality: "Quality") -> Sequence[str]:
    return [f"{value:.4f}" for value in _quality(quality).values()]
