"""What reaches the log."""

import json
import logging
import subprocess
import sys

from shared.telemetry.logs import REPEAT_SECONDS, Seldom

OWN_AND_A_LIBRARY = """
import logging, structlog
from shared.settings import LogSettings
from shared.telemetry.logs import configure_logs

configure_logs(LogSettings(format="json"))
structlog.get_logger().warning("ours", stage="time")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("aiokafka.conn").exception("no %s", "answer")
"""


def record(name: str, line: int, seconds: float, level: int = logging.ERROR) -> logging.LogRecord:
    made = logging.LogRecord(name, level, "client.py", line, "Unable connect to node with id %s", (1,), None)
    made.created = 1000.0 + seconds
    return made


def test_the_kafka_client_reports_an_error_once_in_a_while() -> None:
    seldom = Seldom()
    given = [0.0, 0.1, REPEAT_SECONDS - 0.1, REPEAT_SECONDS + 0.1, REPEAT_SECONDS + 0.2]
    assert [seldom.filter(record("aiokafka", 7, at)) for at in given] == [True, False, False, True, False]


def test_everything_else_is_logged_each_time() -> None:
    seldom = Seldom()
    for _ in range(2):
        assert seldom.filter(record("asyncio", 7, 0.0))
        assert seldom.filter(record("aiokafka", 7, 0.0, logging.WARNING))
    assert seldom.filter(record("aiokafka", 7, 0.0))
    assert seldom.filter(record("aiokafka.consumer", 8, 0.0)), "another place says something else"


def test_a_machine_can_read_every_line_of_libraries_too() -> None:
    said = subprocess.run([sys.executable, "-c", OWN_AND_A_LIBRARY], capture_output=True, text=True, check=True).stderr
    ours, library = map(json.loads, said.splitlines())
    assert (ours["event"], ours["level"], ours["stage"]) == ("ours", "warning", "time")
    assert (library["event"], library["level"], library["logger"]) == ("no answer", "error", "aiokafka.conn")
    assert "ZeroDivisionError" in library["exception"]
    assert ours["timestamp"] <= library["timestamp"]
