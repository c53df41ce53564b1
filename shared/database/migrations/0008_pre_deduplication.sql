-- Deduplication: runs, their stages and shards. The shards are both the barrier between stages and what a run is resumed
-- from. And an outbox: messages that a transaction has decided on and that are published after it.

CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text NOT NULL,
    key        text NOT NULL,
    payload    text NOT NULL,
    headers    jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dedupe_runs (
    run_id        text PRIMARY KEY,
    run_type      text NOT NULL DEFAULT 'prod' CHECK (run_type IN ('test', 'dev', 'prod')),
    status        text NOT NULL DEFAULT 'running'
                  CHECK (status IN ('running', 'complete', 'failed', 'interrupted')),
    input_name    text NOT NULL,
    input_sha256  text NOT NULL,
    config_digest text NOT NULL,
    rules         text NOT NULL,
    mapping       jsonb NOT NULL DEFAULT '{}',
    rows          bigint NOT NULL,
    shards        integer NOT NULL,
    trace_id      text NOT NULL,
    pinned        boolean NOT NULL DEFAULT false,
    error         text,
    started_at    timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz
);

CREATE INDEX dedupe_runs_started ON dedupe_runs (started_at);

COMMENT ON COLUMN dedupe_runs.rules IS 'JSON as it was written: jsonb would change the order of its keys';
COMMENT ON COLUMN dedupe_runs.rows IS 'of the input';
COMMENT ON COLUMN dedupe_runs.shards IS 'of the stages that are divided by the run and not by its input';
COMMENT ON COLUMN dedupe_runs.started_at IS 'first start; a resumed run keeps it';

CREATE TABLE dedupe_stages (
    run_id     text NOT NULL REFERENCES dedupe_runs ON DELETE CASCADE,
    stage      text NOT NULL,
    position   smallint NOT NULL,
    shards     integer NOT NULL,
    done       integer NOT NULL DEFAULT 0,
    reads      jsonb NOT NULL,
    needs      text[] NOT NULL,
    waits      integer NOT NULL,
    started_at timestamptz,
    ended_at   timestamptz,
    PRIMARY KEY (run_id, stage)
);

COMMENT ON COLUMN dedupe_stages.reads IS 'artifact → which of its parts a shard reads: same, all or routed';
COMMENT ON COLUMN dedupe_stages.needs IS 'stages that make what this one reads';
COMMENT ON COLUMN dedupe_stages.waits IS 'how many of them are not complete; at 0 the stage is announced';

CREATE TABLE dedupe_shards (
    run_id        text NOT NULL,
    stage         text NOT NULL,
    shard         integer NOT NULL,
    status        text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'ready', 'done')),
    inputs        jsonb,
    inputs_sha256 text,
    outputs       jsonb NOT NULL DEFAULT '[]',
    rows          bigint NOT NULL DEFAULT 0,
    bytes         bigint NOT NULL DEFAULT 0,
    attempts      integer NOT NULL DEFAULT 0,
    wall_seconds  double precision,
    cpu_seconds   double precision,
    peak_bytes    bigint,
    started_at    timestamptz,
    ended_at      timestamptz,
    PRIMARY KEY (run_id, stage, shard),
    FOREIGN KEY (run_id, stage) REFERENCES dedupe_stages ON DELETE CASCADE
);

COMMENT ON COLUMN dedupe_shards.inputs IS 'files that it reads, by artifact; set when the shard is announced';
COMMENT ON COLUMN dedupe_shards.outputs IS 'files that it made: path, SHA-256, rows, bytes';
COMMENT ON COLUMN dedupe_shards.attempts IS 'how often it was begun without being ended in order';

-- What people have decided, for all runs to come.
CREATE TABLE dedupe_overrides (
    account_id  text PRIMARY KEY,
    disposition text NOT NULL CHECK (disposition IN ('Keep', 'Update', 'Delete', 'Verify')),
    reason      text NOT NULL DEFAULT '',
    decided_by  text NOT NULL DEFAULT '',
    decided_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dedupe_blacklist (
    term     text PRIMARY KEY CHECK (term = lower(term) AND term <> ''),
    added_by text NOT NULL DEFAULT '',
    added_at timestamptz NOT NULL DEFAULT now()
);
