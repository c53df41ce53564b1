-- name: lock_marks
-- Duplicates are marked by one transaction at a time: two that store copies of the same message would miss each other.
SELECT pg_advisory_xact_lock(hashtext('sluice.corrections'));

-- name: upsert_corrections
-- Store rows, a JSON array of objects $1 with the columns as names. A row that says the same already stays as it is.
INSERT INTO corrections AS stored
    (extraction_id, entity_id, fingerprint, run_id, status, reason, original_text, cleaned_text, corrected_text, body,
     edits, session_id, message_index, message_type, role, persona, typed, content_length, word_count, content_hash,
     message_at, content_date, model, cost_usd, tool_name, source_file, source_line, uuid, parent_uuid, thread, extra,
     provider, correction_model, prompt_version, tokens_in, tokens_out, correction_cost_usd)
SELECT extraction_id, entity_id, fingerprint, run_id, status, reason, original_text, cleaned_text, corrected_text, body,
       edits, session_id, message_index, message_type, role, persona, typed, content_length, word_count, content_hash,
       message_at, content_date, model, cost_usd, tool_name, source_file, source_line, uuid, parent_uuid, thread, extra,
       provider, correction_model, prompt_version, tokens_in, tokens_out, correction_cost_usd
FROM jsonb_populate_recordset(NULL::corrections, $1::jsonb)
ORDER BY extraction_id
ON CONFLICT (extraction_id) DO UPDATE SET
    entity_id = coalesce(stored.entity_id, CASE WHEN stored.duplicate_of IS NULL THEN excluded.entity_id END),
    fingerprint = excluded.fingerprint, run_id = excluded.run_id,
    status = excluded.status, reason = excluded.reason, original_text = excluded.original_text,
    cleaned_text = excluded.cleaned_text, corrected_text = excluded.corrected_text, body = excluded.body,
    edits = excluded.edits, session_id = excluded.session_id, message_type = excluded.message_type,
    role = excluded.role, persona = excluded.persona, typed = excluded.typed,
    content_length = excluded.content_length, word_count = excluded.word_count, content_hash = excluded.content_hash,
    message_at = excluded.message_at, content_date = excluded.content_date, model = excluded.model,
    cost_usd = excluded.cost_usd, tool_name = excluded.tool_name, source_file = excluded.source_file,
    source_line = excluded.source_line, uuid = excluded.uuid, parent_uuid = excluded.parent_uuid,
    thread = excluded.thread, extra = excluded.extra, provider = excluded.provider,
    correction_model = excluded.correction_model, prompt_version = excluded.prompt_version,
    tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out,
    correction_cost_usd = excluded.correction_cost_usd, updated_at = now(), load_job = NULL, loaded_at = NULL
WHERE (stored.fingerprint, stored.status, stored.reason, stored.corrected_text, stored.content_hash, stored.source_file,
       stored.source_line, stored.cost_usd, stored.parent_uuid, stored.thread, stored.extra)
    IS DISTINCT FROM (excluded.fingerprint, excluded.status, excluded.reason, excluded.corrected_text,
       excluded.content_hash, excluded.source_file, excluded.source_line, excluded.cost_usd, excluded.parent_uuid,
       excluded.thread, excluded.extra);

-- name: mark_duplicates
-- Of rows with the same fingerprint, among $1, the first by id is the message, the others are its duplicates.
WITH ranked AS (
    SELECT extraction_id, first_value(extraction_id) OVER (PARTITION BY fingerprint ORDER BY extraction_id) AS first
    FROM corrections WHERE fingerprint = ANY ($1::text[])
)
UPDATE corrections AS row SET
    entity_id = CASE WHEN first = row.extraction_id THEN 'msg:' || substr(first, 5) END,
    duplicate_of = CASE WHEN first <> row.extraction_id THEN 'msg:' || substr(first, 5) END,
    updated_at = now(), load_job = NULL, loaded_at = NULL
FROM ranked
WHERE ranked.extraction_id = row.extraction_id
  AND row.duplicate_of IS DISTINCT FROM CASE WHEN first <> row.extraction_id THEN 'msg:' || substr(first, 5) END;

-- name: fingerprints_of
-- The fingerprints under which rows $1 are stored.
SELECT DISTINCT fingerprint FROM corrections WHERE extraction_id = ANY ($1::text[]);

-- name: conversations_of_run
-- What the ids of rows begin with that are final in run $1, in the order of files and lines.
SELECT substr(item.item_id, 1, 20) AS conversation
FROM batch_items AS item
JOIN corrections AS row ON row.extraction_id = item.item_id
WHERE item.batch_id = $1
GROUP BY 1
ORDER BY min(row.source_file), min(row.message_index);

-- name: rows_of_run
-- Rows of run $1 whose ids come after $2 and not after $3, $4 at most: found by keys alone, however large the tables are.
SELECT row.*
FROM (SELECT item_id FROM batch_items WHERE batch_id = $1 AND item_id > $2 AND item_id <= $3 ORDER BY item_id LIMIT $4)
    AS item
JOIN corrections AS row ON row.extraction_id = item.item_id
ORDER BY row.extraction_id;

-- name: statuses_of_run
-- Rows that are final in run $1, by status and reason.
SELECT CASE WHEN row.is_duplicate THEN 'duplicate' ELSE row.status END AS status, row.typed,
       CASE WHEN row.is_duplicate THEN '' ELSE row.reason END AS reason, count(*)::integer AS rows
FROM batch_items AS item
JOIN corrections AS row ON row.extraction_id = item.item_id
WHERE item.batch_id = $1
GROUP BY 1, 2, 3
ORDER BY rows DESC, 1, 3;

-- name: count_in_table
-- How many of the rows that are final in run $1 are in the table, whichever run gave them what they say.
SELECT count(*)::integer
FROM batch_items AS item
JOIN corrections AS row ON row.extraction_id = item.item_id
WHERE item.batch_id = $1 AND item.status = 'completed';

-- name: progress_of_run
-- How far run $1 is: items that are final, and those that its source promises; why its source $2 was refused, if it was.
-- Until it is known how many items there are the run has not ended, even if nothing has come for long.
SELECT coalesce(batch.successful_indicators + batch.failed_indicators, 0) AS done,
       (SELECT sum(expected) FROM correction_runs WHERE run_id = $1)::integer AS expected,
       (SELECT min(decision) FROM correction_runs WHERE run_id = $1) AS decision,
       batch.declared AND batch.batch_end_time IS NOT NULL AS ended,
       (SELECT error FROM batch_items WHERE batch_id = $1 AND item_id = $2 AND status = 'dead_lettered') AS refused
FROM batches AS batch
WHERE batch.batch_id = $1;
