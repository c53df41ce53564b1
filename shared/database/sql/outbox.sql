-- name: add_to_outbox
-- Messages to publish once this transaction has been committed: topics $1, keys $2, payloads $3, headers $4 (JSON).
INSERT INTO outbox (topic, key, payload, headers)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[]);

-- name: waiting_in_outbox
-- Messages for topics $1 that are not published yet, $2 at most, the oldest first; those in the hands of another replica
-- are skipped.
SELECT id, topic, key, payload, headers FROM outbox
WHERE topic = ANY ($1::text[])
ORDER BY id
LIMIT $2
FOR UPDATE SKIP LOCKED;

-- name: remove_from_outbox
-- Messages $1 are published.
DELETE FROM outbox WHERE id = ANY ($1::bigint[]);
