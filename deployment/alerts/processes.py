"""The processes, their database connections, the HTTP API."""

from deployment.alerts.declaring import Alert, Fires, Quiet, Series, Severity

_ONE = {"instance": "one"}


def _waits(below_1: str, below_5: str) -> Series:
    counts = {"1": below_1, "5": below_5, "+Inf": below_5}
    name = "sluice_database_pool_wait_seconds_bucket"
    return {f'{name}{{instance="one",le="{le}"}}': values for le, values in counts.items()}


def _answers(good: str, bad: str) -> Series:
    counts = {"202": good, "500": bad}
    name = "sluice_api_requests_total"
    return {f'{name}{{route="/classify/batch",method="POST",status="{code}"}}': n for code, n in counts.items()}


def _started(values: str) -> Series:
    build = 'sluice_build_info{instance="one",version="1",python="3"}'
    return {'process_start_time_seconds{instance="one"}': values, build: "1x40"}


POOL = Alert(
    name="SluiceDatabasePoolSaturated",
    severity=Severity.WARNING,
    expression="histogram_quantile(0.95,"
    " sum by (le, instance) (rate(sluice_database_pool_wait_seconds_bucket[5m]))) > 1",
    hold="5m",
    summary="Statements wait for a database connection",
    description="{{ $labels.instance }} waits {{ $value | humanizeDuration }} for one statement in twenty.",
    board="sluice-delivery",
    fires=[Fires(_waits("0x30", "0+60x30"), "20m", _ONE, "4.8s")],
    quiet=[Quiet(_waits("0+60x30", "0+60x30"), "20m")],
)

API = Alert(
    name="SluiceApiFailing",
    severity=Severity.CRITICAL,
    expression='sum(rate(sluice_api_requests_total{route!="/health/ready",status=~"5.."}[5m]))'
    ' / sum(rate(sluice_api_requests_total{route!="/health/ready"}[5m])) > 0.05',
    hold="5m",
    summary="The HTTP API does not do what it is asked",
    description="{{ $value | humanizePercentage }} of the requests are answered with 500 or above.",
    board="sluice-delivery",
    fires=[Fires(_answers("0+90x30", "0+10x30"), "15m", {}, "10%")],
    quiet=[Quiet(_answers("0+99x30", "0+1x30"), "15m")],
)

RESTARTS = Alert(
    name="SluiceProcessRestarting",
    severity=Severity.WARNING,
    expression="changes(process_start_time_seconds[30m]) > 2 and on (instance) sluice_build_info",
    hold="1m",
    summary="A process starts again and again",
    description="{{ $labels.instance }} has started {{ $value | humanize }} times in 30 minutes.",
    board="sluice-delivery",
    fires=[Fires(_started("0x5 60x5 120x5 180x20"), "25m", _ONE, "3")],
    quiet=[Quiet(_started("0x5 60x30"), "25m")],
)

PROCESSES = (POOL, API, RESTARTS)
