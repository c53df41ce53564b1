-- name: backlog
-- How much pipeline $1 has before it, and how fast it works: items without a final status, and finished items a second
-- over the last minutes, null if there were none (each batch alone is slower than all at once, a pause makes all at once
-- look slow: the faster of the two counts). Batches older than a day are not waited for any more: whoever left them
-- behind has to resume them.
WITH recent AS (
    SELECT total_indicators AS total, batch_start_time AS started, batch_end_time AS ended, updated_at,
           successful_indicators + needs_human_indicators + failed_indicators AS finished
    FROM batches
    WHERE batch_start_time > now() - interval '1 day' AND pipeline = $1
), active AS (
    SELECT finished, started, updated_at,
           finished / greatest(extract(epoch FROM updated_at - started), 0.001) AS rate
    FROM recent
    WHERE finished > 0 AND updated_at > now() - interval '5 minutes'
)
SELECT (SELECT coalesce(sum(total - finished), 0) FROM recent WHERE ended IS NULL AND total > finished)::bigint AS pending,
       (SELECT greatest(max(rate), sum(finished) / greatest(extract(epoch FROM max(updated_at) - min(started)), 0.001))
        FROM active)::float8 AS rate;

-- name: batch_by_key
-- The batch that was opened with idempotency key $1.
SELECT * FROM batches WHERE idempotency_key = $1;

-- name: limit_idle
-- Let the server end this transaction if its client says nothing for $1 milliseconds, so that a client that froze or
-- vanished cannot keep its locks.
SELECT set_config('idle_in_transaction_session_timeout', $1, true);
