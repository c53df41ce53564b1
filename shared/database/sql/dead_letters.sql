-- name: record_dead_letters
-- Keep dead letters; one that is there already (same record, stage and attempt) is not kept twice. Returns the new ones'
-- ids.
INSERT INTO dead_letters
    (pipeline, stage, topic, partition, "offset", record_timestamp, attempts, batch_id, item_id, error_class, error_code,
     error_message, failed_at, payload, headers)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::bigint[], $7::integer[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::bytea[], $15::jsonb[])
ON CONFLICT DO NOTHING
RETURNING id;

-- name: dead_letters_by_id
-- Dead letters $1 with payload and headers, for showing and replaying.
SELECT id, pipeline, stage, topic, partition, "offset", record_timestamp, attempts, batch_id, item_id, error_class,
       error_code, error_message, failed_at, replayed_at, resolution, payload, headers
FROM dead_letters
WHERE id = ANY ($1::bigint[])
ORDER BY id;

-- name: resolve_dead_letters
-- Note what became of dead letters $1: $2 ("replayed", "discarded", ...). Returns the ids that were not resolved before.
UPDATE dead_letters SET resolution = $2, replayed_at = CASE WHEN $2 = 'replayed' THEN now() ELSE replayed_at END
WHERE id = ANY ($1::bigint[]) AND resolution IS NULL
RETURNING id;
