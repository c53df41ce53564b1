"""Structured logs: one line a batch, JSON for machines, columns for a terminal. Never a payload, never a secret."""

import logging
import sys
from collections.abc import Sequence

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from shared.settings import LogSettings

REPEAT_SECONDS = 10.0


class Seldom(logging.Filter):
    """Lets the Kafka client report an error once in a while: without a broker it does so hundreds of times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this place in the client's code has been silent for long enough."""
        if record.levelno < logging.ERROR or not record.name.startswith("aiokafka"):
            return True
        place = record.pathname, record.lineno
        if record.created - self._last.get(place, 0.0) < REPEAT_SECONDS:
            return False
        self._last[place] = record.created
        return True


def configure_logs(settings: LogSettings) -> None:
    """Set up logging of this process, to standard error."""
    level = logging.getLevelNamesMapping()[settings.level]
    as_text = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    renderer = structlog.dev.ConsoleRenderer() if as_text else structlog.processors.JSONRenderer()
    described: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*described, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler()
    handler.addFilter(Seldom())
    handler.setFormatter(_of_libraries([structlog.stdlib.add_logger_name, *described], renderer))
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler])


def _of_libraries(described: Sequence[Processor], renderer: Processor) -> logging.Formatter:
    """What libraries log through the standard library looks as our own lines do, and says which library it was."""
    return ProcessorFormatter(
        foreign_pre_chain=described, processors=[ProcessorFormatter.remove_processors_meta, renderer]
    )
