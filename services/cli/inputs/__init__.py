"""Reading indicators from files and standard input, in whatever format they come."""

from services.cli.inputs.counting import count_rows
from services.cli.inputs.reading import read_indicators
from services.cli.inputs.rows import Accepted, Rejected, Row, UnreadableInput

__all__ = ["Accepted", "Rejected", "Row", "UnreadableInput", "count_rows", "read_indicators"]
