"""Structured logs: one line a batch, JSON for machines, columns for a terminal. Never a payload, never a secret."""

import logging
import sys

import structlog

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
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler()
    handler.addFilter(Seldom())
    form = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=max(level, logging.WARNING), format=form, handlers=[handler])
