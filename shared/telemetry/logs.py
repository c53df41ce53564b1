"""Structured logs: one line a batch, JSON for machines, columns for a terminal. Never a payload, never a secret."""

import logging
import sys

import structlog

from shared.settings import LogSettings


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
    logging.basicConfig(level=max(level, logging.WARNING), format="%(asctime)s %(levelname)s %(name)s %(message)s")
