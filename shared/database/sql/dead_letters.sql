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
       error_code, error_message, failed_at, replayed_at, resolution, payload, headers,
       replayed_payload
FROM dead_letters
WHERE id = ANY ($1::bigint[])
ORDER BY id;

-- name: resolve_dead_letters
-- Note what became of dead letters $1: $2 ("replayed", "discarded", ...). Returns the ids that were not resolved before.
UPDATE dead_letters SET resolution = $2, replayed_at = CASE WHEN $2 = 'replayed' THEN now() ELSE replayed_at END
WHERE id = ANY ($1::bigint[]) AND resolution IS NULL
RETURNING id;

-- name: resolve_batch
-- Note what became of the dead letters of batch $1 that were not resolved before: $2.
UPDATE dead_letters SET resolution = $2 WHERE batch_id = $1 AND resolution IS NULL;

-- name: note_edits
-- Before they are published: note what unresolved dead letters $1 will be replayed with, $2 (null: as they were).
UPDATE dead_letters SET replayed_payload = given.payload
FROM unnest($1::bigint[], $2::bytea[]) AS given (id, payload)
WHERE dead_letters.id = given.id AND resolution IS NULL AND replayed_payload IS DISTINCT FROM given.payload;

-- name: purge_dead_letters
-- Remove dead letters $1 and return the ids of those that were there. The ledger is not touched: their items stay as
-- they are, and so do the counts of their batches.
DELETE FROM dead_letters WHERE id = ANY ($1::bigint[]) RETURNING id;
