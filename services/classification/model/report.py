"""A scoring report as text for a terminal."""

from collections.abc import Iterable, Sequence

from services.classification.model.evaluate import Report, Tally


def render(report: Report, *, worst: int = 10) -> str:
    """Tables of accuracy by field and by source, reliability, confusion, and the most confident misses."""
    parts = [
        f"{report.rows} rows",
        table(["field", "right", "rows", "share"], [_line(name, tally) for name, tally in report.fields.items()]),
        _by_source(report),
        f"reliability of the confidence: Brier {report.brier:.4f}, calibration error {report.calibration_error:.4f}",
        table(
            ["confidence", "rows", "claimed", "right"],
            [
                [f"{b.low:.1f}-{b.high:.1f}", str(b.total), percent(b.mean_confidence), percent(b.accuracy)]
                for b in report.reliability
            ],
        ),
        table(["label", "prediction", "rows"], [[one, two, str(count)] for one, two, count in report.confusion]),
        *(
            f"{miss.confidence:.2f}  {miss.name[:80]} | {miss.units[:30]}: {miss.expected}, not {miss.given}"
            for miss in report.worst[:worst]
        ),
    ]
    return "\n\n".join(parts[:6]) + "\n\n" + "\n".join(parts[6:])


def _by_source(report: Report) -> str:
    names = [name for name in report.fields if name not in ("family_accepted", "pair_alias", "temporal")]
    return table(
        ["source", "rows", *names],
        [
            [source, str(fields["pair"].total), *(percent(fields.get(name, Tally(0, 0)).share) for name in names)]
            for source, fields in report.by_source.items()
        ],
    )


def _line(name: str, tally: Tally) -> list[str]:
    return [name, str(tally.right), str(tally.total), percent(tally.share)]


def percent(share: float) -> str:
    """A share, 0..1, in percent."""
    return f"{100 * share:.2f} %"


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their longest entry; the first is set left, the others right."""
    rows = [list(heads), *map(list, lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
