"""How durations, rates and text of foreign origin are shown to people."""

import re

MINUTE, HOUR = 60, 3_600
FEW = 10
"""Below this, a rate is shown with a decimal."""
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.,\s%]*$)")
"""What a spreadsheet runs as a formula. A lone sign and a plain number after a sign are harmless."""


def duration(seconds: float | None) -> str:
    """15s, 2m05s, 1h02m; ? if it is not known."""
    if seconds is None:
        return "?"
    whole = round(max(seconds, 0))
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m{whole % MINUTE:02}s"
    return f"{whole // HOUR}h{whole % HOUR // MINUTE:02}m"


def rate(per_second: float | None) -> str:
    """1,250 indicators/s; ? if it is not known."""
    if per_second is None:
        return "? indicators/s"
    return f"{per_second:,.1f} indicators/s" if per_second < FEW else f"{per_second:,.0f} indicators/s"


def tally(counts: dict[str, int]) -> str:
    """completed 18, failed 2."""
    return ", ".join(f"{status} {count:,}" for status, count in counts.items() if count)


def printable(text: str, limit: int = 200) -> str:
    """Text from an input in one line, without the control characters that would steer a terminal."""
    shown = "".join(character if character.isprintable() else " " for character in text[: limit + 1])
    return f"{shown[: limit - 1]}…" if len(shown) > limit else shown


def spreadsheet_text(text: str) -> str:
    """Text for a CSV file: what a spreadsheet would run gets an apostrophe in front, nothing else is changed."""
    return f"'{text}" if _FORMULA.match(text) else text


def cell_text(cell: str) -> str:
    """The text of a cell that `spreadsheet_text` may have made."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell
