"""`sluice run`: this process is these stages."""

import click

from shared.pipelines import find_stage
from shared.settings import Settings
from shared.telemetry.logs import configure_logs


@click.command(
    epilog="Example: sluice run classification.family --port 8081. Start it twice and the two share the partitions."
)
@click.argument("stages", nargs=-1, required=True, metavar="STAGE...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of health and metrics.")
@click.option(
    "--port", type=int, default=None, help="Port of health and metrics; 0 takes any. Default: SLUICE_HEALTH_PORT."
)
def run(stages: tuple[str, ...], host: str, port: int | None) -> None:
    """Run stages as a service of their own until SIGTERM, which drains: the batch in hand is finished and committed.

    Serves /health/live, /health/ready and /metrics. Needs a configured broker and database, or those of a running
    `sluice up` (give it the addresses that `sluice up` prints).
    """
    import uvloop

    from shared.service.process import run_stages

    settings = Settings.load()
    configure_logs(settings.log)
    chosen = [find_stage(name) for name in stages]
    run_stages(chosen, settings, host, settings.runtime.health_port if port is None else port, uvloop.run)
