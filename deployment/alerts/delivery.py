"""Items that may not come out, and groups that do not settle."""

from deployment.alerts.declaring import Alert, Fires, Quiet, Series, Severity
from deployment.alerts.recording import CAME_IN, WENT_OUT
from deployment.alerts.stages import FAMILY

_FAMILY = 'pipeline="classification",stage="family",instance="one"'


def _letters(values: str) -> Series:
    return {f'sluice_stage_dead_letters_total{{{_FAMILY},reason="no-answer"}}': values}


def _flow(came: str, went: str) -> Series:
    counts = {"normalize": came, "complete": went}
    return {
        f'sluice_stage_records_total{{pipeline="classification",stage="{stage}",outcome="emitted"}}': values
        for stage, values in counts.items()
    }


SILENCE = Alert(
    name="SluiceEndToEndSilence",
    severity=Severity.CRITICAL,
    expression=f"{CAME_IN.name} > 0 unless {WENT_OUT.name} > 0",
    hold="10m",
    summary="Items come in and none comes out",
    description="{{ $labels.pipeline }} takes in {{ $value | humanize }} records a second and has finished none for 20 "
    "minutes.",
    board="sluice-delivery",
    fires=[Fires(_flow("0+60x40", "0x40"), "30m", {"pipeline": "classification"}, "1")],
    quiet=[Quiet(_flow("0+60x40", "0+1x40"), "30m"), Quiet(_flow("0x40", "0x40"), "30m")],
)

LETTERS = Alert(
    name="SluiceDeadLetters",
    severity=Severity.INFO,
    expression="sum by (pipeline, stage) (increase(sluice_stage_dead_letters_total[1h])) > 0",
    hold="1m",
    summary="Dead letters have come to look at",
    description="{{ $labels.pipeline }}.{{ $labels.stage }} wrote {{ $value | humanize }} within the last hour.",
    board="sluice-pipeline",
    fires=[Fires(_letters("0x5 3x40"), "30m", FAMILY, "3")],
    quiet=[Quiet(_letters("3x40"), "30m")],
)

BURST = Alert(
    name="SluiceDeadLetterBurst",
    severity=Severity.WARNING,
    expression="sum by (pipeline, stage) (increase(sluice_stage_dead_letters_total[10m])) > 50",
    hold="1m",
    summary="Many dead letters at once",
    description="{{ $labels.pipeline }}.{{ $labels.stage }} wrote {{ $value | humanize }} dead letters in 10 minutes.",
    board="sluice-stage",
    fires=[Fires(_letters("0+10x40"), "20m", FAMILY, "100")],
    quiet=[Quiet(_letters("0+2x40"), "20m")],
)

COMMITS = Alert(
    name="SluiceCommitFailing",
    severity=Severity.WARNING,
    expression="sum by (pipeline, stage) (increase(sluice_stage_commit_failures_total[15m])) > 3",
    hold="5m",
    summary="A stage cannot commit what it has done",
    description="The group of {{ $labels.pipeline }}.{{ $labels.stage }} refused {{ $value | humanize }} commits in 15 "
    "minutes; these batches are done again.",
    board="sluice-groups",
    fires=[Fires({f"sluice_stage_commit_failures_total{{{_FAMILY}}}": "0+1x40"}, "30m", FAMILY, "15")],
    quiet=[Quiet({f"sluice_stage_commit_failures_total{{{_FAMILY}}}": "0x10 2x30"}, "30m")],
)

REBALANCES = Alert(
    name="SluiceRebalanceStorm",
    severity=Severity.WARNING,
    expression="max by (pipeline, stage) (increase(sluice_stage_rebalances_total[15m])) > 6",
    hold="5m",
    summary="A consumer group deals its partitions anew again and again",
    description="{{ $labels.pipeline }}.{{ $labels.stage }} was rebalanced {{ $value | humanize }} times in "
    "15 minutes; each time the whole group stands still.",
    board="sluice-groups",
    fires=[Fires({f"sluice_stage_rebalances_total{{{_FAMILY}}}": "0+1x40"}, "30m", FAMILY, "15")],
    quiet=[Quiet({f"sluice_stage_rebalances_total{{{_FAMILY}}}": "0x15 4x30"}, "30m")],
)

DELIVERY = (SILENCE, LETTERS, BURST, COMMITS, REBALANCES)
