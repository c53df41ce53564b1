-- name: additions
-- What was added to run $1 behind number $2, in order.
SELECT id, account_id, account_name, spelling, group_id, is_new, reason, score, path, edge, added_at
FROM dedupe_additions WHERE run_id = $1 AND id > $2 ORDER BY id;

-- name: add_records
-- Add to run $1 accounts $2 with names $3 and spellings $4 to groups $5, which they begin or not $6, because of $7 and
-- scores $8, by paths $9 and edges $10 (JSON). Returns their numbers.
INSERT INTO dedupe_additions
    (run_id, account_id, account_name, spelling, group_id, is_new, reason, score, path, edge)
SELECT $1, account_id, account_name, spelling, group_id, is_new, reason, score, path, edge
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::smallint[], $9::jsonb[],
            $10::jsonb[]) WITH ORDINALITY
    AS t (account_id, account_name, spelling, group_id, is_new, reason, score, path, edge, position)
ORDER BY position
RETURNING id;

-- name: forget_additions
-- Nothing was added to run $1.
DELETE FROM dedupe_additions WHERE run_id = $1;
