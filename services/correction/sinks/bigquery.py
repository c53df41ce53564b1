"""BigQuery as a sink: batch loads, which are free, never streaming inserts.

Rows are appended; the newest version of a row is the one with the latest `updated_at` of its `extraction_id`.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, Self, cast

from google.api_core.exceptions import Conflict, GoogleAPICallError, RetryError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.exceptions import GoogleCloudError
from google.oauth2 import service_account
from requests import RequestException

from services.correction.sinks.sink import JobFailed, Row
from shared.errors import TransientError
from shared.settings import CorrectionSettings

TIMEOUT_SECONDS: Final = 120.0
_TYPES: Final = {
    "is_duplicate": "BOOLEAN",
    "typed": "BOOLEAN",
    "message_index": "INTEGER",
    "content_length": "INTEGER",
    "word_count": "INTEGER",
    "source_line": "INTEGER",
    "tokens_in": "INTEGER",
    "tokens_out": "INTEGER",
    "cost_usd": "FLOAT",
    "correction_cost_usd": "FLOAT",
    "message_at": "TIMESTAMP",
    "updated_at": "TIMESTAMP",
    "content_date": "DATE",
    "body": "JSON",
    "edits": "JSON",
    "thread": "JSON",
    "extra": "JSON",
}
"""Columns that are no text."""
_FAILURES: Final = (GoogleAPICallError, GoogleCloudError, RetryError, RequestException, TimeoutError)
_OURS: Final = frozenset({"load_job", "loaded_at"})
"""Columns that only Postgres needs."""


class BigQuerySink:
    """A table, partitioned by `content_date` and clustered by session and type."""

    def __init__(self, client: bigquery.Client, table: str) -> None:
        self._client = client
        self._table = table

    @classmethod
    def of(cls, settings: CorrectionSettings) -> Self:
        """With the client that the settings describe."""
        table = settings.bigquery_table or ""
        credentials: Any = None
        if settings.bigquery_credentials:
            credentials = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]  # google-auth has none
                str(settings.bigquery_credentials)
            )
        elif settings.bigquery_endpoint:
            credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth has none
        endpoint = settings.bigquery_endpoint.get_secret_value() if settings.bigquery_endpoint else None
        options = {"api_endpoint": endpoint} if endpoint else None
        client = bigquery.Client(project=table.split(".")[0], credentials=credentials, client_options=options)
        return cls(client, table)

    async def load(self, rows: Sequence[Row], job: str = "") -> None:
        """One load job for all rows."""
        if rows:
            await asyncio.to_thread(self._load, rows, job)

    def _load(self, rows: Sequence[Row], job: str) -> None:
        config = bigquery.LoadJobConfig(
            schema=[bigquery.SchemaField(name, _TYPES.get(name, "STRING")) for name in rows[0] if name not in _OURS],
            write_disposition="WRITE_APPEND",
            time_partitioning=bigquery.TimePartitioning(field="content_date"),
            clustering_fields=["session_id", "message_type"],
        )
        begun = None
        try:
            begun = self._begin(job, [_plain(row) for row in rows], config)
            begun.result(timeout=TIMEOUT_SECONDS)
        except _FAILURES as error:
            kind = JobFailed if begun is not None and begun.error_result else TransientError
            raise kind(f"BigQuery did not load {job}: {type(error).__name__}") from error

    def _begin(self, job: str, rows: list[dict[str, Any]], config: bigquery.LoadJobConfig) -> bigquery.LoadJob:
        """The job; the one that has its name already, if there is one."""
        try:
            return self._client.load_table_from_json(
                rows, self._table, job_id=job, job_config=config, timeout=TIMEOUT_SECONDS
            )
        except Conflict:
            return cast("bigquery.LoadJob", self._client.get_job(job, timeout=TIMEOUT_SECONDS))

    async def count(self, run_id: str) -> int:
        """Rows of a run, each in its newest version. It is a query job."""
        return await asyncio.to_thread(self._count, run_id)

    def _count(self, run_id: str) -> int:
        query = f"SELECT COUNT(DISTINCT extraction_id) AS found FROM `{self._table}` WHERE run_id = @run"  # noqa: S608 -- the table is a setting
        wanted = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("run", "STRING", run_id)])
        try:
            rows = list(self._client.query_and_wait(query, job_config=wanted, wait_timeout=TIMEOUT_SECONDS))
        except _FAILURES as error:
            raise TransientError(f"BigQuery did not answer: {type(error).__name__}") from error
        return int(rows[0]["found"])


def _plain(row: Row) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in row.items() if name not in _OURS}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False) if _TYPES.get(name) == "JSON" and value is not None else value
