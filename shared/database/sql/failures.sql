-- name: failures_to_retry
-- The newest dead-lettered indicator of each id, of batch $1 or of all, $2 at most; those that any later batch has brought to
-- a result, or that are on their way again, are left out. With the provider asked for in their batch.
SELECT DISTINCT ON (item.item_id)
       item.item_id, item.batch_id, item.position, item.status, item.error, item.confidence, item.duration_ms,
       item.cost_usd, item.tokens_in, item.tokens_out, item.created_at, item.finished_at, item.payload,
       batches.provider
FROM batch_items AS item JOIN batches USING (batch_id)
WHERE batches.pipeline = 'classification' AND item.status = 'dead_lettered' AND ($1::text IS NULL OR item.batch_id = $1)
  AND NOT EXISTS (SELECT FROM batch_items AS later
                  WHERE later.item_id = item.item_id AND later.created_at > item.created_at
                    AND later.status <> 'dead_lettered')
ORDER BY item.item_id, item.created_at DESC
LIMIT $2;
