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
-- What was called since $1 at the latest until now, by provider and model: whoever asked for it.
SELECT provider, model, count(*)::integer AS calls,
       count(*) FILTER (WHERE tokens_in = 0)::integer AS failed, sum(tokens_in)::bigint AS tokens_in,
       sum(tokens_cached)::bigint AS tokens_cached, sum(tokens_out)::bigint AS tokens_out,
       sum(cost_usd)::float8 AS cost_usd
FROM llm_call
WHERE started_at >= $1
GROUP BY provider, model
ORDER BY provider, model;
