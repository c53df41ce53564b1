-- What the tables on the boards show. Grafana fills in the macros ($__timeFilter and the like) and the variables.

-- name: recent_batches
-- Batches in work, and those that ended within the last hour.
SELECT batch_id AS "Batch", round(finished::numeric / nullif(total, 0), 3) AS "Progress", total AS "Items",
       completed AS "Completed", needs_human AS "Needs human", failed AS "Failed",
       seconds AS "Seconds", round(finished / nullif(seconds, 0), 1) AS "Items a second",
       CASE WHEN batch_end_time IS NULL THEN round(seconds * (total - finished) / nullif(finished, 0)) END AS "Seconds left"
FROM (
    SELECT batch_id, batch_start_time, batch_end_time, total_indicators AS total, successful_indicators AS completed,
           needs_human_indicators AS needs_human, failed_indicators AS failed,
           successful_indicators + needs_human_indicators + failed_indicators AS finished,
           round(extract(epoch FROM coalesce(batch_end_time, now()) - batch_start_time), 1) AS seconds
    FROM batches
    WHERE pipeline ~ '^(${pipeline:pipe})$' AND (batch_end_time IS NULL OR batch_end_time > now() - interval '1 hour')
) AS recent
ORDER BY batch_end_time IS NULL DESC, batch_start_time DESC
LIMIT 50;

-- name: open_letters
-- Dead letters that nobody has replayed or discarded.
SELECT stage AS "Stage", error_code AS "Reason", count(*) AS "Dead letters", min(failed_at) AS "Oldest",
       max(failed_at) AS "Newest"
FROM dead_letters
WHERE pipeline ~ '^(${pipeline:pipe})$' AND resolution IS NULL
GROUP BY 1, 2
ORDER BY 3 DESC;

-- name: waiting_parts
-- Items that wait in the join, by the parts that they wait for.
SELECT part AS "Waiting for", count(batch_id) AS "Items",
       coalesce(round(extract(epoch FROM now() - min(first_seen_at))), 0) AS "Seconds that the oldest waits"
FROM (VALUES ('item'), ('time'), ('scale'), ('currency'), ('cumulative')) AS parts (part)
LEFT JOIN facet_join ON joined_at IS NULL AND expired_at IS NULL AND CASE part
    WHEN 'item' THEN item IS NULL WHEN 'time' THEN time IS NULL WHEN 'scale' THEN scale IS NULL
    WHEN 'currency' THEN currency IS NULL ELSE cumulative IS NULL END
GROUP BY part
ORDER BY 2 DESC, 1;

-- name: stage_log
-- What a stage did to items, by who answered.
SELECT status AS "Status", coalesce(provider || ' ' || model, provider, '') AS "Answered by", count(*) AS "Items",
       round(avg(processing_time_ms)::numeric, 2) AS "Avg ms", max(attempt) AS "Most attempts",
       sum(tokens_in + tokens_out) AS "Tokens", round(sum(cost_usd)::numeric, 6) AS "Dollars"
FROM stage_log
WHERE stage = '$stage' AND $__timeFilter(created_at)
GROUP BY 1, 2
ORDER BY 3 DESC;

-- name: stage_letters
-- The newest dead letters of a stage.
SELECT failed_at AS "Failed", item_id AS "Item", error_code AS "Reason", left(error_message, 200) AS "Message",
       attempts AS "Attempts", coalesce(resolution, '') AS "Resolution"
FROM dead_letters
WHERE stage ~ '^(${pipeline:pipe})[.]$stage$' AND $__timeFilter(failed_at)
ORDER BY failed_at DESC
LIMIT 50;

-- name: ended_items
-- How items ended, by minute.
SELECT date_trunc('minute', finished_at) AS "Minute", count(*) AS "Items",
       count(*) FILTER (WHERE status = 'completed') AS "Completed",
       count(*) FILTER (WHERE status = 'needs_human') AS "Needs human",
       count(*) FILTER (WHERE status = 'dead_lettered') AS "Failed",
       count(*) FILTER (WHERE moves > 1) AS "Saved by a replay"
FROM batch_items
WHERE $__timeFilter(finished_at)
GROUP BY 1
ORDER BY 1 DESC
LIMIT 60;

-- name: open_batches
-- Batches in work, held up, or not yet announced.
SELECT count(*) FILTER (WHERE batch_end_time IS NULL) AS "Batches in work",
       count(*) FILTER (WHERE batch_end_time IS NULL AND updated_at < now() - interval '10 minutes')
           AS "without progress for 10 minutes",
       count(*) FILTER (WHERE batch_end_time IS NOT NULL AND announced_at IS NULL) AS "Ended, not yet announced",
       max(batch_end_time) AS "Newest end"
FROM batches
WHERE pipeline ~ '^(${pipeline:pipe})$';

-- name: budgets
-- Today's budgets and the total ones.
SELECT scope AS "Scope", period AS "Period", limit_usd AS "Limit", spent_usd AS "Spent", reserved_usd AS "Reserved",
       left_usd AS "Left"
FROM budgets
WHERE period IN ('total', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
ORDER BY scope <> 'all', scope, period;

-- name: calls
-- Calls and what they cost, by question.
SELECT provider AS "Provider", model AS "Model", question AS "Question", sum(calls)::bigint AS "Calls",
       sum(items)::bigint AS "Items", sum(tokens_in)::bigint AS "Tokens in", sum(tokens_out)::bigint AS "Tokens out",
       sum(cost_usd) AS "Dollars", sum(cost_usd) / nullif(sum(items), 0)::float8 * 1000 AS "Dollars for 1,000 items"
FROM llm_usage
WHERE day BETWEEN $__timeFrom()::date AND $__timeTo()::date
GROUP BY 1, 2, 3
ORDER BY 8 DESC;

-- name: reviews
-- How items came out of the reviews.
SELECT coalesce(review_status, 'none') AS "Review", coalesce(provider, '') AS "Provider", count(*) AS "Items",
       round(avg(overall_confidence)::numeric, 3) AS "Avg confidence",
       count(*) FILTER (WHERE final_review_corrections <> '{}') AS "Corrected",
       round(sum(cost_usd)::numeric, 6) AS "Dollars"
FROM classifications
WHERE $__timeFilter(updated_at)
GROUP BY 1, 2
ORDER BY 3 DESC;

-- name: accuracy
-- The share of values that people left as they were, by field.
SELECT field AS "Field", count(*) AS "Decisions",
       count(*) FILTER (WHERE fields ? field AND fields -> field IS DISTINCT FROM before -> field) AS "Corrected",
       round(1 - count(*) FILTER (WHERE fields ? field AND fields -> field IS DISTINCT FROM before -> field)::numeric
             / count(*), 3) AS "Accuracy"
FROM human_reviews CROSS JOIN LATERAL jsonb_object_keys(before) AS field
WHERE superseded_at IS NULL AND $__timeFilter(created_at)
GROUP BY field
ORDER BY 4, 1;
