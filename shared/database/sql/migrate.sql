-- name: migration_lock
-- One migrator at a time; released with the transaction.
SELECT pg_advisory_xact_lock(hashtext('sluice'), hashtext('migrate'));

-- name: create_schema_version
-- The list of applied migrations.
CREATE TABLE IF NOT EXISTS schema_version (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: applied_migrations
-- Which migrations this database has.
SELECT version, checksum FROM schema_version;

-- name: record_migration
-- Migration $1, named $2, with checksum $3, is applied.
INSERT INTO schema_version (version, name, checksum) VALUES ($1, $2, $3);
