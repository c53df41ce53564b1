"""Delivery health: whether everything that came in comes out, and the processes and servers behind that."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deployment.dashboards.panels import (
    BYTES,
    COUNT,
    EVERY,
    PER_SECOND,
    PIPELINE,
    SECONDS,
    SHARE,
    board,
    choice,
    lines,
    over_time,
    quantile,
    rate,
    rows,
)
from deployment.declared import first_stages, last_stages
from shared.pipelines import pipelines

OURS = "and on (instance) sluice_build_info"
OF_PROCESS = "{{instance}}"
ASKED = 'route!~"/metrics|/health.*"'
"""What people and other systems ask, as opposed to those who watch."""


def delivery() -> Dashboard:
    """The board for whoever promises that nothing is lost."""
    about = "Whether all that comes in comes out, and how the processes, the database and the API are"
    made = board("sluice-delivery", "Sluice: delivery health", about, [choice("pipeline", list(pipelines()))])
    _in_and_out(made)
    _api(made)
    _processes(made)
    return made


def _in_and_out(made: Dashboard) -> None:
    made.with_row(Row("In and out"))
    first, last = (f'{PIPELINE},stage=~"{"|".join(names)}"' for names in (first_stages(), last_stages()))
    came = f"sum(rate(sluice_stage_records_total{{{first}}}[{EVERY}]))"
    went = f"sum(rate(sluice_stage_records_total{{{last}}}[{EVERY}]))"
    letters = f"sum(rate(sluice_stage_dead_letters_total{{{PIPELINE}}}[{EVERY}]))"
    failing = f'{PIPELINE},outcome=~"rejected|invalid"'
    share = f"{rate('sluice_stage_records_total', 'stage', failing)} / {rate('sluice_stage_records_total', 'stage')}"
    put_off = rate("sluice_stage_records_total", "stage", f'{PIPELINE},outcome="postponed"')
    again = rate("sluice_stage_retries_total", "stage")
    for panel in (
        lines(
            "In and out",
            PER_SECOND,
            "In for long above out and dead letters: something is held up",
            over_time(came, "in"),
            over_time(went, "out"),
            over_time(letters, "dead letters"),
        ),
        lines("Refused share", SHARE, "Records rejected or not understood", over_time(share, "{{stage}}")),
        lines(
            "Put off",
            PER_SECOND,
            "To the retry topic, and batches tried again in place",
            over_time(put_off, "{{stage}} postponed"),
            over_time(again, "{{stage}} in place"),
        ),
        rows("Items that ended", "By minute, in the time shown (Postgres)", "ended_items"),
        rows("Batches", "All of the pipeline (Postgres)", "open_batches", width=24, height=4),
    ):
        made.with_panel(panel)


def _api(made: Dashboard) -> None:
    made.with_row(Row("HTTP API"))
    requests = rate("sluice_api_requests_total", "route, status", ASKED)
    slow = quantile(0.99, "sluice_api_request_duration_seconds", "route", ASKED)
    accepted = f"sum(rate(sluice_api_indicators_accepted_total[{EVERY}]))"
    for panel in (
        lines("Requests", PER_SECOND, "By route and status", over_time(requests, "{{route}} {{status}}"), stacked=True),
        lines("Time to answer, p99", SECONDS, "To the first byte", over_time(slow, "{{route}}")),
        lines("Accepted", PER_SECOND, "Indicators accepted over HTTP", over_time(accepted, "indicators")),
        lines(
            "Backlog and followers",
            COUNT,
            "As the API sees it before it accepts more",
            over_time("max(sluice_api_backlog_items)", "items without a final status"),
            over_time("sum(sluice_api_event_streams)", "clients that follow a batch"),
        ),
    ):
        made.with_panel(panel)


def _processes(made: Dashboard) -> None:
    made.with_row(Row("Database and processes"))
    wait = quantile(0.95, "sluice_database_pool_wait_seconds", "instance", "")
    used = "sluice_database_pool_in_use_connections / (sluice_database_pool_size_connections > 0)"
    cpu = f"rate(process_cpu_seconds_total[{EVERY}]) {OURS}"
    files = f"process_open_fds / process_max_fds {OURS}"
    for panel in (
        lines(
            "Wait for a connection, p95",
            SECONDS,
            "Long: the pool is too small, or statements are slow",
            over_time(wait, OF_PROCESS),
        ),
        lines("Connections in use", SHARE, "Of those that a process may have", over_time(used, OF_PROCESS)),
        lines("Memory", BYTES, "Resident", over_time(f"process_resident_memory_bytes {OURS}", OF_PROCESS)),
        lines("CPU", COUNT, "Cores in use", over_time(cpu, OF_PROCESS)),
        lines(
            "Running for",
            SECONDS,
            "Falls to 0 with every restart",
            over_time(f"time() - process_start_time_seconds {OURS}", OF_PROCESS),
        ),
        lines(
            "Versions",
            COUNT,
            "Processes by what they run: two during an upgrade, one else",
            over_time("count by (version, python) (sluice_build_info)", "{{version}} on Python {{python}}"),
        ),
        lines("Open files", SHARE, "Of those allowed", over_time(files, OF_PROCESS)),
    ):
        made.with_panel(panel)
