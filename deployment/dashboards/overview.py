"""The whole pipeline at a glance: what flows, what waits, what fails, which batches are in work."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deployment.dashboards.panels import (
    COUNT,
    EVERY,
    PER_SECOND,
    PIPELINE,
    SECONDS,
    SHARE,
    board,
    choice,
    lines,
    now,
    number,
    over_time,
    quantile,
    rate,
    rows,
)
from deployment.declared import first_stages, last_stages
from shared.pipelines import pipelines


def overview() -> Dashboard:
    """The board to begin with."""
    title, about = "Sluice: pipeline", "What flows, what waits, what fails. Begin here, then open one stage."
    made = board("sluice-pipeline", title, about, [choice("pipeline", list(pipelines()))])
    _at_a_glance(made)
    _by_stage(made)
    _out_of_postgres(made)
    return made


def _at_a_glance(made: Dashboard) -> None:
    first, last = (f'{PIPELINE},stage=~"{"|".join(names)}"' for names in (first_stages(), last_stages()))
    made.with_row(Row("Now"))
    inflow = f"sum(rate(sluice_stage_records_total{{{first}}}[{EVERY}]))"
    outflow = f"sum(rate(sluice_stage_records_total{{{last}}}[{EVERY}]))"
    letters = f"sum(increase(sluice_stage_dead_letters_total{{{PIPELINE}}}[$__range]))"
    halted = f'count(sluice_stage_state{{{PIPELINE},state="halted"}} == 1) or vector(0)'
    age = quantile(0.95, "sluice_stage_record_age_seconds", where=last)
    for panel in (
        number("Coming in", PER_SECOND, "Records that the first stages are done with", now(inflow)),
        number("Finished", PER_SECOND, "Records that the last stages are done with", now(outflow)),
        number("Waiting", COUNT, "Records that no stage has fetched yet", now(f"sum({_lag()})")),
        number("Age at the end, p95", SECONDS, "From entering the pipeline to the final row", now(age), bad_from=300),
        number("Dead letters", COUNT, "In the time shown", now(letters), bad_from=50),
        number("Halted", COUNT, "Replicas that stopped to protect their topic", now(halted), bad_from=1),
    ):
        made.with_panel(panel)


def _lag() -> str:
    return f"sluice_stage_consumer_lag_records{{{PIPELINE}}}"


def _by_stage(made: Dashboard) -> None:
    made.with_row(Row("By stage"))
    flow = rate("sluice_stage_records_total", "stage")
    letters = f"{rate('sluice_stage_dead_letters_total', 'stage, reason')} > 0"
    age = quantile(0.95, "sluice_stage_record_age_seconds", "stage")
    duration = quantile(0.95, "sluice_stage_batch_duration_seconds", "stage")
    throughput = quantile(0.5, "sluice_stage_batch_throughput_records_per_second", "stage")
    lag, named = f"sum by (stage) ({_lag()})", "{{stage}}"
    for panel in (
        lines("Flow", PER_SECOND, "Records a stage is done with, whatever the outcome", over_time(flow, named)),
        lines("Lag", COUNT, "Records on a stage's topic that it has not fetched yet", over_time(lag, named)),
        lines("Age, p95", SECONDS, "Time since entering the pipeline, when a stage is done", over_time(age, named)),
        lines("Dead letters", PER_SECOND, "By reason", over_time(letters, "{{stage}} {{reason}}"), stacked=True),
        lines("Batch duration, p95", SECONDS, "Decoded to acknowledged", over_time(duration, named, exemplar=True)),
        lines(
            "Batch throughput, median", PER_SECOND, "Records of a batch over its duration", over_time(throughput, named)
        ),
    ):
        made.with_panel(panel)


def _out_of_postgres(made: Dashboard) -> None:
    made.with_row(Row("Batches and what is left over (Postgres)"))
    about = "Batches in work, and those that ended within the last hour"
    made.with_panel(rows("Batches", about, "recent_batches", width=24, units={"Progress": SHARE, "Seconds": SECONDS}))
    made.with_panel(
        rows("Dead letters to look at", "Not yet replayed or discarded; `sluice dead-letters`", "open_letters")
    )
    made.with_panel(rows("Waiting in the join", "Items whose parts have not all come yet", "waiting_parts"))
