"""PostgreSQL: connections, migrations, named queries, the ledger. Nobody else imports the driver."""

from shared.database.migrate import Migration, apply_migrations, keep_roles, missing_migrations
from shared.database.pool import Database, Executor, Record, Transaction
from shared.database.queries import Queries

__all__ = [
    "Database",
    "Executor",
    "Migration",
    "Queries",
    "Record",
    "Transaction",
    "apply_migrations",
    "keep_roles",
    "missing_migrations",
]
