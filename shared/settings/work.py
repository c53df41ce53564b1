"""How the work is done and told of: the stage runtime, the feeder, the HTTP API, logs, traces."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from shared.settings.concern import Concern, variable
from shared.settings.values import Count, Delays, Lower, Port, Ratio, Seconds, Secrets, Share, Upper, WebAddress

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LogFormat = Literal["auto", "json", "console"]


class RuntimeSettings(Concern):
    """Batches, retries, drain and limits of every stage."""

    batch_max_records: Count = variable(
        "SLUICE_BATCH_MAX_RECORDS",
        default=1_000,
        meaning="most messages a stage fetches at once; 100 cost a fifth more CPU a message, 3000 save 3 %",
    )
    batch_max_bytes: Count = variable(
        "SLUICE_BATCH_MAX_BYTES",
        default=8_388_608,
        meaning="most bytes of messages a stage works on at once; 1 MB costs a fifth more CPU a message",
    )
    fetch_wait_ms: Count = variable(
        "SLUICE_FETCH_WAIT_MS", default=100, meaning="longest wait of a fetch that finds nothing"
    )
    retry_budget_seconds: Seconds = variable(
        "SLUICE_RETRY_BUDGET_SECONDS",
        default=20.0,
        meaning="seconds a transient failure is retried in place before the retry topic",
    )
    retry_first_delay_seconds: Seconds = variable(
        "SLUICE_RETRY_FIRST_DELAY_SECONDS", default=0.2, meaning="first wait of a retry in place; doubled each time"
    )
    retry_max_delay_seconds: Seconds = variable(
        "SLUICE_RETRY_MAX_DELAY_SECONDS", default=5.0, meaning="longest wait between two retries in place"
    )
    retry_attempts: Count = variable(
        "SLUICE_RETRY_ATTEMPTS", default=5, meaning="rounds over the retry topic before the dead letters"
    )
    retry_delays_seconds: Delays = variable(
        "SLUICE_RETRY_DELAYS_SECONDS",
        default=(5.0, 30.0, 120.0, 600.0),
        meaning="not-before delay of each round over the retry topic; the last one repeats",
    )
    drain_seconds: Seconds = variable(
        "SLUICE_DRAIN_SECONDS", default=25.0, meaning="grace to finish the batch in work after SIGTERM"
    )
    dead_letter_share: Share = variable(
        "SLUICE_DEAD_LETTER_SHARE", default=0.05, meaning="a stage that rejects more than this share stops"
    )
    dead_letter_window: Count = variable(
        "SLUICE_DEAD_LETTER_WINDOW", default=1_000, meaning="messages over which that share is counted"
    )
    dead_letter_in_row: Count = variable(
        "SLUICE_DEAD_LETTER_IN_ROW", default=50, meaning="a stage that rejects this many in a row stops"
    )
    dead_letter_replays: Count = variable(
        "SLUICE_DEAD_LETTER_REPLAYS", default=3, meaning="replays of a dead letter before it is refused for good"
    )
    join_timeout_seconds: Seconds = variable(
        "SLUICE_JOIN_TIMEOUT_SECONDS", default=300.0, meaning="an item whose parts are not together by then is rejected"
    )
    join_retention_days: Count = variable(
        "SLUICE_JOIN_RETENTION_DAYS", default=7, meaning="days the parts of an item are kept after the join is done"
    )
    stage_log_days: Count = variable(
        "SLUICE_STAGE_LOG_DAYS", default=90, meaning="days the log of what each stage did is kept"
    )
    rolling_batch_seconds: Seconds = variable(
        "SLUICE_ROLLING_BATCH_SECONDS", default=3_600.0, meaning="span of a batch for messages that name none"
    )
    worker_processes: Count = variable(
        "SLUICE_WORKER_PROCESSES", default=2, meaning="processes over which `sluice up` spreads the stages"
    )
    health_port: Port = variable(
        "SLUICE_HEALTH_PORT", default=8_081, meaning="port of health and metrics of a stage process; 0: any free one"
    )


class FeedSettings(Concern):
    """How input is handed to a pipeline."""

    request_size: Count = variable("SLUICE_REQUEST_SIZE", default=100, meaning="indicators in one request")
    chunk_size: Count = variable(
        "SLUICE_CHUNK_SIZE", "INTERNAL_EMIT_BATCH", default=25, meaning="indicators sent on together"
    )
    chunk_delay_ms: Annotated[int, Field(ge=0)] = variable(
        "SLUICE_CHUNK_DELAY_MS", "INTERNAL_EMIT_DELAY_MS", default=0, meaning="pause between two chunks; none is needed"
    )
    concurrency: Count = variable(
        "SLUICE_CONCURRENCY", default=100, meaning="requests in the pipeline at a time; more wait until one is done"
    )


class ApiSettings(Concern):
    """The HTTP API."""

    host: str = variable("SLUICE_API_HOST", default="127.0.0.1", meaning="address to listen on")
    port: Port = variable("SLUICE_API_PORT", "PORT", default=8_000, meaning="port to listen on; 0: any free one")
    keys: Secrets = variable(
        "SLUICE_API_KEYS",
        "API_KEY",
        default=(),
        meaning="keys that clients may show, comma between; with neither these nor a file of keys the API is open",
    )
    keys_file: Path | None = variable(
        "SLUICE_API_KEYS_FILE",
        default=None,
        meaning="file of keys with names, hashed, read again when it changes; `sluice api-keys` writes it",
    )
    requests_per_minute: Count | None = variable(
        "SLUICE_API_REQUESTS_PER_MINUTE",
        default=None,
        meaning="most requests of one key in a minute, of one address where no keys are configured, for each process "
        "of the API; unset: any number. Health and metrics are not limited",
    )
    indicators_per_minute: Count | None = variable(
        "SLUICE_API_INDICATORS_PER_MINUTE",
        default=None,
        meaning="most indicators submitted with one key in a minute, counted like requests; unset: any number",
    )
    wrong_keys_per_minute: Count = variable(
        "SLUICE_API_WRONG_KEYS_PER_MINUTE",
        default=20,
        meaning="different wrong keys after which an address may try none of SLUICE_API_KEYS for the minute; those of "
        "a file are too long to be guessed",
    )
    max_indicators: Count = variable("SLUICE_API_MAX_INDICATORS", default=100, meaning="most indicators in one request")
    body_limit_bytes: Count = variable(
        "SLUICE_API_BODY_LIMIT_BYTES", default=16_777_216, meaning="longest request body"
    )
    max_lag: Count = variable(
        "SLUICE_API_MAX_LAG", default=50_000, meaning="waiting items above which the API answers 429"
    )

    @model_validator(mode="after")
    def _a_whole_request_fits(self) -> Self:
        if self.indicators_per_minute and self.indicators_per_minute < self.max_indicators:
            raise ValueError("SLUICE_API_INDICATORS_PER_MINUTE is below SLUICE_API_MAX_INDICATORS")
        return self


class LogSettings(Concern):
    """What is logged, and in what form."""

    level: Annotated[LogLevel, Upper] = variable(
        "SLUICE_LOG_LEVEL", "LOG_LEVEL", default="INFO", meaning="DEBUG, INFO, WARNING, ERROR or CRITICAL"
    )
    format: Annotated[LogFormat, Lower] = variable(
        "SLUICE_LOG_FORMAT", default="auto", meaning="json, console, or auto: console on a terminal"
    )


class TracingSettings(Concern):
    """Where spans go, and which. Without an address none are recorded."""

    endpoint: WebAddress | None = variable(
        "SLUICE_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        default=None,
        meaning="address of an OpenTelemetry collector (HTTP), such as http://localhost:4318; unset: no spans",
    )
    headers: SecretStr | None = variable(
        "SLUICE_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
        default=None,
        meaning="what to send to it with the spans, as name=value with commas between",
    )
    ratio: Ratio = variable(
        "SLUICE_TRACE_RATIO",
        "OTEL_TRACES_SAMPLER_ARG",
        default=0.01,
        meaning="share of the traces beginning here whose items are followed one by one; batches always are",
    )

    def traces_url(self) -> str:
        """Where spans are posted."""
        return f"{self.endpoint.get_secret_value().rstrip('/')}/v1/traces" if self.endpoint else ""

    def headers_sent(self) -> dict[str, str]:
        """The headers by name."""
        pairs = (self.headers.get_secret_value() if self.headers else "").split(",")
        return {
            name.strip(): value.strip() for name, equals, value in (pair.partition("=") for pair in pairs) if equals
        }
