"""One stage in detail."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deployment.dashboards.panels import (
    COUNT,
    EVERY,
    PER_SECOND,
    SECONDS,
    STAGE,
    Query,
    board,
    choice,
    lines,
    over_time,
    quantile,
    rate,
    rows,
)
from deployment.declared import stage_names
from shared.pipelines import pipelines


def stage() -> Dashboard:
    """The board of the stage that is chosen above it."""
    choices = [choice("pipeline", list(pipelines())), choice("stage", stage_names(), several=False)]
    made = board("sluice-stage", "Sluice: one stage", "Everything one stage reports, over its replicas", choices)
    _work(made)
    _batches(made)
    _trouble(made)
    return made


def _work(made: Dashboard) -> None:
    made.with_row(Row("Work"))
    states = f"sum by (state) (sluice_stage_state{{{STAGE}}})"
    for panel in (
        lines(
            "Records by outcome",
            PER_SECOND,
            "Emitted, absorbed by a join, rejected, invalid, postponed to the retry topic",
            over_time(rate("sluice_stage_records_total", "outcome", STAGE), "{{outcome}}"),
            stacked=True,
        ),
        lines("Waiting and in work", COUNT, "Not fetched yet, waiting for a retry, in work", *_waiting()),
        lines("Age", SECONDS, "Time since entering the pipeline, when done here", *_shares("record_age_seconds")),
        lines(
            "Replicas by state", COUNT, "Running is what they should be", over_time(states, "{{state}}"), stacked=True
        ),
    ):
        made.with_panel(panel)


def _waiting() -> list[Query]:
    names = {
        "lag": "consumer_lag_records",
        "waiting for a retry": "retry_waiting_records",
        "in work": "in_flight_records",
    }
    return [over_time(f"sum(sluice_stage_{name}{{{STAGE}}})", legend) for legend, name in names.items()]


def _shares(histogram: str) -> list[Query]:
    """Median, and what 5 and 1 in a hundred are beyond; points lead to traces where there are any."""
    name = f"sluice_stage_{histogram}"
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return [
        over_time(quantile(share, name, where=STAGE), legend, exemplar=legend == "p99")
        for legend, share in shares.items()
    ]


def _batches(made: Dashboard) -> None:
    made.with_row(Row("Batches"))
    cpu = f"sum(rate(sluice_stage_cpu_seconds_total{{{STAGE}}}[{EVERY}]))"
    records = f"sum(rate(sluice_stage_records_total{{{STAGE}}}[{EVERY}]))"
    each = over_time(f"{cpu} / {records}", "CPU of a record")
    for panel in (
        lines("Batch duration", SECONDS, "From decoded to acknowledged", *_shares("batch_duration_seconds")),
        lines("Records of a batch", COUNT, "Worked on at once", *_shares("batch_records")),
        lines(
            "Throughput of a batch",
            PER_SECOND,
            "Records of a batch over its duration",
            *_shares("batch_throughput_records_per_second"),
        ),
        lines(
            "CPU",
            SECONDS,
            "Of a record, and used each second; exact where a stage has its process for itself",
            each,
            over_time(cpu, "CPU a second"),
        ),
    ):
        made.with_panel(panel)


def _trouble(made: Dashboard) -> None:
    made.with_row(Row("Trouble"))
    letters = over_time(f"{rate('sluice_stage_dead_letters_total', 'reason', STAGE)} > 0", "{{reason}}")
    retries = over_time(f"sum(rate(sluice_stage_retries_total{{{STAGE}}}[{EVERY}]))", "tried again in place")
    commits = over_time(f"sum(rate(sluice_stage_commit_failures_total{{{STAGE}}}[{EVERY}]))", "refused commits")
    made.with_panel(lines("Dead letters by reason", PER_SECOND, "Each is a row of dead_letters", letters, stacked=True))
    made.with_panel(lines("Retries and commits", PER_SECOND, "Batches tried again, commits refused", retries, commits))
    made.with_panel(rows("Items by who answered", "The stage log, in the time shown", "stage_log"))
    made.with_panel(rows("Newest dead letters", "`sluice dead-letters show ID` has all of one", "stage_letters"))
