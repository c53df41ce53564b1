"""How transcripts are corrected, and where the corrected rows go beside Postgres."""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from shared.settings.concern import Concern, variable
from shared.settings.values import Count, Folders, Seconds, WebAddress


class CorrectionSettings(Concern):
    """What may be read, what leaves the house, and the warehouse."""

    folders: Folders = variable(
        "SLUICE_CORRECTION_FOLDERS",
        default=(),
        meaning="folders below which transcripts may lie, comma between; unset: anywhere that the stages can read",
    )
    redact_secrets: bool = variable(
        "SLUICE_CORRECTION_REDACT_SECRETS",
        default=True,
        meaning="whether keys and passwords in transcripts are hidden from language models, and put back afterwards",
    )
    pre_pass: bool = variable(
        "SLUICE_CORRECTION_PRE_PASS",
        default=False,
        meaning="whether the dictionary corrects before a language model is asked",
    )
    bigquery_table: str | None = variable(
        "SLUICE_CORRECTION_BIGQUERY_TABLE",
        default=None,
        meaning="table that corrected rows are loaded into as well, as project.dataset.table; unset: none",
    )
    bigquery_endpoint: WebAddress | None = variable(
        "SLUICE_CORRECTION_BIGQUERY_ENDPOINT", default=None, meaning="address of BigQuery's API; unset: Google's own"
    )
    bigquery_credentials: Path | None = variable(
        "SLUICE_CORRECTION_BIGQUERY_CREDENTIALS",
        default=None,
        meaning="file with a service account's key; unset: what the machine is given, with another endpoint none",
    )
    load_rows: Count = variable(
        "SLUICE_CORRECTION_LOAD_ROWS", default=10_000, meaning="most rows of one load job; fewer wait for company"
    )
    load_wait_seconds: Seconds = variable(
        "SLUICE_CORRECTION_LOAD_WAIT_SECONDS",
        default=300.0,
        meaning="longest wait of rows for company; a load job then takes however many there are",
    )
    load_jobs_a_day: Count = variable(
        "SLUICE_CORRECTION_LOAD_JOBS_A_DAY",
        default=1_000,
        meaning="load jobs of a day (UTC) over all replicas; the next one waits for tomorrow",
    )
    query_jobs_a_day: Count = variable(
        "SLUICE_CORRECTION_QUERY_JOBS_A_DAY", default=2_000, meaning="the same of queries"
    )

    @model_validator(mode="after")
    def _names_a_table(self) -> Self:
        if self.bigquery_table is not None and self.bigquery_table.count(".") != 2:
            raise ValueError("SLUICE_CORRECTION_BIGQUERY_TABLE must be like project.dataset.table")
        return self
