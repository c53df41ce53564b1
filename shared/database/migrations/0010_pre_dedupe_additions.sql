-- Records that were added to the groups of a run since it was complete, in their order; and which run a run takes the
-- ids of groups from.
CREATE TABLE dedupe_additions (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    run_id       text NOT NULL REFERENCES dedupe_runs ON DELETE CASCADE,
    account_id   text NOT NULL,
    account_name text NOT NULL,
    spelling     text NOT NULL,
    group_id     text NOT NULL,
    is_new       boolean NOT NULL,
    reason       text NOT NULL,
    score        smallint,
    path         jsonb NOT NULL,
    edge         jsonb,
    added_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, account_id)
);

COMMENT ON COLUMN dedupe_additions.spelling IS 'the name as it is read: with a legal form that has a column of its own';
COMMENT ON COLUMN dedupe_additions.is_new IS 'it began its group';
COMMENT ON COLUMN dedupe_additions.path IS 'from its name to that of the primary: [name, score of the step] …';
COMMENT ON COLUMN dedupe_additions.edge IS 'the parts of the first score on that path';

ALTER TABLE dedupe_runs ADD COLUMN follows text;
COMMENT ON COLUMN dedupe_runs.follows IS 'the run whose groups it takes the ids of; that one may be pruned since';
