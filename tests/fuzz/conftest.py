"""The report of fuzzing."""

import pytest

from tests.fuzz.cases import TALLIES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases each parser got."""
    ran = {parser: tally for parser, tally in TALLIES.items() if tally.cases}
    if not ran:
        return
    terminalreporter.section("fuzzing")
    for parser, tally in sorted(ran.items()):
        terminalreporter.write_line(
            f"{parser:<28}{tally.cases:>9,} cases{tally.seconds:>9.1f} s, slowest {1000 * tally.slowest:.0f} ms"
        )
