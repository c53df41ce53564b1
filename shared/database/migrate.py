"""Plain SQL migrations, applied in order and once, from however many replicas at the same time.

Files are named `0007_pre_what.sql` or `0007_post_what.sql`: `pre` is applied before the code that needs it is deployed
and leaves the older code working, `post` when no older code runs any more. An applied file never changes.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from shared.database.pool import Database, Executor
from shared.database.queries import Queries
from shared.errors import UsageError

Phase = Literal["pre", "post"]
PARTITION_DAYS = 7
"""How many days ahead the stage log has partitions."""
_FILE = re.compile(r"(\d{4})_(pre|post)_(\w+)\.sql")


@dataclass(frozen=True)
class Migration:
    """One file."""

    version: int
    phase: Phase
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What its text hashes to."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@cache
def migrations() -> tuple[Migration, ...]:
    """Every migration of this release, in order."""
    folder = files("shared.database").joinpath("migrations")
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple(_migration(entry.name, entry.read_text()) for entry in found)


def _migration(file: str, sql: str) -> Migration:
    match = _FILE.fullmatch(file)
    if match is None:
        raise ValueError(f"{file} is not named like 0001_pre_what.sql")
    version, phase, name = match.groups()
    return Migration(int(version), "pre" if phase == "pre" else "post", name, sql)


async def apply_migrations(database: Database, phases: tuple[Phase, ...] = ("pre", "post")) -> list[Migration]:
    """Apply what is missing, all or nothing, and return it. Other replicas wait for the first one, then find it done.

    Also creates the partitions of the days ahead. Raises UsageError if an applied migration has been edited since, or
    if `post` is to be applied to a database that lacks `pre`.
    """
    async with database.transaction() as transaction:
        await transaction.execute("SET LOCAL statement_timeout = 0")
        await transaction.execute(_queries()["migration_lock"])
        await transaction.execute(_queries()["create_schema_version"])
        missing = await _missing(transaction, phases)
        if "pre" not in phases and await _missing(transaction, ("pre",)):
            raise UsageError(
                "the database lacks migrations of the phase pre, which come before those of the phase post",
                remedy="Apply the phase pre first, or both at once.",
            )
        for migration in missing:
            await transaction.execute(migration.sql)
            await transaction.execute(
                _queries()["record_migration"], migration.version, migration.name, migration.checksum
            )
        await transaction.execute(_queries()["create_partitions"], PARTITION_DAYS)
    return missing


async def missing_migrations(database: Executor) -> list[Migration]:
    """What `apply_migrations` would do. Changes nothing, so that a user who may not create tables can ask as well."""
    if not await database.fetchval("SELECT to_regclass('schema_version') IS NOT NULL"):
        return list(migrations())
    return await _missing(database, ("pre", "post"))


async def keep_roles(database: Database) -> list[str]:
    """Make the group roles and grant each what its members need of a migrated database, no less and no more.

    Returns those that the server lacks and we may not make: an administrator has to, and then this has to run again.
    """
    async with database.transaction() as transaction:
        await transaction.execute(_queries()["migration_lock"])
        await transaction.execute(_queries()["grant_roles"])
        return [row["name"] for row in await transaction.fetch(_queries()["missing_roles"])]


async def _missing(executor: Executor, phases: tuple[Phase, ...]) -> list[Migration]:
    applied = {row["version"]: row["checksum"] for row in await executor.fetch(_queries()["applied_migrations"])}
    for migration in migrations():
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise UsageError(
                f"migration {migration.version:04} {migration.name} was changed after it had been applied",
                remedy="Restore the file, and put the change into a new migration.",
            )
    return [one for one in migrations() if one.version not in applied and one.phase in phases]


@cache
def _queries() -> Queries:
    return Queries("shared.database")
