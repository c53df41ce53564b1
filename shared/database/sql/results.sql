-- name: batch_results
-- Items of batches $1 with what was found out about them, batch after batch in the order of submission, $3 at most after
-- the first $2; only of status $4, family $5, type $6 where these are not null. An item that is not completed has no
-- values here, whatever an earlier batch found; one that a later batch has classified again shows the newer values.
SELECT item.item_id AS indicator_id,
       coalesce(row.name, item.payload::json ->> 'name') AS name,
       coalesce(nullif(row.original_units, ''), item.payload::json ->> 'units') AS units,
       row.family, row.indicator_type, row.temporal_aggregation, row.time_basis, row.reporting_frequency, row.scale,
       row.is_currency_denominated, row.detected_currency, row.is_cumulative, row.heat_map_orientation,
       round(coalesce(item.confidence, row.overall_confidence)::numeric, 4)::float8 AS overall_confidence,
       row.review_status, row.provider, row.model, item.cost_usd, item.batch_id,
       CASE item.status WHEN 'dead_lettered' THEN 'failed' ELSE item.status END AS status,
       item.error
FROM unnest($1::text[]) WITH ORDINALITY AS wanted (batch_id, place)
JOIN batch_items AS item USING (batch_id)
LEFT JOIN classifications AS row
    ON row.indicator_id = item.item_id AND item.status IN ('completed', 'needs_human')
WHERE ($4::text IS NULL OR item.status = $4)
  AND ($5::text IS NULL OR row.family = $5)
  AND ($6::text IS NULL OR row.indicator_type = $6)
ORDER BY wanted.place, item.position NULLS LAST, item.item_id
OFFSET $2 LIMIT $3;

-- name: latest_results
-- The newest classification of every indicator, the newest first, $2 at most after the first $1; only of status $3,
-- family $4, type $5 where these are not null.
SELECT row.indicator_id, row.name, nullif(row.original_units, '') AS units,
       row.family, row.indicator_type, row.temporal_aggregation, row.time_basis, row.reporting_frequency, row.scale,
       row.is_currency_denominated, row.detected_currency, row.is_cumulative, row.heat_map_orientation,
       round(row.overall_confidence::numeric, 4)::float8 AS overall_confidence,
       row.review_status, row.provider, row.model, row.cost_usd, row.batch_id,
       verdict.status, NULL AS error
FROM classifications AS row,
     LATERAL (SELECT CASE row.review_status WHEN 'needs_human' THEN 'needs_human' ELSE 'completed' END) AS verdict (status)
WHERE ($3::text IS NULL OR verdict.status = $3)
  AND ($4::text IS NULL OR row.family = $4)
  AND ($5::text IS NULL OR row.indicator_type = $5)
ORDER BY row.updated_at DESC, row.indicator_id
OFFSET $1 LIMIT $2;

-- name: batches_with_unclassified
-- Batches, the newest first, that have indicators of status $1, which is pending or dead_lettered.
SELECT batch_id FROM batches
WHERE pipeline = 'classification' AND CASE $1::text
      WHEN 'dead_lettered' THEN failed_indicators > 0
      ELSE successful_indicators + needs_human_indicators + failed_indicators < total_indicators END
ORDER BY batch_start_time DESC, id DESC;

-- name: results_of
-- The newest classification of indicators $1, those that have one.
SELECT row.indicator_id, row.name, nullif(row.original_units, '') AS units,
       row.family, row.indicator_type, row.temporal_aggregation, row.time_basis, row.reporting_frequency, row.scale,
       row.is_currency_denominated, row.detected_currency, row.is_cumulative, row.heat_map_orientation,
       round(row.overall_confidence::numeric, 4)::float8 AS overall_confidence,
       row.review_status, row.provider, row.model, row.cost_usd, row.batch_id,
       CASE row.review_status WHEN 'needs_human' THEN 'needs_human' ELSE 'completed' END AS status, NULL AS error
FROM classifications AS row
WHERE row.indicator_id = ANY ($1::text[]);
