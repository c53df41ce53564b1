-- name: take_job
-- Count one more job of kind $1 today (UTC) unless $2 have been begun; no row: the ceiling is reached.
INSERT INTO warehouse_jobs AS today (day, kind, jobs)
SELECT (now() AT TIME ZONE 'UTC')::date, $1, 1 WHERE $2::integer > 0
ON CONFLICT (day, kind) DO UPDATE SET jobs = today.jobs + 1 WHERE today.jobs < $2
RETURNING jobs;

-- name: jobs_today
-- Jobs that were begun today (UTC), by kind.
SELECT kind, jobs FROM warehouse_jobs WHERE day = (now() AT TIME ZONE 'UTC')::date ORDER BY kind;

-- name: gather_rows
-- Put the rows that wait longest into job $1: $2 at most; fewer only if one has waited for $3 seconds. Returns how many.
WITH waiting AS (
    SELECT extraction_id, updated_at FROM corrections
    WHERE loaded_at IS NULL AND load_job IS NULL
    ORDER BY updated_at, extraction_id LIMIT $2
    FOR UPDATE SKIP LOCKED
), gathered AS (
    UPDATE corrections SET load_job = $1
    FROM waiting
    WHERE corrections.extraction_id = waiting.extraction_id
      AND ((SELECT count(*) FROM waiting) >= $2
           OR (SELECT min(updated_at) FROM waiting) <= now() - make_interval(secs => $3::float8))
    RETURNING 1
)
SELECT count(*)::integer FROM gathered;

-- name: unfinished_jobs
-- Jobs that were gathered and are not known to have ended.
SELECT DISTINCT load_job FROM corrections WHERE load_job IS NOT NULL AND loaded_at IS NULL ORDER BY load_job;

-- name: rows_of_job
-- The rows of job $1.
SELECT * FROM corrections WHERE load_job = $1 ORDER BY extraction_id;

-- name: job_is_done
-- Job $1 has ended: its rows are in the warehouse.
UPDATE corrections SET loaded_at = now() WHERE load_job = $1;

-- name: release_job
-- The rows of job $1, which has failed, wait for another one.
UPDATE corrections SET load_job = NULL WHERE load_job = $1 AND loaded_at IS NULL;
