-- name: append_trails
-- A row of the stage log for every entry of trails $3, which are those of items $2 of batches $1. An entry may
-- leave out its duration.
INSERT INTO stage_log (created_at, processing_time_ms, attempt, tokens_in, tokens_out, cost_usd,
                       batch_id, indicator_id, stage, status, provider, model)
SELECT to_timestamp((run.started_at + coalesce(run.duration_ms, 0)) / 1000), run.duration_ms, coalesce(run.attempt, 1),
       coalesce(run.tokens_in, 0), coalesce(run.tokens_out, 0), coalesce(run.cost_usd, 0),
       item.batch_id, item.item_id, run.stage, 'completed', nullif(run.provider, ''), nullif(run.model, '')
FROM unnest($1::text[], $2::text[], $3::text[]) AS item (batch_id, item_id, trail),
     json_to_recordset(('[' || item.trail || ']')::json) AS run (
         stage text, started_at float8, duration_ms float8, attempt smallint, tokens_in integer, tokens_out integer,
         cost_usd real, provider text, model text);

-- name: create_partitions
-- Partitions of the stage log for today and $1 days ahead; returns how many were made.
SELECT stage_log_create_partitions($1);

-- name: drop_partitions
-- Drop the partitions of the stage log that are older than $1 days; returns how many.
SELECT stage_log_drop_partitions($1);
