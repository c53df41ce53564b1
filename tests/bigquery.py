"""A stand-in for BigQuery's HTTP API: load jobs by multipart upload, jobs by name, one query that counts."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class FakeBigQuery:
    """What has been loaded, and how the next jobs end."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.rows: list[dict[str, Any]] = []
        self.requests = 0
        self.fail_jobs = 0
        """So many of the next jobs end with an error."""
        self.cut_answers = 0
        """So many of the next jobs are begun, but nobody hears of it."""
        self.url = ""

    def begin(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """A load job out of a multipart body."""
        parts = [part.partition(b"\r\n\r\n")[2].strip() for part in body.split(b"\r\n--")[:2]]
        described, data = json.loads(parts[0].partition(b"\n\n")[2] or parts[0]), parts[1]
        name = described["jobReference"]["jobId"]
        if name in self.jobs:
            return 409, {"error": {"code": 409, "message": "Already Exists: Job", "errors": [{"reason": "duplicate"}]}}
        status: dict[str, Any] = {"state": "DONE"}
        if self.fail_jobs:
            self.fail_jobs -= 1
            status["errorResult"] = {"reason": "invalid", "message": "a row does not fit"}
        else:
            self.rows += [json.loads(line) for line in data.splitlines() if line.startswith(b"{")]
        self.jobs[name] = {**described, "status": status, "id": name}
        if self.cut_answers:
            self.cut_answers -= 1
            return 0, {}
        return 200, self.jobs[name]

    def query(self, described: dict[str, Any]) -> dict[str, Any]:
        """The count of distinct rows of a run."""
        (wanted,) = described["queryParameters"]
        run_id = wanted["parameterValue"]["value"]
        count = len({row["extraction_id"] for row in self.rows if row["run_id"] == run_id})
        return {
            "jobComplete": True,
            "jobReference": {"projectId": "p", "jobId": "q", "location": "US"},
            "totalRows": "1",
            "schema": {"fields": [{"name": "found", "type": "INTEGER"}]},
            "rows": [{"f": [{"v": str(count)}]}],
        }


def _handler(fake: FakeBigQuery) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            fake.requests += 1
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if urlsplit(self.path).path.endswith("/queries"):
                self._answer(200, fake.query(json.loads(body)))
            else:
                self._answer(*fake.begin(body))

        def do_GET(self) -> None:
            fake.requests += 1
            job = fake.jobs.get(urlsplit(self.path).path.rpartition("/")[2])
            self._answer(200, job) if job else self._answer(404, {"error": {"code": 404, "message": "Not found"}})

        def _answer(self, status: int, value: dict[str, Any]) -> None:
            if not status:
                self.close_connection = True
                return
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler


@contextmanager
def fake_bigquery() -> Iterator[FakeBigQuery]:
    """It runs for as long as the context lasts."""
    fake = FakeBigQuery()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
