-- Partitions of the stage log are made and dropped by stages, whose users may not change tables: the functions act as
-- their owner, find nothing but our schema, and are nobody's to call but who is granted it (roles.sql).
CREATE OR REPLACE FUNCTION stage_log_drop_partitions(older_than_days integer) RETURNS integer
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    name    text;
    dropped integer := 0;
BEGIN
    IF older_than_days IS NULL OR older_than_days < 1 THEN
        RAISE EXCEPTION 'the stage log keeps a day at least, not %', older_than_days;
    END IF;
    FOR name IN
        SELECT inhrelid::regclass::text FROM pg_inherits
        WHERE inhparent = 'stage_log'::regclass AND inhrelid::regclass::text ~ '^stage_log_\d{8}$'
          AND to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') < current_date - older_than_days
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM stage_log_default WHERE created_at < (current_date - older_than_days)::timestamptz;
    RETURN dropped;
END $$;

DO $$
DECLARE
    maker text;
BEGIN
    FOREACH maker IN ARRAY ARRAY['stage_log_create_partitions(integer)', 'stage_log_drop_partitions(integer)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', maker, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', maker);
    END LOOP;
END $$;
