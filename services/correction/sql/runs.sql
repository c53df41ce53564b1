-- name: open_run
-- Note what was found in a source: run $1, source $2, path $3, decision $4, manifest $5, ids of its slices $6, items that
-- they will give $7. A source that is looked through once more keeps what has become of its slices.
WITH run AS (
    INSERT INTO correction_runs (run_id, source_id, path, decision, manifest, slices, expected)
    VALUES ($1, $2, $3, $4, $5::jsonb, cardinality($6::text[]), $7)
    ON CONFLICT (run_id, source_id) DO UPDATE SET
        decision = excluded.decision, manifest = excluded.manifest, slices = excluded.slices,
        expected = excluded.expected
)
INSERT INTO correction_slices (run_id, slice_id, source_id)
SELECT $1, slice_id, $2 FROM unnest($6::text[]) AS t (slice_id)
ORDER BY slice_id
ON CONFLICT DO NOTHING;

-- name: lock_runs
-- Let nobody else close slices of runs $1 at this moment.
SELECT run_id FROM correction_runs WHERE run_id = ANY ($1::text[]) ORDER BY run_id, source_id FOR UPDATE;

-- name: close_slices
-- Note what slices hold: arrays of run ids $1, slice ids $2, lines $3, records $4, rows $5, invalid lines $6, slices that
-- could not be read $7, skipped lines by reason $8. What was noted of a slice first stays.
UPDATE correction_slices AS slice SET
    lines = given.lines, records = given.records, rows = given.rows, invalid = given.invalid,
    unreadable = given.unreadable, skipped = given.skipped::jsonb, extracted_at = now()
FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
            $8::text[]) AS given (run_id, slice_id, lines, records, rows, invalid, unreadable, skipped)
WHERE slice.run_id = given.run_id AND slice.slice_id = given.slice_id AND slice.extracted_at IS NULL;

-- name: run_totals
-- Of runs $1, those whose slices have all been extracted, with the number of their items: rows, lines that are none, and
-- slices that could not be read.
SELECT run_id, coalesce(sum(rows + invalid + unreadable), 0)::integer AS items
FROM correction_slices
WHERE run_id = ANY ($1::text[])
GROUP BY run_id
HAVING bool_and(extracted_at IS NOT NULL);

-- name: runs
-- The newest runs, $1 at most, of run $2 if it is not null.
SELECT run.run_id, run.source_id, run.path, run.decision, run.slices, run.created_at, run.rolled_back_at,
       count(slice.extracted_at)::integer AS slices_extracted,
       coalesce(sum(slice.lines), 0)::bigint AS lines, coalesce(sum(slice.records), 0)::bigint AS records,
       coalesce(sum(slice.rows), 0)::bigint AS rows, coalesce(sum(slice.invalid), 0)::bigint AS invalid,
       coalesce(sum(slice.unreadable), 0)::bigint AS unreadable,
       (SELECT coalesce(json_object_agg(reason, lines), '{}')
        FROM (SELECT key AS reason, sum(value::integer) AS lines
              FROM correction_slices AS other, jsonb_each_text(coalesce(other.skipped, '{}'))
              WHERE other.run_id = run.run_id AND other.source_id = run.source_id GROUP BY key) AS reasons) AS skipped,
       (SELECT count(*) FROM corrections WHERE corrections.run_id = run.run_id)::integer AS stored,
       batch.total_indicators AS items, batch.successful_indicators AS completed,
       batch.failed_indicators AS dead_lettered, batch.batch_end_time AS ended_at,
       batch.tokens_in, batch.tokens_out, batch.cost_usd
FROM correction_runs AS run
LEFT JOIN correction_slices AS slice USING (run_id, source_id)
LEFT JOIN batches AS batch ON batch.batch_id = run.run_id
WHERE $2::text IS NULL OR run.run_id = $2
GROUP BY run.run_id, run.source_id, batch.id
ORDER BY run.created_at DESC, run.run_id
LIMIT $1;

-- name: manifest
-- The manifest of run $1, of its newest source.
SELECT manifest FROM correction_runs WHERE run_id = $1 ORDER BY created_at DESC LIMIT 1;

-- name: count_stored
-- How many rows say what run $1 gave them.
SELECT count(*)::integer FROM corrections WHERE run_id = $1;

-- name: count_repaired
-- Rows of run $1 that came of lines which had to be repaired: their indexes begin at $2.
SELECT count(*)::integer FROM batch_items
WHERE batch_id = $1 AND status = 'completed' AND split_part(item_id, ':', 3) >= $2::text;

-- name: roll_back
-- Delete the rows that run $1 gave what they say; returns their fingerprints.
DELETE FROM corrections WHERE run_id = $1 RETURNING fingerprint;

-- name: mark_rolled_back
-- Note that the rows of run $1 are gone.
UPDATE correction_runs SET rolled_back_at = now() WHERE run_id = $1;
