-- name: unannounced_batches
-- Finished batches of pipeline $1 whose event is not published yet, $2 at most; those of another replica are skipped.
SELECT batch_id, pipeline, total_indicators AS total, successful_indicators AS completed,
       needs_human_indicators AS needs_human, failed_indicators AS dead_lettered,
       coalesce(total_duration_ms, 0) AS duration_ms, cost_usd
FROM batches
WHERE pipeline = $1 AND batch_end_time IS NOT NULL AND announced_at IS NULL
ORDER BY batch_end_time
LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: mark_announced
-- The events of batches $1 are published.
UPDATE batches SET announced_at = now() WHERE batch_id = ANY ($1::text[]);
