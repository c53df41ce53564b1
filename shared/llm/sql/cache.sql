-- name: cached_answers
-- Answers that some replica has had before, by key.
SELECT key, value FROM llm_cache WHERE key = ANY($1::bytea[]);

-- name: keep_answers
-- Store answers, and give up the claims on them: in the order of the keys, as everywhere here. One that is there already
-- was of no use, or nobody would have asked.
WITH given AS (
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::integer[], $4::integer[], $5::double precision[])
        AS g (key, value, tokens_in, tokens_out, cost_usd)
), freed AS (
    DELETE FROM llm_claim WHERE key IN (SELECT key FROM llm_claim JOIN given USING (key) ORDER BY key FOR UPDATE OF llm_claim)
)
INSERT INTO llm_cache (key, value, tokens_in, tokens_out, cost_usd, question, provider, model)
SELECT key, value, tokens_in, tokens_out, cost_usd, $6, $7, $8 FROM given ORDER BY key
ON CONFLICT (key) DO UPDATE SET value = excluded.value, tokens_in = excluded.tokens_in,
    tokens_out = excluded.tokens_out, cost_usd = excluded.cost_usd, created_at = now();

-- name: claim_keys
-- Take what nobody is asking about at this moment, and return it. In the order of the keys, so that two replicas that
-- claim the same ones wait for each other instead of locking each other out.
INSERT INTO llm_claim (key, owner, expires_at)
SELECT key, $2, now() + make_interval(secs => $3) FROM unnest($1::bytea[]) AS wanted (key) ORDER BY key
ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
WHERE llm_claim.expires_at < now() OR llm_claim.owner = excluded.owner
RETURNING key;

-- name: extend_claims
-- Say that we are still at it. What is being answered or freed at this moment is left alone.
UPDATE llm_claim SET expires_at = now() + make_interval(secs => $3)
WHERE key IN (SELECT key FROM llm_claim WHERE key = ANY($2::bytea[]) AND owner = $1 FOR UPDATE SKIP LOCKED);

-- name: free_claims
-- Let others ask about these.
DELETE FROM llm_claim
WHERE key IN (SELECT key FROM llm_claim WHERE key = ANY($1::bytea[]) AND owner = $2 ORDER BY key FOR UPDATE);

-- name: free_all_claims
-- Let others ask about everything we have claimed.
DELETE FROM llm_claim WHERE owner = $1;

-- name: count_hits
-- Add to the number of times each answer was used again.
UPDATE llm_cache SET hits = llm_cache.hits + given.hits
FROM unnest($1::bytea[], $2::integer[]) AS given (key, hits) WHERE llm_cache.key = given.key;
