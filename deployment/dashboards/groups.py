"""Consumer groups: who reads what, and how often that changes."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deployment.dashboards.panels import COUNT, PIPELINE, SECONDS, board, choice, lines, over_time
from shared.pipelines import pipelines

NAMED = "{{stage}}"
OF_REPLICA = "{{stage}} {{instance}}"
ASSIGNED = f"sluice_stage_partitions_assigned{{{PIPELINE}}}"


def groups() -> Dashboard:
    """The board of the consumer groups; the group of a stage is named as the stage."""
    about = "Replicas, partitions, rebalances and commits of every stage's consumer group"
    made = board("sluice-groups", "Sluice: consumer groups", about, [choice("pipeline", list(pipelines()))])
    _members(made)
    _changes(made)
    return made


def _members(made: Dashboard) -> None:
    made.with_row(Row("Members"))
    replicas = f"count by (stage) ({ASSIGNED} > 0)"
    assigned = f"sum by (stage) ({ASSIGNED})"
    spread = f"max by (stage) ({ASSIGNED}) - min by (stage) ({ASSIGNED})"
    idle = f'sum by (stage) (sluice_stage_state{{{PIPELINE},state!="running"}})'
    lag = f"sum by (stage, instance) (sluice_stage_consumer_lag_records{{{PIPELINE}}})"
    for panel in (
        lines("Replicas that read", COUNT, "Replicas with at least one partition", over_time(replicas, NAMED)),
        lines(
            "Partitions read", COUNT, "Fewer than the topic has: somebody has to take them", over_time(assigned, NAMED)
        ),
        lines(
            "Uneven",
            COUNT,
            "Partitions of the replica with most, less those of the one with fewest",
            over_time(spread, NAMED),
        ),
        lines("Lag of a replica", COUNT, "One far above the others is slow or stuck", over_time(lag, OF_REPLICA)),
        lines(
            "Not running",
            COUNT,
            "Replicas that are starting, paused, draining or halted",
            over_time(idle, NAMED),
            width=24,
        ),
    ):
        made.with_panel(panel)


def _changes(made: Dashboard) -> None:
    made.with_row(Row("Changes"))
    rebalances = f"max by (stage) (increase(sluice_stage_rebalances_total{{{PIPELINE}}}[15m]))"
    commits = f"sum by (stage) (increase(sluice_stage_commit_failures_total{{{PIPELINE}}}[15m]))"
    last = f"sluice_stage_last_progress_timestamp_seconds{{{PIPELINE}}}"
    idle = f"time() - max by (stage) ({last} > 0)"
    waiting = f"sum by (stage) (sluice_stage_retry_waiting_records{{{PIPELINE}}})"
    for panel in (
        lines(
            "Rebalances in 15 minutes", COUNT, "Each stops the whole group for a moment", over_time(rebalances, NAMED)
        ),
        lines("Refused commits in 15 minutes", COUNT, "Each batch of them is read again", over_time(commits, NAMED)),
        lines("Since the last batch", SECONDS, "Long is fine where nothing waits", over_time(idle, NAMED)),
        lines("Waiting for a retry", COUNT, "Records on retry topics", over_time(waiting, NAMED)),
    ):
        made.with_panel(panel)
