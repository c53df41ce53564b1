"""Every metric of Sluice, declared once: name, labels, meaning. Names and units as Prometheus asks.

docs/metrics.md is generated from here.
"""

import platform
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

# One more series for every counter and histogram, which nothing reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the client has no types there
REGISTRY = CollectorRegistry(auto_describe=True)

PROCESS = ProcessCollector(registry=REGISTRY)
BUILD = Gauge("sluice_build_info", "1, with what runs as labels", ("version", "python"), registry=REGISTRY)
BUILD.labels(version("sluice"), platform.python_version()).set(1)

STAGE = ("pipeline", "stage")

RECORDS = Counter(
    "sluice_stage_records_total",
    "Records that a stage is done with, by outcome: emitted, absorbed (kept for a join), rejected, invalid, postponed",
    (*STAGE, "outcome"),
    registry=REGISTRY,
)
BATCH_SIZE = Histogram(
    "sluice_stage_batch_records",
    "Records worked on at once",
    STAGE,
    buckets=(1, 5, 10, 25, 50, 100, 250, 500, 1000, 2000),
    registry=REGISTRY,
)
BATCH_DURATION = Histogram(
    "sluice_stage_batch_duration_seconds",
    "From the first record of a batch decoded to its outputs acknowledged",
    STAGE,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    registry=REGISTRY,
)
BATCH_THROUGHPUT = Histogram(
    "sluice_stage_batch_throughput_records_per_second",
    "Records of a batch over its duration",
    STAGE,
    buckets=(1, 10, 50, 100, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000),
    registry=REGISTRY,
)
BATCH_CPU = Counter(
    "sluice_stage_cpu_seconds_total",
    "CPU time of the process while the stage had a batch in hand (exact when it is alone in its process)",
    STAGE,
    registry=REGISTRY,
)
IN_FLIGHT = Gauge("sluice_stage_in_flight_records", "Records in work", STAGE, registry=REGISTRY)
RETRIES = Counter("sluice_stage_retries_total", "Batches tried again in place", STAGE, registry=REGISTRY)
DEAD_LETTERS = Counter(
    "sluice_stage_dead_letters_total",
    "Records sent to the dead letters, by reason",
    (*STAGE, "reason"),
    registry=REGISTRY,
)
RECORD_AGE = Histogram(
    "sluice_stage_record_age_seconds",
    "Time since an item entered the pipeline, when its batch is done here (the first of each batch)",
    STAGE,
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400),
    registry=REGISTRY,
)
COMMIT_FAILURES = Counter(
    "sluice_stage_commit_failures_total",
    "Offset commits that a rebalance or the broker refused",
    STAGE,
    registry=REGISTRY,
)
REBALANCES = Counter("sluice_stage_rebalances_total", "Times the partitions were dealt anew", STAGE, registry=REGISTRY)
PARTITIONS = Gauge("sluice_stage_partitions_assigned", "Input partitions this replica reads", STAGE, registry=REGISTRY)
LAG = Gauge(
    "sluice_stage_consumer_lag_records",
    "Input records not yet fetched, over this replica's partitions",
    STAGE,
    registry=REGISTRY,
)
RETRY_WAITING = Gauge(
    "sluice_stage_retry_waiting_records",
    "Records on the retry topic that wait for their time, over this replica's partitions",
    STAGE,
    registry=REGISTRY,
)
LAST_PROGRESS = Gauge(
    "sluice_stage_last_progress_timestamp_seconds", "When a batch was last done, as Unix time", STAGE, registry=REGISTRY
)
STATE = Gauge(
    "sluice_stage_state",
    "1 for the state the stage is in: starting, running, paused, draining, halted",
    (*STAGE, "state"),
    registry=REGISTRY,
)

POOL_SIZE = Gauge(
    "sluice_database_pool_size_connections", "Database connections that the process may have", registry=REGISTRY
)
POOL_IN_USE = Gauge(
    "sluice_database_pool_in_use_connections", "Database connections that are at work", registry=REGISTRY
)
POOL_WAIT = Histogram(
    "sluice_database_pool_wait_seconds",
    "From asking the pool for a connection until it is there",
    buckets=(0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30),
    registry=REGISTRY,
)

API_REQUESTS = Counter(
    "sluice_api_requests_total",
    "Requests answered, by route, method and status",
    ("route", "method", "status"),
    registry=REGISTRY,
)
API_DURATION = Histogram(
    "sluice_api_request_duration_seconds",
    "From a request's headers to the first byte of its answer",
    ("route", "method"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
API_ACCEPTED = Counter("sluice_api_indicators_accepted_total", "Indicators accepted over HTTP", registry=REGISTRY)
API_BACKLOG = Gauge(
    "sluice_api_backlog_items", "Items without a final status, as last read before accepting more", registry=REGISTRY
)
API_STREAMS = Gauge("sluice_api_event_streams", "Clients that follow a batch's events", registry=REGISTRY)

MODEL = ("provider", "model")

LLM_CALLS = Counter(
    "sluice_llm_calls_total",
    "Calls to language models, by how they ended",
    (*MODEL, "question", "outcome"),
    registry=REGISTRY,
)
LLM_CALL_DURATION = Histogram(
    "sluice_llm_call_duration_seconds",
    "From sending a request to the end of its answer",
    (*MODEL, "question"),
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 7.5, 10, 20, 30, 60, 120),
    registry=REGISTRY,
)
LLM_TOKENS = Counter(
    "sluice_llm_tokens_total",
    "Tokens by type: input (not cached by the vendor), cached, output",
    (*MODEL, "question", "type"),
    registry=REGISTRY,
)
LLM_COST = Counter(
    "sluice_llm_cost_usd_total", "What calls cost, in US dollars", (*MODEL, "question"), registry=REGISTRY
)
LLM_WAIT = Histogram(
    "sluice_llm_limiter_wait_seconds",
    "From asking for leave to call until the call may begin",
    MODEL,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    registry=REGISTRY,
)
LLM_LEASES = Counter("sluice_llm_leases_total", "Leases taken from the shared limiter", MODEL, registry=REGISTRY)
LLM_RATE_LIMITED = Counter(
    "sluice_llm_rate_limited_total", "Calls that the vendor refused for the rate (429)", MODEL, registry=REGISTRY
)
LLM_IN_FLIGHT = Gauge("sluice_llm_in_flight_calls", "Calls let in and not yet ended", MODEL, registry=REGISTRY)
LLM_FACTOR = Gauge(
    "sluice_llm_limit_factor_ratio", "Share of the limit in use: cut by 429s, growing back", MODEL, registry=REGISTRY
)
LLM_BREAKER = Gauge(
    "sluice_llm_breaker_state",
    "1 for the state the breaker is in: closed, open, probing",
    (*MODEL, "state"),
    registry=REGISTRY,
)
LLM_SWITCHED_OFF = Gauge("sluice_llm_switched_off", "1 while the kill switch is off", MODEL, registry=REGISTRY)
LLM_BUDGET_SPENT = Gauge(
    "sluice_llm_budget_spent_ratio",
    "Spent over the limit, by scope (all, or a question) and period (day, total)",
    ("scope", "period"),
    registry=REGISTRY,
)
LLM_BUDGET_WARNINGS = Counter(
    "sluice_llm_budget_warnings_total",
    "Budgets of which 80 % were spent; once a period",
    ("scope", "period"),
    registry=REGISTRY,
)
LLM_BUDGET_REFUSALS = Counter(
    "sluice_llm_budget_refusals_total", "Calls not let in because a budget is spent", MODEL, registry=REGISTRY
)
LLM_CACHE_HITS = Counter(
    "sluice_llm_cache_hits_total",
    "Answers that were there already, by level: memory, database",
    ("question", "level"),
    registry=REGISTRY,
)
LLM_CACHE_MISSES = Counter(
    "sluice_llm_cache_misses_total", "Answers that had to be asked for", ("question",), registry=REGISTRY
)
LLM_COALESCED = Counter(
    "sluice_llm_coalesced_total",
    "Items that shared an answer already being asked for",
    ("question",),
    registry=REGISTRY,
)
LLM_REASKS = Counter(
    "sluice_llm_reasks_total", "Calls made again with what was wrong with the answer", ("question",), registry=REGISTRY
)
LLM_REJECTED_ITEMS = Counter(
    "sluice_llm_rejected_items_total", "Parts of answers that were dropped, by reason", ("reason",), registry=REGISTRY
)
