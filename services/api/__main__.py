"""`python -m services.api [--host H] [--port P]`."""

import sys

import click

from services.api.serving import run_api
from shared.errors import SluiceError, UsageError
from shared.settings import Settings
from shared.telemetry.logs import configure_logs


@click.command()
@click.option("--host", default=None, help="Address to listen on. Default: SLUICE_API_HOST, which is loopback.")
@click.option("--port", type=int, default=None, help="Port to listen on; 0 takes any. Default: SLUICE_API_PORT.")
def main(host: str | None, port: int | None) -> None:
    """Serve the HTTP API until SIGTERM. Needs a configured broker and database."""
    try:
        settings = Settings.load()
        configure_logs(settings.log)
        run_api(settings, host or settings.api.host, settings.api.port if port is None else port)
    except SluiceError as error:
        click.echo(f"sluice: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)


if __name__ == "__main__":
    main()
