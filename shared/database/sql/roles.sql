-- name: grant_roles
-- Group roles for the users of stages, API and readers: made where they lack and we may make them, and granted exactly
-- this. Roles are the whole server's: they may be there from another database, or be made by one at this moment.
DO $$
DECLARE
    grantee text;
    allowed text;
    objects text;
    schema  CONSTANT text := quote_ident(current_schema());
BEGIN
    FOREACH grantee IN ARRAY ARRAY['sluice_stage', 'sluice_api', 'sluice_reader'] LOOP
        IF to_regrole(grantee) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I', grantee);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;
                WHEN insufficient_privilege THEN CONTINUE; -- missing_roles tells
            END;
        END IF;
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %s FROM %I', schema, grantee);
        EXECUTE format('GRANT USAGE ON SCHEMA %s TO %I', schema, grantee);
    END LOOP;
    FOR grantee, allowed, objects IN VALUES
        ('sluice_stage', 'SELECT', 'schema_version, human_reviews'),
        ('sluice_stage', 'INSERT', 'stage_log'),
        ('sluice_stage', 'SELECT, INSERT', 'dead_letters'),
        ('sluice_stage', 'SELECT, INSERT, UPDATE',
            'batches, batch_items, classifications, llm_bucket, llm_budget, llm_cache, llm_switch'),
        ('sluice_stage', 'SELECT, INSERT, UPDATE',
            'correction_runs, correction_slices, corrections, warehouse_jobs'),
        ('sluice_stage', 'SELECT, INSERT, UPDATE, DELETE', 'facet_join, llm_call, llm_claim'),
        ('sluice_stage', 'SELECT, UPDATE', 'dedupe_runs, dedupe_stages, dedupe_shards'),
        ('sluice_stage', 'SELECT, INSERT, DELETE, UPDATE', 'outbox'),
        ('sluice_stage', 'USAGE', 'SEQUENCE finish_tickets'),
        ('sluice_stage', 'EXECUTE', 'FUNCTION stage_log_create_partitions, stage_log_drop_partitions'),
        ('sluice_api', 'SELECT', 'stage_log'),
        ('sluice_api', 'SELECT, UPDATE', 'classifications, dead_letters'), -- people decide and replay in the console
        ('sluice_api', 'SELECT, INSERT, UPDATE (superseded_at)', 'human_reviews'),
        ('sluice_api', 'SELECT, INSERT, UPDATE', 'batches, batch_items'),
        ('sluice_api', 'SELECT, INSERT, UPDATE, DELETE', -- whoever starts runs also resumes, prunes and decides
            'dedupe_runs, dedupe_stages, dedupe_shards, dedupe_overrides, dedupe_blacklist, dedupe_additions, outbox'),
        ('sluice_reader', 'SELECT', format('ALL TABLES IN SCHEMA %s', schema))
    LOOP
        CONTINUE WHEN to_regrole(grantee) IS NULL;
        EXECUTE format('GRANT %s ON %s TO %I', allowed, objects, grantee);
    END LOOP;
    IF to_regrole('sluice_reader') IS NOT NULL THEN -- for the partitions of days to come
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT SELECT ON TABLES TO sluice_reader', schema);
    END IF;
END $$;

-- name: missing_roles
-- Those of our group roles that the server does not have.
SELECT name FROM unnest(ARRAY['sluice_stage', 'sluice_api', 'sluice_reader']) AS t (name)
WHERE to_regrole(name) IS NULL;
