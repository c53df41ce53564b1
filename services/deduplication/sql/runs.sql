-- name: new_run
-- A run that begins: id $1, type $2, name and digest of its input $3 and $4, digest of its rules $5, rules $6, column
-- mapping $7 (JSON), rows $8, shards $9, trace $10, the run that it follows $11. One that is begun anew keeps its id, type
-- and pin.
INSERT INTO dedupe_runs
    (run_id, run_type, input_name, input_sha256, config_digest, rules, mapping, rows, shards, trace_id, follows)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (run_id) DO UPDATE SET
    status = 'running', input_name = excluded.input_name, input_sha256 = excluded.input_sha256,
    config_digest = excluded.config_digest, rules = excluded.rules, mapping = excluded.mapping, rows = excluded.rows,
    shards = excluded.shards, follows = excluded.follows, error = NULL, ended_at = NULL, started_at = now();

-- name: forget_stages
-- All that run $1 has done.
DELETE FROM dedupe_stages WHERE run_id = $1;

-- name: new_stages
-- Stages of run $1 in order: names $2, shards $3, what they read $4 (JSON), what they need $5 (JSON lists), and a shard
-- to do for each of theirs.
WITH stage AS (
    INSERT INTO dedupe_stages (run_id, stage, position, shards, reads, needs, waits)
    SELECT $1, stage, position, shards, reads, ARRAY(SELECT jsonb_array_elements_text(needs)), jsonb_array_length(needs)
    FROM unnest($2::text[], $3::integer[], $4::jsonb[], $5::jsonb[]) WITH ORDINALITY
        AS t (stage, shards, reads, needs, position)
    RETURNING stage, shards
)
INSERT INTO dedupe_shards (run_id, stage, shard)
SELECT $1, stage, shard FROM stage, generate_series(0, shards - 1) AS shard;

-- name: lock_run
-- Run $1, locked: everything that moves a run on does so one after the other.
SELECT run_id, status, config_digest, trace_id FROM dedupe_runs
WHERE run_id = $1 FOR UPDATE;

-- name: find_runs
-- Runs, the newest first: only $1 (null: all), of type $2 (null: any), $3 at most.
SELECT run_id, run_type, status, input_name, input_sha256, config_digest, rules, mapping, rows, shards, pinned, error,
       started_at, ended_at, trace_id, follows
FROM dedupe_runs
WHERE ($1::text IS NULL OR run_id = $1) AND ($2::text IS NULL OR run_type = $2)
ORDER BY started_at DESC, run_id DESC
LIMIT $3;

-- name: latest_run
-- The newest complete run.
SELECT run_id FROM dedupe_runs WHERE status = 'complete' ORDER BY started_at DESC, run_id DESC LIMIT 1;

-- name: run_stages
-- The stages of run $1 in order, and what their shards have taken.
SELECT stage, position, shards, done, reads, needs, waits, started_at, ended_at, taken.*
FROM dedupe_stages JOIN LATERAL (
    SELECT coalesce(sum(rows), 0)::bigint AS rows, coalesce(sum(bytes), 0)::bigint AS bytes,
           coalesce(sum(wall_seconds), 0) AS wall_seconds, coalesce(sum(cpu_seconds), 0) AS cpu_seconds,
           coalesce(max(peak_bytes), 0)::bigint AS peak_bytes
    FROM dedupe_shards WHERE run_id = $1 AND stage = dedupe_stages.stage
) AS taken ON true
WHERE run_id = $1
ORDER BY position;

-- name: end_run
-- Run $1 is over with status $2 because of $3, unless it is over already. Returns whether it is.
UPDATE dedupe_runs SET status = $2, error = $3, ended_at = now() WHERE run_id = $1 AND status = 'running'
RETURNING true;

-- name: go_on_with_run
-- Run $1 is running again.
UPDATE dedupe_runs SET status = 'running', error = NULL, ended_at = NULL WHERE run_id = $1;

-- name: complete_run
-- Run $1 is complete if all of its stages are; then what there is to tell of it.
UPDATE dedupe_runs SET status = 'complete', ended_at = clock_timestamp()
WHERE run_id = $1 AND status = 'running'
  AND NOT EXISTS (SELECT FROM dedupe_stages WHERE run_id = $1 AND done < shards)
RETURNING rows, config_digest, extract(epoch FROM clock_timestamp() - started_at) * 1000 AS duration_ms,
          (SELECT sum(shards) FROM dedupe_stages WHERE run_id = $1) AS shards;

-- name: pin_run
-- Keep run $1 from being pruned, or not ($2).
UPDATE dedupe_runs SET pinned = $2 WHERE run_id = $1 RETURNING true;

-- name: runs_to_prune
-- Runs that may go: not running, not pinned, not the newest that is complete, none to which records were added that no
-- complete run has taken over, and, of type $1 (null: any), not among the newest $2; or, if $3 names some, only those of
-- them.
SELECT run_id FROM (
    SELECT run_id, status, pinned, row_number() OVER (ORDER BY started_at DESC, run_id DESC) AS age,
           row_number() OVER (PARTITION BY status ORDER BY started_at DESC, run_id DESC) AS age_of_status
    FROM dedupe_runs WHERE $1::text IS NULL OR run_type = $1
) AS run
WHERE status <> 'running' AND NOT pinned AND NOT (status = 'complete' AND age_of_status = 1)
  AND (NOT EXISTS (SELECT FROM dedupe_additions WHERE run_id = run.run_id)
       OR EXISTS (SELECT FROM dedupe_runs WHERE follows = run.run_id AND status = 'complete'))
  AND CASE WHEN $3::text[] IS NULL THEN age > $2 ELSE run_id = ANY ($3) END
ORDER BY run_id;

-- name: remove_run
-- Forget run $1, unless it runs or is pinned.
DELETE FROM dedupe_runs WHERE run_id = $1 AND status <> 'running' AND NOT pinned RETURNING true;
