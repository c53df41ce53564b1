-- name: claim_shard
-- Shard $3 of stage $2 of run $1, if it is to be done and reads what has digest $4. It counts as attempted until it is
-- given back.
UPDATE dedupe_shards AS shard SET attempts = attempts + 1, started_at = clock_timestamp()
FROM dedupe_runs AS run
WHERE run.run_id = $1 AND run.status = 'running'
  AND shard.run_id = $1 AND shard.stage = $2 AND shard.shard = $3
  AND shard.status = 'ready' AND shard.inputs_sha256 = $4
RETURNING shard.inputs, shard.attempts, run.rules, run.shards,
          (SELECT shards FROM dedupe_stages WHERE run_id = $1 AND stage = 'input') AS slices;

-- name: give_back_shard
-- Shard $3 of stage $2 of run $1 was not done for a reason that is not its own.
UPDATE dedupe_shards SET attempts = attempts - 1
WHERE run_id = $1 AND stage = $2 AND shard = $3 AND status = 'ready' AND attempts > 0;

-- name: finish_shard
-- Shard $3 of stage $2 of run $1, which read what has digest $4, has made $5; only the first time. Rows $6, bytes $7,
-- wall and CPU seconds $8 and $9, most memory $10.
UPDATE dedupe_shards
SET status = 'done', outputs = $5, rows = $6, bytes = $7, wall_seconds = $8, cpu_seconds = $9, peak_bytes = $10,
    ended_at = clock_timestamp()
WHERE run_id = $1 AND stage = $2 AND shard = $3 AND status = 'ready' AND inputs_sha256 = $4
RETURNING true;

-- name: count_shard
-- One more shard of stage $2 of run $1 is done. Returns whether that was the last.
UPDATE dedupe_stages
SET done = done + 1, ended_at = CASE WHEN done + 1 = shards THEN clock_timestamp() END
WHERE run_id = $1 AND stage = $2
RETURNING done = shards;

-- name: release_stages
-- Stage $2 of run $1 is complete. Returns the stages that wait for nothing any more.
UPDATE dedupe_stages SET waits = waits - 1
WHERE run_id = $1 AND $2 = ANY (needs)
RETURNING CASE WHEN waits = 0 THEN stage END AS stage;

-- name: stages_to_announce
-- Those of stages $2 of run $1 (null: all) that wait for nothing and are not complete, in order.
UPDATE dedupe_stages SET started_at = coalesce(started_at, clock_timestamp())
WHERE run_id = $1 AND waits = 0 AND done < shards AND ($2::text[] IS NULL OR stage = ANY ($2))
RETURNING stage, shards, reads, needs, position;

-- name: outputs_of_stages
-- What the shards of stages $2 of run $1 have made, in order.
SELECT stage, shard, status, outputs FROM dedupe_shards
WHERE run_id = $1 AND stage = ANY ($2)
ORDER BY stage, shard;

-- name: announce_shards
-- Shards $3 of stage $2 of run $1 can be worked on: they read $4 (JSON), which has digests $5. Returns those to do.
UPDATE dedupe_shards AS shard SET status = 'ready', inputs = t.inputs, inputs_sha256 = t.digest, attempts = 0
FROM unnest($3::integer[], $4::jsonb[], $5::text[]) AS t (number, inputs, digest)
WHERE run_id = $1 AND stage = $2 AND shard.shard = t.number AND status <> 'done'
RETURNING shard.shard;

-- name: reset_shards
-- Shards $3 of stages $2 of run $1 have to be done (again): one stage a shard.
UPDATE dedupe_shards AS shard
SET status = 'pending', outputs = '[]', inputs = NULL, inputs_sha256 = NULL, attempts = 0, rows = 0, bytes = 0,
    ended_at = NULL
FROM unnest($2::text[], $3::integer[]) AS t (stage, number)
WHERE shard.run_id = $1 AND shard.stage = t.stage AND shard.shard = t.number;

-- name: recount_stages
-- Count anew what is done of each stage of run $1.
UPDATE dedupe_stages AS stage
SET done = counted.done,
    started_at = CASE WHEN counted.done > 0 THEN started_at END,
    ended_at = CASE WHEN counted.done = shards THEN ended_at END
FROM (
    SELECT stage, count(*) FILTER (WHERE status = 'done') AS done FROM dedupe_shards WHERE run_id = $1 GROUP BY stage
) AS counted
WHERE stage.run_id = $1 AND stage.stage = counted.stage;

-- name: recount_waits
-- Count anew what each stage of run $1 waits for.
UPDATE dedupe_stages AS stage
SET waits = (
    SELECT count(*) FROM dedupe_stages AS other
    WHERE other.run_id = $1 AND other.stage = ANY (stage.needs) AND other.done < other.shards)
WHERE run_id = $1;

-- name: done_shards
-- Everything that done shards of run $1 have made.
SELECT stage, shard, outputs FROM dedupe_shards WHERE run_id = $1 AND status = 'done' ORDER BY stage, shard;

-- name: give_shards
-- Shards $3 of stages $2 of run $1 are there from the start: one stage and one list of outputs $4 (JSON) a shard.
UPDATE dedupe_shards AS shard SET status = 'done', outputs = t.outputs
FROM unnest($2::text[], $3::integer[], $4::jsonb[]) AS t (stage, number, outputs)
WHERE shard.run_id = $1 AND shard.stage = t.stage AND shard.shard = t.number;
