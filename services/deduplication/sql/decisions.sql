-- name: overrides
-- What people have decided about accounts.
SELECT account_id, disposition, reason, decided_by, decided_at FROM dedupe_overrides ORDER BY account_id;

-- name: overrides_of
-- What people have decided about accounts $1.
SELECT account_id, disposition, reason, decided_by, decided_at FROM dedupe_overrides WHERE account_id = ANY ($1::text[]);

-- name: set_overrides
-- Accounts $1 are to be $2 because of $3, as $4 has decided; the last decision about an account holds.
INSERT INTO dedupe_overrides (account_id, disposition, reason, decided_by)
SELECT account_id, disposition, reason, $4 FROM unnest($1::text[], $2::text[], $3::text[])
    AS t (account_id, disposition, reason)
ON CONFLICT (account_id) DO UPDATE SET
    disposition = excluded.disposition, reason = excluded.reason, decided_by = excluded.decided_by, decided_at = now();

-- name: remove_overrides
-- Nothing is decided about accounts $1 any more.
DELETE FROM dedupe_overrides WHERE account_id = ANY ($1::text[]) RETURNING account_id;

-- name: blacklist
-- Terms that no name of an account may hold.
SELECT term, added_by, added_at FROM dedupe_blacklist ORDER BY term;

-- name: add_terms
-- Terms $1 are on the blacklist, put there by $2.
INSERT INTO dedupe_blacklist (term, added_by) SELECT term, $2 FROM unnest($1::text[]) AS t (term)
ON CONFLICT (term) DO NOTHING;

-- name: remove_terms
-- Terms $1 are not on the blacklist any more.
DELETE FROM dedupe_blacklist WHERE term = ANY ($1::text[]) RETURNING term;
