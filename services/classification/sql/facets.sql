-- name: merge_facets
-- Put parts where they are missing and return the items that have all five. One row an item and statement;
-- a part that is there stays as it is, so a part that comes again changes nothing, and the trail grows with new ones only.
WITH merged AS (
    INSERT INTO facet_join AS waiting
        (batch_id, indicator_id, partition, headers, trail, item, time, scale, currency, cumulative, joined_at)
    SELECT *, CASE WHEN num_nulls(item, time, scale, currency, cumulative) = 0 THEN now() END
    FROM unnest(
        $1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[])
        AS part (batch_id, indicator_id, partition, headers, trail, item, time, scale, currency, cumulative)
    ON CONFLICT (batch_id, indicator_id) DO UPDATE SET
        trail = CASE WHEN waiting.item IS NULL AND excluded.item IS NOT NULL
                       OR waiting.time IS NULL AND excluded.time IS NOT NULL
                       OR waiting.scale IS NULL AND excluded.scale IS NOT NULL
                       OR waiting.currency IS NULL AND excluded.currency IS NOT NULL
                       OR waiting.cumulative IS NULL AND excluded.cumulative IS NOT NULL
                     THEN waiting.trail || ',' || excluded.trail ELSE waiting.trail END,
        item = coalesce(waiting.item, excluded.item),
        time = coalesce(waiting.time, excluded.time),
        scale = coalesce(waiting.scale, excluded.scale),
        currency = coalesce(waiting.currency, excluded.currency),
        cumulative = coalesce(waiting.cumulative, excluded.cumulative),
        joined_at = CASE WHEN coalesce(waiting.item, excluded.item) IS NOT NULL
                          AND coalesce(waiting.time, excluded.time) IS NOT NULL
                          AND coalesce(waiting.scale, excluded.scale) IS NOT NULL
                          AND coalesce(waiting.currency, excluded.currency) IS NOT NULL
                          AND coalesce(waiting.cumulative, excluded.cumulative) IS NOT NULL
                     THEN coalesce(waiting.joined_at, now()) END
    RETURNING batch_id, indicator_id, trail, item, time, scale, currency, cumulative
)
SELECT * FROM merged
WHERE item IS NOT NULL AND time IS NOT NULL AND scale IS NOT NULL
  AND currency IS NOT NULL AND cumulative IS NOT NULL;

-- name: expired_facets
-- Items still incomplete after $1 seconds, or after $4 where one of the parts $3 is missing; $2 at most. Another
-- replica's are skipped.
SELECT batch_id, indicator_id, partition, headers, trail, item, time, scale, currency, cumulative,
       extract(epoch FROM first_seen_at)::float8 AS first_seen_at
FROM facet_join
WHERE joined_at IS NULL AND expired_at IS NULL
  AND first_seen_at < now() - make_interval(secs => $1::float8)
  AND (first_seen_at < now() - make_interval(secs => $4::float8)
       OR NOT (time IS NULL AND 'time' = ANY($3::text[]) OR scale IS NULL AND 'scale' = ANY($3)
               OR currency IS NULL AND 'currency' = ANY($3)))
ORDER BY first_seen_at
LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: mark_expired
-- Their dead letters are published.
UPDATE facet_join SET expired_at = now()
FROM unnest($1::text[], $2::text[]) AS done(batch_id, indicator_id)
WHERE facet_join.batch_id = done.batch_id AND facet_join.indicator_id = done.indicator_id;

-- name: forget_facets
-- Delete the parts of items that were joined or expired more than $1 days ago, $2 items at most; another's are skipped.
DELETE FROM facet_join
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM facet_join
    WHERE greatest(joined_at, expired_at) < now() - make_interval(days => $1::integer)
    LIMIT $2
    FOR UPDATE SKIP LOCKED))
RETURNING 1;
