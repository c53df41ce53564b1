"""What reaches the log."""

import logging

from shared.telemetry.logs import REPEAT_SECONDS, Seldom


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
