-- name: open_batch
-- Open batch $1 or return it as it is. A known idempotency key returns the batch that has it. A rolling batch that is
-- opened with a total becomes a declared one. No row: somebody else opened it during this statement; ask again.
WITH opened AS (
    INSERT INTO batches
        (batch_id, pipeline, declared, total_indicators, provider, model, trace_id, idempotency_key)
    VALUES ($1, $2, $3::integer IS NOT NULL, coalesce($3::integer, 0), $4, $5, $6, $7)
    ON CONFLICT DO NOTHING
    RETURNING *
), declared_now AS (
    UPDATE batches SET
        declared = true,
        total_indicators = $3::integer,
        provider = $4,
        model = coalesce(nullif($5, ''), model),
        trace_id = $6,
        idempotency_key = coalesce(idempotency_key, $7),
        batch_end_time = CASE
            WHEN successful_indicators + failed_indicators + needs_human_indicators >= $3::integer
            THEN coalesce(batch_end_time, now()) END
    WHERE batch_id = $1 AND NOT declared AND $3::integer IS NOT NULL
    RETURNING *
), known AS (
    SELECT * FROM batches
    WHERE (idempotency_key = $7 OR batch_id = $1) AND NOT EXISTS (SELECT FROM declared_now)
    ORDER BY idempotency_key = $7 DESC NULLS LAST
    LIMIT 1
)
SELECT *, true AS opened FROM opened
UNION ALL SELECT *, false FROM declared_now
UNION ALL SELECT *, false FROM known
LIMIT 1;

-- name: open_rolling
-- Open rolling batches $2 of pipeline $1, in order, so that two replicas that do so never wait for each other in a circle.
INSERT INTO batches (batch_id, pipeline, declared)
SELECT batch_id, $1, false FROM unnest($2::text[]) AS t (batch_id) ORDER BY batch_id
ON CONFLICT DO NOTHING;

-- name: register_items
-- Note items as submitted: arrays of batch ids $1, item ids $2, payloads $3, positions $4. Items that are there already
-- stay as they are; the total of a rolling batch grows by those that are new. To a declared batch only its opener ($5)
-- adds items. Returns how many are new, the places in the arrays (from 1) of those that are there with another payload,
-- and of those that are not there, or not to be seen yet by this statement. If some batches do not exist, returns these
-- and does nothing. Batch rows are locked first and in order, as finish_items does.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[]) WITH ORDINALITY
        AS t (batch_id, item_id, payload, position, place)
), missing AS MATERIALIZED (
    SELECT DISTINCT batch_id FROM given
    WHERE NOT EXISTS (SELECT FROM batches WHERE batches.batch_id = given.batch_id)
), locked AS MATERIALIZED (
    SELECT batch_id, declared FROM batches
    WHERE batch_id IN (SELECT batch_id FROM given) AND NOT EXISTS (SELECT FROM missing)
    ORDER BY batch_id FOR UPDATE
), registered AS (
    INSERT INTO batch_items (batch_id, item_id, payload, position)
    SELECT batch_id, item_id, payload, position FROM given JOIN locked USING (batch_id)
    WHERE $5::boolean OR NOT declared
    ORDER BY batch_id, item_id, place
    ON CONFLICT DO NOTHING
    RETURNING batch_id, item_id, payload
), compared AS MATERIALIZED (
    SELECT given.place, coalesce(known.item_id, new.item_id) IS NULL AS unseen,
           coalesce(known.payload, new.payload) <> given.payload AS differs
    FROM given
    LEFT JOIN registered AS new USING (batch_id, item_id)
    LEFT JOIN batch_items AS known USING (batch_id, item_id)
    WHERE EXISTS (SELECT FROM locked)
), fresh AS (
    SELECT batch_id, count(*)::integer AS items FROM registered GROUP BY batch_id
), credited AS (
    UPDATE batches SET total_indicators = total_indicators + items, updated_at = clock_timestamp()
    FROM fresh
    WHERE batches.batch_id = fresh.batch_id AND NOT declared
)
SELECT (SELECT coalesce(array_agg(batch_id), '{}') FROM missing) AS missing,
       (SELECT coalesce(sum(items), 0)::integer FROM fresh) AS fresh,
       (SELECT coalesce(array_agg(place::integer), '{}') FROM compared WHERE differs) AS differing,
       (SELECT coalesce(array_agg(place::integer), '{}') FROM compared WHERE unseen) AS unseen;

-- name: finish_items
-- Give items their final status, each once, and credit their batches. Arrays: $1 batch ids, $2 item ids, $3 statuses,
-- $4 errors, $5 confidences, $6 durations, $7 costs, $8 tokens in, $9 tokens out, $10 providers, $11 models. An item that is final already does not
-- move, except from dead_lettered to another status. Returns the positions in the arrays (from 1) of the items that
-- moved, and the batches that this very statement finished. If some batches do not exist, returns these and does nothing.
--
-- Why this is exact while others do the same: the batch rows are locked first, in order, so two statements on one batch
-- follow each other and none waits for another in a circle; an UPDATE that waited tests its condition again on the
-- newest version of the row; an item this statement cannot see yet meets the primary key. The ticket tells which
-- statement finished a batch.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::real[], $6::real[], $7::float8[],
                         $8::integer[], $9::integer[], $10::text[], $11::text[]) WITH ORDINALITY
        AS t (batch_id, item_id, status, error, confidence, duration_ms, cost_usd, tokens_in, tokens_out,
              provider, model, place)
), missing AS MATERIALIZED (
    SELECT DISTINCT batch_id FROM given
    WHERE NOT EXISTS (SELECT FROM batches WHERE batches.batch_id = given.batch_id)
), ticket AS MATERIALIZED (
    SELECT nextval('finish_tickets') AS number
), locked AS MATERIALIZED (
    SELECT batch_id FROM batches
    WHERE batch_id IN (SELECT batch_id FROM given) AND NOT EXISTS (SELECT FROM missing)
    ORDER BY batch_id FOR UPDATE
), moved AS (
    UPDATE batch_items AS item SET
        status = given.status, moves = item.moves + 1, error = given.error, confidence = given.confidence,
        duration_ms = given.duration_ms, cost_usd = given.cost_usd, tokens_in = given.tokens_in,
        tokens_out = given.tokens_out, finished_at = now()
    FROM given
    WHERE (SELECT count(*) FROM locked) > 0
      AND item.batch_id = given.batch_id AND item.item_id = given.item_id
      AND (item.status = 'pending' OR item.status = 'dead_lettered' AND given.status <> 'dead_lettered')
    RETURNING given.place, item.moves, false AS unregistered
), added AS (
    INSERT INTO batch_items AS item
        (batch_id, item_id, status, moves, error, confidence, duration_ms, cost_usd, tokens_in, tokens_out, finished_at)
    SELECT batch_id, item_id, status, 1, error, confidence, duration_ms, cost_usd, tokens_in, tokens_out, now()
    FROM given
    WHERE (SELECT count(*) FROM locked) > 0
      AND NOT EXISTS (SELECT FROM batch_items AS seen
                      WHERE seen.batch_id = given.batch_id AND seen.item_id = given.item_id)
    ORDER BY batch_id, item_id
    ON CONFLICT (batch_id, item_id) DO UPDATE SET
        status = excluded.status, moves = item.moves + 1, error = excluded.error, confidence = excluded.confidence,
        duration_ms = excluded.duration_ms, cost_usd = excluded.cost_usd, tokens_in = excluded.tokens_in,
        tokens_out = excluded.tokens_out, finished_at = now()
    WHERE item.status = 'pending' OR item.status = 'dead_lettered' AND excluded.status <> 'dead_lettered'
    RETURNING batch_id, item_id, moves, payload IS NULL AND moves = 1 AS unregistered
), changed AS MATERIALIZED (
    SELECT place, moves, unregistered FROM moved
    UNION ALL
    SELECT given.place, added.moves, added.unregistered FROM added JOIN given USING (batch_id, item_id)
), gains AS (
    SELECT given.batch_id,
           count(*) FILTER (WHERE given.status = 'completed') AS completed,
           count(*) FILTER (WHERE given.status = 'needs_human') AS needs_human,
           count(*) FILTER (WHERE given.status = 'dead_lettered') - count(*) FILTER (WHERE changed.moves > 1)
               AS dead_lettered,
           count(*) FILTER (WHERE changed.moves = 1) AS newly_final,
           count(*) FILTER (WHERE changed.unregistered) AS unregistered,
           count(given.confidence) AS confidences,
           coalesce(sum(given.confidence::float8), 0) AS confidence,
           coalesce(sum(given.duration_ms::float8), 0) AS processing_ms,
           coalesce(sum(given.cost_usd), 0) AS cost_usd,
           coalesce(sum(given.tokens_in), 0) AS tokens_in,
           coalesce(sum(given.tokens_out), 0) AS tokens_out,
           max(given.place) FILTER (WHERE given.model <> '') AS answered
    FROM changed JOIN given USING (place)
    GROUP BY given.batch_id
), credited AS (
    UPDATE batches AS batch SET
        total_indicators = batch.total_indicators + CASE WHEN batch.declared THEN 0 ELSE gains.unregistered END,
        successful_indicators = batch.successful_indicators + gains.completed,
        needs_human_indicators = batch.needs_human_indicators + gains.needs_human,
        failed_indicators = batch.failed_indicators + gains.dead_lettered,
        confidence_count = batch.confidence_count + gains.confidences,
        confidence_sum = batch.confidence_sum + gains.confidence,
        processing_ms = batch.processing_ms + gains.processing_ms,
        cost_usd = batch.cost_usd + gains.cost_usd,
        tokens_in = batch.tokens_in + gains.tokens_in,
        tokens_out = batch.tokens_out + gains.tokens_out,
        model = coalesce(answer.model, batch.model),
        item_provider = coalesce(answer.provider, batch.item_provider),
        total_duration_ms = extract(epoch FROM clock_timestamp() - batch.batch_start_time) * 1000,
        updated_at = clock_timestamp(),
        (batch_end_time, finish_ticket) = (
            SELECT CASE WHEN finishes THEN clock_timestamp() ELSE batch.batch_end_time END,
                   CASE WHEN finishes THEN ticket.number ELSE batch.finish_ticket END
            FROM (SELECT batch.batch_end_time IS NULL
                     AND (batch.declared OR batch.closed_at IS NOT NULL)
                     AND batch.successful_indicators + batch.needs_human_indicators + batch.failed_indicators
                         + gains.newly_final
                      >= batch.total_indicators
                         + CASE WHEN batch.declared THEN 0 ELSE gains.unregistered END AS finishes) AS verdict)
    FROM gains LEFT JOIN given AS answer ON answer.place = gains.answered, ticket
    WHERE batch.batch_id = gains.batch_id
    RETURNING batch.*, batch.finish_ticket IS NOT DISTINCT FROM ticket.number AS finished
)
SELECT (SELECT coalesce(array_agg(batch_id), '{}') FROM missing) AS missing,
       (SELECT coalesce(array_agg(place::integer), '{}') FROM changed) AS moved,
       (SELECT json_agg(json_build_object(
            'batch_id', batch_id, 'pipeline', pipeline, 'total', total_indicators,
            'completed', successful_indicators, 'needs_human', needs_human_indicators,
            'dead_lettered', failed_indicators, 'duration_ms', total_duration_ms, 'cost_usd', cost_usd))
        FROM credited WHERE finished) AS finished;

-- name: settle_items
-- Complete items $1 in every batch in which they wait for a person; each moves once. Returns the batches and items that
-- moved. Batch rows are locked first and in order, as finish_items does; a batch keeps its end, for it was done already.
WITH waiting AS MATERIALIZED (
    SELECT item.batch_id, item.item_id
    FROM batches, LATERAL (
        SELECT batch_id, item_id FROM batch_items
        WHERE batch_items.batch_id = batches.batch_id AND batch_items.item_id = ANY ($1::text[])
          AND status = 'needs_human' OFFSET 0
    ) AS item
    WHERE batches.needs_human_indicators > 0
), locked AS MATERIALIZED (
    SELECT batch_id FROM batches WHERE batch_id IN (SELECT batch_id FROM waiting) ORDER BY batch_id FOR UPDATE
), moved AS (
    UPDATE batch_items AS item SET status = 'completed', moves = item.moves + 1, error = NULL
    FROM waiting
    WHERE (SELECT count(*) FROM locked) > 0
      AND item.batch_id = waiting.batch_id AND item.item_id = waiting.item_id AND item.status = 'needs_human'
    RETURNING item.batch_id, item.item_id
), credited AS (
    UPDATE batches AS batch SET
        successful_indicators = batch.successful_indicators + gain.items,
        needs_human_indicators = batch.needs_human_indicators - gain.items,
        updated_at = clock_timestamp()
    FROM (SELECT batch_id, count(*)::integer AS items FROM moved GROUP BY batch_id) AS gain
    WHERE batch.batch_id = gain.batch_id
)
SELECT batch_id, item_id FROM moved ORDER BY batch_id, item_id;

-- name: close_rolling
-- Close the rolling batches that nothing has been added to or finished in for $1 seconds; returns those that are
-- complete, and so finished by this. The others finish with their last item.
WITH closed AS (
    UPDATE batches SET
        closed_at = now(),
        batch_end_time = CASE
            WHEN successful_indicators + failed_indicators + needs_human_indicators >= total_indicators
            THEN updated_at END
    WHERE NOT declared AND closed_at IS NULL AND updated_at <= now() - make_interval(secs => $1::float8)
    RETURNING *
)
SELECT batch_id, pipeline, total_indicators AS total, successful_indicators AS completed,
       needs_human_indicators AS needs_human, failed_indicators AS dead_lettered,
       coalesce(total_duration_ms, 0) AS duration_ms, cost_usd
FROM closed
WHERE batch_end_time IS NOT NULL
ORDER BY batch_id;

-- name: batch
-- One batch.
SELECT * FROM batches WHERE batch_id = $1;

-- name: batches_by_id
-- Batches $1, those of them that exist.
SELECT * FROM batches WHERE batch_id = ANY ($1::text[]);

-- name: batches
-- The newest batches, $1 at most, of pipeline $2 if it is not null.
SELECT * FROM batches
WHERE $2::text IS NULL OR pipeline = $2
ORDER BY batch_start_time DESC, id DESC
LIMIT $1;

-- name: items
-- Items of batch $1 in the order of submission, $3 at most after the first $2.
SELECT item_id, batch_id, position, status, error, confidence, duration_ms, cost_usd, tokens_in, tokens_out,
       created_at, finished_at, payload
FROM batch_items
WHERE batch_id = $1
ORDER BY position NULLS LAST, item_id
OFFSET $2 LIMIT $3;

-- name: pending_items
-- Items of batch $1 that have no final status yet, in the order of submission.
SELECT item_id, batch_id, position, status, error, confidence, duration_ms, cost_usd, tokens_in, tokens_out,
       created_at, finished_at, payload
FROM batch_items
WHERE batch_id = $1 AND status = 'pending'
ORDER BY position NULLS LAST, item_id;

-- name: open_batches
-- Batches that are not finished, the oldest first.
SELECT * FROM batches WHERE batch_end_time IS NULL ORDER BY batch_start_time, id;
