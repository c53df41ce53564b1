-- name: result_counts
-- How many results there are in all, by status, family, type and review status: of batch $1, else of every indicator's
-- newest classification (pending and failed items of all batches if $2 asks for one of these); only of status $2, family
-- $3, type $4 where these are not null.
WITH chosen AS (
    SELECT CASE review_status WHEN 'needs_human' THEN 'needs_human' ELSE 'completed' END AS status,
           family, indicator_type, review_status
    FROM classifications
    WHERE $1::text IS NULL AND ($2::text IS NULL OR $2 IN ('completed', 'needs_human'))
    UNION ALL
    SELECT CASE item.status WHEN 'dead_lettered' THEN 'failed' ELSE item.status END,
           row.family, row.indicator_type, row.review_status
    FROM batch_items AS item
    LEFT JOIN classifications AS row
        ON row.indicator_id = item.item_id AND item.status IN ('completed', 'needs_human')
    WHERE item.batch_id = $1::text OR ($1::text IS NULL AND $2 IN ('pending', 'failed') AND EXISTS (
        SELECT FROM batches WHERE batches.batch_id = item.batch_id AND pipeline = 'classification'))
)
SELECT CASE grouping(status, family, indicator_type, review_status)
           WHEN 7 THEN 'status' WHEN 11 THEN 'family' WHEN 9 THEN 'type' WHEN 14 THEN 'review_status' ELSE 'total' END
           AS dimension,
       coalesce(status, review_status, family || coalesce('/' || indicator_type, '')) AS label,
       count(*)::integer AS items
FROM chosen
WHERE ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR family = $3)
  AND ($4::text IS NULL OR indicator_type = $4)
GROUP BY GROUPING SETS ((status), (family), (family, indicator_type), (review_status), ())
ORDER BY items DESC, label;

-- name: overall
-- Every indicator that was ever submitted, summed up.
SELECT (SELECT count(*) FROM classifications)::integer AS classified,
       (SELECT count(DISTINCT item_id) FROM batches JOIN batch_items USING (batch_id) WHERE pipeline = 'classification')
           ::integer AS indicators,
       count(*)::integer AS batches,
       count(*) FILTER (WHERE batch_end_time IS NULL)::integer AS open_batches,
       coalesce(sum(total_indicators), 0)::integer AS submitted,
       coalesce(sum(successful_indicators), 0)::integer AS completed,
       coalesce(sum(needs_human_indicators), 0)::integer AS needs_human,
       coalesce(sum(failed_indicators), 0)::integer AS failed,
       sum(confidence_sum) / nullif(sum(confidence_count), 0) AS avg_confidence,
       coalesce(sum(tokens_in), 0)::bigint AS tokens_in,
       coalesce(sum(tokens_out), 0)::bigint AS tokens_out,
       coalesce(sum(cost_usd), 0) AS cost_usd
FROM batches
WHERE pipeline = 'classification';

-- name: models
-- What each model did for the classifications there are.
SELECT provider, model, count(*)::integer AS indicators, avg(overall_confidence)::float8 AS avg_confidence,
       avg(processing_time_ms)::float8 AS avg_time_ms, coalesce(sum(tokens_in), 0)::bigint AS tokens_in,
       coalesce(sum(tokens_out), 0)::bigint AS tokens_out, coalesce(sum(cost_usd), 0)::float8 AS cost_usd
FROM classifications
GROUP BY provider, model
ORDER BY indicators DESC, provider, model;

-- name: throughput
-- Indicators that got their final status in the last $1 seconds, and in the busiest minute of them. A batch in which nothing
-- happened since is not looked into.
WITH finished AS (
    SELECT item.status, date_trunc('minute', item.finished_at) AS minute
    FROM batches JOIN batch_items AS item USING (batch_id)
    WHERE batches.pipeline = 'classification' AND batches.updated_at >= now() - make_interval(secs => $1::float8)
      AND item.finished_at >= now() - make_interval(secs => $1::float8)
)
SELECT count(*)::integer AS finished,
       count(*) FILTER (WHERE status = 'completed')::integer AS completed,
       count(*) FILTER (WHERE status = 'needs_human')::integer AS needs_human,
       count(*) FILTER (WHERE status = 'dead_lettered')::integer AS failed,
       coalesce((SELECT max(items) FROM (SELECT count(*) AS items FROM finished GROUP BY minute) AS minutes), 0)::integer
           AS busiest_minute
FROM finished;

-- name: stage_activity
-- What the stages did in the last $1 seconds, by status.
SELECT stage, status, count(*)::integer AS items, avg(processing_time_ms)::float8 AS avg_time_ms
FROM stage_log
WHERE created_at >= now() - make_interval(secs => $1::float8)
GROUP BY stage, status
ORDER BY stage, status;

-- name: low_confidence
-- The classifications below confidence $1, the least certain first, $2 at most.
SELECT indicator_id, name, family, indicator_type, overall_confidence::float8, review_status, batch_id
FROM classifications
WHERE overall_confidence < $1
ORDER BY overall_confidence, indicator_id
LIMIT $2;

-- name: failures_by_stage
-- Dead letters by stage and reason, of batch $1 and indicator $2 where not null; still_failed counts the items that have
-- got no result since, be it by a replay or in a later batch.
SELECT letter.stage, letter.error_code, count(*)::integer AS failures,
       count(DISTINCT letter.item_id)::integer AS indicators,
       count(DISTINCT letter.item_id) FILTER (WHERE item.status = 'dead_lettered' AND row.indicator_id IS NULL)::integer
           AS still_failed,
       max(letter.failed_at) AS last_failed_at
FROM dead_letters AS letter
LEFT JOIN batch_items AS item USING (batch_id, item_id)
LEFT JOIN classifications AS row ON row.indicator_id = letter.item_id AND row.updated_at > letter.failed_at
WHERE ($1::text IS NULL OR letter.batch_id = $1) AND ($2::text IS NULL OR letter.item_id = $2)
GROUP BY letter.stage, letter.error_code
ORDER BY failures DESC, letter.stage, letter.error_code;

-- name: failed_indicators
-- Indicators with dead letters and the newest of these, of batch $1 and indicator $2 where not null, $3 at most: those
-- that still have no result first.
WITH newest AS (
    SELECT DISTINCT ON (item_id) item_id, batch_id, count(*) OVER (PARTITION BY item_id)::integer AS failures,
           stage, error_code, error_message, failed_at
    FROM dead_letters
    WHERE ($1::text IS NULL OR batch_id = $1) AND ($2::text IS NULL OR item_id = $2)
    ORDER BY item_id, failed_at DESC, id DESC
)
SELECT newest.item_id, item.payload::json ->> 'name' AS name, newest.batch_id, newest.failures, newest.stage,
       newest.error_code, newest.error_message, newest.failed_at,
       CASE WHEN row.review_status = 'needs_human' THEN 'needs_human'
            WHEN row.indicator_id IS NOT NULL THEN 'completed'
            WHEN item.status = 'dead_lettered' THEN 'failed' ELSE item.status END AS status
FROM newest
LEFT JOIN batch_items AS item USING (batch_id, item_id)
LEFT JOIN classifications AS row ON row.indicator_id = newest.item_id AND row.updated_at > newest.failed_at
ORDER BY item.status = 'dead_lettered' AND row.indicator_id IS NULL DESC, newest.failed_at DESC, newest.item_id
LIMIT $3;

-- name: incomplete
-- Indicators without a result and without a failure, the oldest first, $3 at most; of batch $1 and indicator $2 where not null.
SELECT item.item_id, item.payload::json ->> 'name' AS name, item.batch_id, item.created_at
FROM batches JOIN batch_items AS item USING (batch_id)
WHERE ($1::text IS NULL OR batch_id = $1) AND ($2::text IS NULL OR item.item_id = $2) AND item.status = 'pending'
  AND batches.pipeline = 'classification'
  AND batches.successful_indicators + batches.needs_human_indicators + batches.failed_indicators
      < batches.total_indicators
ORDER BY item.created_at, item.position NULLS LAST, item.item_id
LIMIT $3;

-- name: submissions
-- Every batch an item $1 was part of, the newest first. Looks into each batch by key: nothing is indexed by item alone.
SELECT item.batch_id, CASE item.status WHEN 'dead_lettered' THEN 'failed' ELSE item.status END AS status, item.error,
       item.confidence::float8, item.created_at, item.finished_at
FROM batches, LATERAL (
    SELECT * FROM batch_items WHERE batch_items.batch_id = batches.batch_id AND batch_items.item_id = $1 OFFSET 0
) AS item
ORDER BY item.created_at DESC, item.batch_id;

-- name: stage_history
-- What the stages did to item $1, $2 entries at most, in the order of time.
SELECT * FROM (
    SELECT created_at, batch_id, stage, status, processing_time_ms::float8, attempt::integer, provider, model,
           error_message
    FROM stage_log
    WHERE indicator_id = $1
    ORDER BY created_at DESC
    LIMIT $2
) AS newest
ORDER BY created_at;

-- name: find_dead_letters
-- Dead letters without payload, the newest first, $1 at most: of stage $2 (short or full name), batch $3, code $4, item
-- $5 where not null; only those not resolved if $6, those resolved if $7; failed from $8 on and before $9, and of ids $10
-- where not null.
SELECT id, pipeline, stage, topic, partition, "offset", attempts, batch_id, item_id, error_class, error_code,
       error_message, failed_at, replayed_at, resolution, replayed_payload IS NOT NULL AS edited
FROM dead_letters
WHERE ($2::text IS NULL OR stage = $2 OR split_part(stage, '.', 2) = $2) AND ($3::text IS NULL OR batch_id = $3)
  AND ($4::text IS NULL OR error_code = $4) AND ($5::text IS NULL OR item_id = $5)
  AND (NOT $6::boolean OR resolution IS NULL) AND (NOT $7::boolean OR resolution IS NOT NULL)
  AND ($8::timestamptz IS NULL OR failed_at >= $8) AND ($9::timestamptz IS NULL OR failed_at < $9)
  AND ($10::bigint[] IS NULL OR id = ANY ($10))
ORDER BY id DESC
LIMIT $1;

-- name: find_indicators
-- Classified indicators whose id or name contains $1 in any case, $2 at most: that of this very id first. Reads them all.
SELECT indicator_id, name, coalesce(original_units, ''), family, indicator_type, overall_confidence::float8, review_status
FROM classifications
WHERE position(lower($1) IN lower(indicator_id)) > 0 OR position(lower($1) IN lower(name)) > 0
ORDER BY indicator_id = $1 DESC, lower(name) = lower($1) DESC, indicator_id
LIMIT $2;

-- name: unresolved_dead_letters
-- How many dead letters nobody has replayed.
SELECT count(*) FROM dead_letters WHERE resolution IS NULL;
