-- name: measured_calls
-- What calls of the last $1 days really took, by provider, model and question; those that the vendor answered.
SELECT provider, model, question, count(*)::integer AS calls, sum(items)::bigint AS items,
       sum(estimated_tokens)::bigint AS estimated, sum(tokens_in)::bigint AS tokens_in,
       sum(tokens_cached)::bigint AS tokens_cached, sum(tokens_out)::bigint AS tokens_out,
       avg(latency_ms)::float8 / 1000 AS latency
FROM llm_call
WHERE started_at >= now() - make_interval(days => $1::integer) AND tokens_in > 0
GROUP BY provider, model, question;

-- name: calls_since
-- What was called since $1, whoever asked for it.
SELECT count(*)::integer AS calls, coalesce(sum(tokens_in), 0)::bigint AS tokens_in,
       coalesce(sum(tokens_cached), 0)::bigint AS tokens_cached, coalesce(sum(cost_usd), 0)::float8 AS cost_usd,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) / 1000 AS p50_seconds,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) / 1000 AS p95_seconds
FROM llm_call
WHERE started_at >= $1;

-- name: moment
-- What time it is.
SELECT clock_timestamp();
