"""Users of the database who are members of one of Sluice's group roles and nothing else.

Stages and API run as such in every test that starts them whole: what a role lacks, these tests find.
"""

from urllib.parse import urlsplit, urlunsplit

from shared.database import Database, keep_roles
from shared.settings import Settings

STAGE, API, READER = ROLES = ("sluice_stage", "sluice_api", "sluice_reader")
PASSWORD = "secret-of-a-member"


async def make_users(database: Database) -> None:
    """One for each role, unless the server has them; what the roles may do is granted in this database."""
    assert await keep_roles(database) == []
    for role in ROLES:
        if not await database.fetchval("SELECT to_regrole($1)::text", f"{role}_user"):
            await database.execute(f"CREATE ROLE {role}_user LOGIN PASSWORD '{PASSWORD}' IN ROLE {role}")


def as_member(role: str, url: str) -> str:
    """The same database for the user of that role."""
    address = urlsplit(url)
    place = address.netloc.rpartition("@")[2]
    return urlunsplit(address._replace(netloc=f"{role}_user:{PASSWORD}@{place}"))


def for_stages(settings: Settings) -> Settings:
    """The same for a process of stages."""
    variables = settings.as_environment()
    return Settings.load(variables | {"SLUICE_DATABASE_URL": as_member(STAGE, variables["SLUICE_DATABASE_URL"])})
