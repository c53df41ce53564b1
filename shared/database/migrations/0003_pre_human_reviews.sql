-- What people decided about classifications. A decision stands until the next one about the same indicator.
CREATE TABLE human_reviews (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    indicator_id  text NOT NULL,
    decision      text NOT NULL CHECK (decision IN ('accept', 'correct')),
    fields        jsonb NOT NULL DEFAULT '{}',
    before        jsonb NOT NULL,
    name          text NOT NULL,
    units         text NOT NULL,
    reviewer      text NOT NULL,
    reason        text NOT NULL,
    batch_id      text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz
);

CREATE UNIQUE INDEX human_reviews_standing ON human_reviews (indicator_id) WHERE superseded_at IS NULL;
CREATE INDEX human_reviews_indicator ON human_reviews (indicator_id, id);

COMMENT ON COLUMN human_reviews.fields IS 'what the person replaced: {field: value}; empty for accept';
COMMENT ON COLUMN human_reviews.before IS 'the nine reviewable values as the person saw them: {field: value}';
COMMENT ON COLUMN human_reviews.name IS 'the name that the person saw; the decision holds for no other';
COMMENT ON COLUMN human_reviews.units IS 'the units that the person saw; the decision holds for no others';
COMMENT ON COLUMN human_reviews.batch_id IS 'the batch whose classification the person saw';

ALTER TABLE classifications ADD COLUMN human_review_id bigint;
COMMENT ON COLUMN classifications.human_review_id IS
    'the newest human decision that this version knows of; a version that knows less does not overwrite it';
