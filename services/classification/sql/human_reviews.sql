-- name: standing_reviews
-- The human decisions that stand about indicators $1, with the nine values that they settle.
SELECT id, indicator_id, decision, fields, before || fields AS values, name, units, reviewer, reason, created_at
FROM human_reviews
WHERE indicator_id = ANY ($1::text[]) AND superseded_at IS NULL;

-- name: row_to_decide
-- The classification of indicator $1 as the rules look at it, locked until the transaction ends.
SELECT row.indicator_id, row.name, coalesce(row.original_units, '') AS units, coalesce(row.source_scale, '') AS source_scale,
       coalesce(row.source_currency_code, '') AS source_currency_code, row.batch_id,
       row.time_basis, row.reporting_frequency, row.scale, row.is_currency_denominated, row.detected_currency,
       row.family, row.indicator_type, row.temporal_aggregation, row.heat_map_orientation,
       row.parsing_confidence, row.time_confidence, row.scale_confidence, row.currency_confidence,
       row.family_confidence, row.type_confidence, row.boolean_review_confidence, row.overall_confidence,
       row.cumulative_pattern_type, row.cumulative_confidence, row.review_status,
       (SELECT coalesce(payload::json ->> 'description', payload::json ->> 'definition', '') FROM batch_items AS item
        WHERE item.batch_id = row.batch_id AND item.item_id = row.indicator_id) AS description
FROM classifications AS row
WHERE row.indicator_id = $1
FOR UPDATE OF row;

-- name: supersede_reviews
-- The decision that stood about indicator $1 stands no longer.
UPDATE human_reviews SET superseded_at = now() WHERE indicator_id = $1 AND superseded_at IS NULL;

-- name: record_review
-- Keep a decision; returns its id.
INSERT INTO human_reviews (indicator_id, decision, fields, before, name, units, reviewer, reason, batch_id)
VALUES ($1, $2, $3::jsonb, $4::jsonb, $5, $6, $7, $8, $9)
RETURNING id;

-- name: write_review
-- Write decision $2 into the classification of indicator $1: review status $3, verdict $4, replaced fields $5, why $6,
-- overall confidence $7, parts with replaced values $8, the nine values $9 to $17.
UPDATE classifications SET
    human_review_id = $2, review_status = $3, final_review_status = $4, final_review_corrections = $5::jsonb,
    final_review_reason = $6, final_review_confidence = 1, overall_confidence = $7,
    time_confidence = CASE WHEN 'time' = ANY ($8::text[]) THEN 1 ELSE time_confidence END,
    time_reasoning = CASE WHEN 'time' = ANY ($8) THEN $6 ELSE time_reasoning END,
    scale_confidence = CASE WHEN 'scale' = ANY ($8) THEN 1 ELSE scale_confidence END,
    scale_reasoning = CASE WHEN 'scale' = ANY ($8) THEN $6 ELSE scale_reasoning END,
    currency_confidence = CASE WHEN 'currency' = ANY ($8) THEN 1 ELSE currency_confidence END,
    currency_reasoning = CASE WHEN 'currency' = ANY ($8) THEN $6 ELSE currency_reasoning END,
    family_confidence = CASE WHEN 'family' = ANY ($8) THEN 1 ELSE family_confidence END,
    family_reasoning = CASE WHEN 'family' = ANY ($8) THEN $6 ELSE family_reasoning END,
    type_confidence = CASE WHEN 'type' = ANY ($8) THEN 1 ELSE type_confidence END,
    type_reasoning = CASE WHEN 'type' = ANY ($8) THEN $6 ELSE type_reasoning END,
    time_basis = $9, reporting_frequency = $10, scale = $11, is_currency_denominated = $12, detected_currency = $13,
    family = $14, indicator_type = $15, temporal_aggregation = $16, heat_map_orientation = $17,
    updated_at = now()
WHERE indicator_id = $1;

-- name: review_queue
-- Classifications that wait for a person, those below confidence $1 and those whose review failed if $2: the least
-- certain first, $3 at most; only those of batch $4, with an objection to field $5, with $6 in the reason, where not null.
SELECT row.indicator_id, row.name, coalesce(row.original_units, '') AS units, row.review_status,
       row.overall_confidence::float8, row.family, row.indicator_type, row.temporal_aggregation,
       row.heat_map_orientation, row.time_basis, row.reporting_frequency, row.scale, row.is_currency_denominated,
       row.detected_currency, coalesce(row.boolean_review_fields_wrong, '[]') AS contested,
       coalesce(row.final_review_reason, row.boolean_review_reason) AS why, row.batch_id, row.updated_at
FROM classifications AS row
WHERE (row.review_status = 'needs_human'
       OR row.overall_confidence < $1::float8 AND row.human_review_id IS NULL
       OR row.review_status = 'failed' AND $2::boolean)
  AND ($4::text IS NULL OR EXISTS (SELECT FROM batch_items AS item
                                   WHERE item.batch_id = $4 AND item.item_id = row.indicator_id))
  AND ($5::text IS NULL OR row.boolean_review_fields_wrong ? $5)
  AND ($6::text IS NULL
       OR position(lower($6) IN lower(coalesce(row.final_review_reason, row.boolean_review_reason, ''))) > 0)
ORDER BY row.overall_confidence NULLS FIRST, row.indicator_id
LIMIT $3;

-- name: row_in_full
-- Everything about the classification of indicator $1, and the record as it was submitted.
SELECT row.*, coalesce(row.original_units, '') AS units, item.payload,
       coalesce(item.payload::json ->> 'description', item.payload::json ->> 'definition', '') AS description
FROM classifications AS row
LEFT JOIN batch_items AS item ON item.batch_id = row.batch_id AND item.item_id = row.indicator_id
WHERE row.indicator_id = $1;

-- name: review_history
-- Every human decision about indicator $1, the oldest first.
SELECT id, decision, fields, before, name, units, reviewer, reason, batch_id, created_at, superseded_at
FROM human_reviews
WHERE indicator_id = $1
ORDER BY id;

-- name: reviewed_records
-- The decisions that stand with the records that people saw: $2 at most after id $1, in the order of their ids.
SELECT review.id, review.indicator_id, review.name, review.units, review.before || review.fields AS values, item.payload
FROM human_reviews AS review
LEFT JOIN batch_items AS item ON item.batch_id = review.batch_id AND item.item_id = review.indicator_id
WHERE review.superseded_at IS NULL AND review.id > $1
ORDER BY review.id
LIMIT $2;
