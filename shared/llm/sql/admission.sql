-- name: admit
-- Let calls $2 begin, through door $1. See the function.
SELECT llm_admit($1, $2);

-- name: settle
-- Book the ends $2 of calls through door $1, heed signals $3, and switch the provider off if $4 says why. Not durable
-- before `flush`: a commit that waits for the disk would keep every replica from the rows of limits and budgets.
SELECT scope, period, limit_usd, spent_usd, warned
FROM set_config('synchronous_commit', 'off', true), llm_settle($1, $2, $3, $4);

-- name: flush
-- Return when everything that was committed before is on disk: a transaction of its own that locks nothing.
SELECT pg_logical_emit_message(true, 'sluice', '');

-- name: sweep
-- Book calls as lost whose process died; $1: the limits of the budgets. How many, by model and question.
SELECT provider, model, question, calls FROM llm_sweep($1);

-- name: models
-- Every model of which anything is known - or $1 alone - with its limits, its health, its calls in flight and its money.
WITH calls AS (
    SELECT provider || '/' || model AS key,
           count(*) FILTER (WHERE outcome = 'pending' AND deadline > now()) AS in_flight,
           count(*) FILTER (WHERE started_at >= date_trunc('day', now())) AS calls_today,
           coalesce(sum(cost_usd) FILTER (WHERE started_at >= date_trunc('day', now())), 0)::float8 AS spent_today_usd,
           coalesce(sum(cost_usd), 0)::float8 AS spent_total_usd
    FROM llm_call WHERE $1::text IS NULL OR provider || '/' || model = $1 GROUP BY 1
), kept AS (
    SELECT provider || '/' || model AS key, count(*) AS cache_rows, coalesce(sum(hits), 0)::bigint AS cache_hits
    FROM llm_cache WHERE $1::text IS NULL OR provider || '/' || model = $1 GROUP BY 1
), known AS (
    SELECT key FROM llm_bucket WHERE $1::text IS NULL OR key = $1 UNION SELECT key FROM calls UNION SELECT key FROM kept
), rated AS (
    SELECT *, llm_factor(factor, clean_since, now()) AS used FROM llm_bucket
)
SELECT key,
       coalesce(rpm, 0) AS rpm, announced_rpm, llm_rate(rpm, announced_rpm, used) AS effective_rpm,
       coalesce(tpm, 0) AS tpm, announced_tpm, llm_rate(tpm, announced_tpm, used) AS effective_tpm,
       coalesce(used, 1) AS factor,
       CASE WHEN hold_until > now() THEN hold_until END AS held_until,
       CASE WHEN open_until IS NULL THEN 'closed' WHEN open_until > now() THEN 'open' ELSE 'probing' END AS breaker,
       CASE WHEN open_until > now() THEN open_until END AS open_until,
       coalesce((
           SELECT CASE WHEN reason = '' THEN 'off' ELSE 'off: ' || reason END FROM llm_switch
           WHERE state = 'off' AND scope IN ('all', split_part(key, '/', 1), key) ORDER BY length(scope) LIMIT 1
       ), 'on') AS switch,
       coalesce(in_flight, 0) AS in_flight, coalesce(calls_today, 0) AS calls_today,
       coalesce(spent_today_usd, 0) AS spent_today_usd, coalesce(spent_total_usd, 0) AS spent_total_usd,
       coalesce(cache_rows, 0) AS cache_rows, coalesce(cache_hits, 0) AS cache_hits
FROM known LEFT JOIN rated USING (key) LEFT JOIN calls USING (key) LEFT JOIN kept USING (key)
ORDER BY key;

-- name: current_budgets
-- What was spent and promised today and in total, and the limits.
SELECT scope, period, limit_usd, reserved_usd, spent_usd, left_usd, warned_at FROM budgets
WHERE period IN ('total', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD'))
ORDER BY period = 'total', scope <> 'all', scope;

-- name: usage
-- Sums of the ledger over the last $1 days, today included.
SELECT (started_at AT TIME ZONE 'UTC')::date AS day, provider, model, question, outcome,
       count(*) AS calls, sum(items) AS items, sum(tokens_in) AS tokens_in, sum(tokens_cached) AS tokens_cached,
       sum(tokens_out) AS tokens_out, sum(cost_usd)::float8 AS cost_usd
FROM llm_call
WHERE started_at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - make_interval(days => $1 - 1)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 DESC, 2, 3, 4, 5;

-- name: switches
-- Every switch that was ever touched.
SELECT scope, state, reason, changed_at FROM llm_switch ORDER BY scope <> 'all', scope;

-- name: switch_off
-- Switch scope $1 off, with reason $2.
INSERT INTO llm_switch AS s (scope, state, reason) VALUES ($1, 'off', $2)
ON CONFLICT (scope) DO UPDATE SET state = 'off', reason = excluded.reason, changed_at = now();

-- name: switch_on
-- Switch on what scope $1 covers: everything under `all`, every model under a provider. Returns what was off.
UPDATE llm_switch SET state = 'on', reason = '', changed_at = now()
WHERE state = 'off' AND ($1 = 'all' OR scope = $1 OR starts_with(scope, $1 || '/'))
RETURNING scope;
