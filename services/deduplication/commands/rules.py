"""`sluice dedupe rules`: the rules of a profile, to begin a file of one's own with."""

from typing import get_args

import click

from services.deduplication.rules import Profile, Rules


@click.command(
    epilog="Example:\n\n\b\n"
    "  sluice dedupe rules strict > rules.json    then change it, and leave out what stays\n"
    "  sluice dedupe accounts.csv --output results --rules rules.json"
)
@click.argument("profile", type=click.Choice(get_args(Profile)), default="balanced", metavar="[PROFILE]")
def rules(profile: Profile) -> None:
    """Print the rules of a profile as JSON: balanced, strict, general or screening."""
    click.echo(Rules.of(profile).model_dump_json(indent=2))
