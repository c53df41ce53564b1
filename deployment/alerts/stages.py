"""A stage that does not work, or works too slowly."""

from deployment.alerts.declaring import Alert, Fires, Quiet, Series, Severity
from deployment.alerts.recording import AGE, LAG, REFUSED
from deployment.declared import first_stages, stages

SLOW_SECONDS = 300
LATE_SECONDS = 900
"""Beyond what an item's age is a matter for a ticket, whatever the lag does."""

FAMILY = {"pipeline": "classification", "stage": "family"}
_OF_FAMILY = 'pipeline="classification",stage="family"'
_REPLICA = f'{_OF_FAMILY},instance="one"'


def _state(name: str, values: str) -> Series:
    return {f'sluice_stage_state{{{_REPLICA},state="{name}"}}': values}


def _ages(below_300: str, below_900: str, below_3600: str) -> Series:
    """Records of the family stage, by age."""
    counts = {"300": below_300, "900": below_900, "3600": below_3600, "+Inf": below_3600}
    return {f'sluice_stage_record_age_seconds_bucket{{{_REPLICA},le="{le}"}}': n for le, n in counts.items()}


def _lag(values: str) -> Series:
    return {f"sluice_stage_consumer_lag_records{{{_REPLICA}}}": values}


def _progress(values: str) -> Series:
    return {f"sluice_stage_last_progress_timestamp_seconds{{{_REPLICA}}}": values}


def _outcomes(emitted: str, rejected: str) -> Series:
    counts = {"emitted": emitted, "rejected": rejected}
    return {f'sluice_stage_records_total{{{_REPLICA},outcome="{name}"}}': values for name, values in counts.items()}


def _partitions(of_family: str) -> Series:
    """Every stage reads three partitions, but the family stage so many; empty: nobody reports it."""
    counts = {(stage.pipeline, stage.name): "3x30" for stage in stages()} | {tuple(FAMILY.values()): of_family}
    return {
        f'sluice_stage_partitions_assigned{{pipeline="{pipeline}",stage="{stage}",instance="one"}}': values
        for (pipeline, stage), values in counts.items()
        if values
    }


HALTED = Alert(
    name="SluiceStageHalted",
    severity=Severity.CRITICAL,
    expression='max by (pipeline, stage) (sluice_stage_state{state="halted"}) == 1',
    hold="1m",
    summary="A stage stopped to keep its topic from running into the dead letters",
    description="{{ $labels.pipeline }}.{{ $labels.stage }} refused too much of what the stage before it wrote, or a "
    "setting of it is wrong. Its records wait; nothing is lost.",
    board="sluice-stage",
    fires=[Fires(_state("halted", "1x10"), "5m", FAMILY)],
    quiet=[Quiet({**_state("halted", "0x10"), **_state("paused", "1x10")}, "5m")],
)

PAUSED = Alert(
    name="SluiceStagePaused",
    severity=Severity.WARNING,
    expression='max by (pipeline, stage) (sluice_stage_state{state="paused"}) == 1',
    hold="10m",
    summary="A stage waits for something that it needs",
    description="{{ $labels.pipeline }}.{{ $labels.stage }} has not reached the database, the broker or a vendor for "
    "10 minutes. /health/ready says which.",
    board="sluice-stage",
    fires=[Fires(_state("paused", "1x20"), "15m", FAMILY)],
    quiet=[Quiet(_state("paused", "1x8 0x12"), "15m")],
)

STALLED = Alert(
    name="SluiceStageStalled",
    severity=Severity.CRITICAL,
    expression="sluice_stage_consumer_lag_records > 0"
    f" and time() - sluice_stage_last_progress_timestamp_seconds > {SLOW_SECONDS}",
    hold="5m",
    summary="A replica has work and does none",
    description="{{ $labels.instance }} has {{ $value | humanize }} records of {{ $labels.pipeline }}."
    "{{ $labels.stage }} before it, and has finished no batch for more than 5 minutes.",
    board="sluice-groups",
    fires=[Fires({**_lag("100x30"), **_progress("60x30")}, "20m", {**FAMILY, "instance": "one"}, "100")],
    quiet=[
        Quiet({**_lag("100x30"), **_progress("0+60x30")}, "20m"),
        Quiet({**_lag("0x30"), **_progress("60x30")}, "20m"),
    ],
)

LAG_GROWING = Alert(
    name="SluiceLagGrowing",
    severity=Severity.WARNING,
    expression=f"deriv({LAG.name}[15m]) > 0 and on (pipeline, stage) {AGE.name} > {SLOW_SECONDS}",
    hold="15m",
    summary="A stage falls further behind, and its items are late already",
    description="{{ $labels.pipeline }}.{{ $labels.stage }} gains {{ $value | humanize }} waiting records a second.",
    board="sluice-stage",
    fires=[Fires({**_lag("0+60x60"), **_ages("0x60", "0+60x60", "0+60x60")}, "45m", FAMILY, "1")],
    quiet=[
        Quiet({**_lag("0+60x60"), **_ages("0+60x60", "0+60x60", "0+60x60")}, "45m"),
        Quiet({**_lag("6000-60x60"), **_ages("0x60", "0+60x60", "0+60x60")}, "45m"),
    ],
)

AGE_HIGH = Alert(
    name="SluiceRecordAgeHigh",
    severity=Severity.WARNING,
    expression=f"{AGE.name} > {LATE_SECONDS}",
    hold="10m",
    summary="Items are older than they should be when a stage is done with them",
    description="One in twenty batches of {{ $labels.pipeline }}.{{ $labels.stage }} begins with an item that came in "
    "{{ $value | humanizeDuration }} ago or earlier.",
    board="sluice-pipeline",
    fires=[Fires(_ages("0x30", "0x30", "0+60x30"), "20m", FAMILY, "57m 45s")],
    quiet=[Quiet(_ages("0x30", "0+60x30", "0+60x30"), "20m")],
)

REFUSING = Alert(
    name="SluiceRecordsRefused",
    severity=Severity.WARNING,
    expression=f'{REFUSED.name}{{stage!~"{"|".join(first_stages())}"}} > 0.01',
    hold="10m",
    summary="A stage refuses records that another stage wrote",
    description="{{ $labels.pipeline }}.{{ $labels.stage }} sends {{ $value | humanizePercentage }} of its records to "
    "the dead letters. At 5 % of 1,000 it halts.",
    board="sluice-stage",
    fires=[Fires(_outcomes("0+96x40", "0+4x40"), "30m", FAMILY, "4%")],
    quiet=[Quiet(_outcomes("0+1000x40", "0+1x40"), "30m")],
)

_MISSING = " or ".join(
    f'absent(sluice_stage_partitions_assigned{{pipeline="{stage.pipeline}",stage="{stage.name}"}})'
    for stage in stages()
)
NO_CONSUMERS = Alert(
    name="SluiceStageNoConsumers",
    severity=Severity.CRITICAL,
    expression=f"sum by (pipeline, stage) (sluice_stage_partitions_assigned) == 0 or {_MISSING}",
    hold="5m",
    summary="Nobody reads the topic of a stage",
    description="No replica of {{ $labels.pipeline }}.{{ $labels.stage }} reports a partition.",
    board="sluice-groups",
    fires=[
        Fires(_partitions("0x30"), "15m", FAMILY),
        Fires(_partitions(""), "15m", FAMILY),
    ],
    quiet=[Quiet(_partitions("1x30"), "15m")],
)

STAGES = (HALTED, PAUSED, STALLED, LAG_GROWING, AGE_HIGH, REFUSING, NO_CONSUMERS)
