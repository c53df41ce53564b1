-- name: merge_facets
-- Put parts where they are missing and return the items that have all five. One row an item and statement;
-- a part that is there stays as it is, so a part that comes again changes nothing.
WITH merged AS (
    INSERT INTO facet_join AS waiting
        (batch_id, indicator_id, partition, trail, item, time, scale, currency, cumulative, joined_at)
    SELECT *, CASE WHEN num_nulls(item, time, scale, currency, cumulative) = 0 THEN now() END
    FROM unnest(
        $1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
        AS part (batch_id, indicator_id, partition, trail, item, time, scale, currency, cumulative)
    ON CONFLICT (batch_id, indicator_id) DO UPDATE SET
        trail = waiting.trail || ',' || excluded.trail,
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
-- Items still incomplete after $1 seconds, $2 at most; another replica's are skipped.
SELECT batch_id, indicator_id, partition, trail, item, time, scale, currency, cumulative,
       extract(epoch FROM first_seen_at)::float8 AS first_seen_at
FROM facet_join
WHERE joined_at IS NULL AND expired_at IS NULL
  AND first_seen_at < now() - make_interval(secs => $1::float8)
ORDER BY first_seen_at
LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: mark_expired
-- Their dead letters are published.
UPDATE facet_join SET expired_at = now()
FROM unnest($1::text[], $2::text[]) AS done(batch_id, indicator_id)
WHERE facet_join.batch_id = done.batch_id AND facet_join.indicator_id = done.indicator_id;
