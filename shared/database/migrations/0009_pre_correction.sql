-- Correction of transcripts: what was looked through, how it was cut, and the newest row of every message.
CREATE TABLE correction_runs (
    run_id         text NOT NULL,
    source_id      text NOT NULL,
    path           text NOT NULL,
    decision       text NOT NULL CHECK (decision IN ('GO', 'CAUTION', 'NO-GO')),
    manifest       jsonb NOT NULL,
    slices         integer NOT NULL,
    expected       integer NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    rolled_back_at timestamptz,
    PRIMARY KEY (run_id, source_id)
);

CREATE TABLE correction_slices (
    run_id       text NOT NULL,
    slice_id     text NOT NULL,
    source_id    text NOT NULL,
    lines        integer,
    records      integer,
    rows         integer,
    invalid      integer,
    unreadable   integer,
    skipped      jsonb,
    extracted_at timestamptz,
    PRIMARY KEY (run_id, slice_id)
);
CREATE INDEX correction_slices_open ON correction_slices (run_id) WHERE extracted_at IS NULL;

COMMENT ON COLUMN correction_runs.expected IS 'items as they were counted while looking through: rows, and lines that are none';
COMMENT ON COLUMN correction_slices.records IS 'lines that gave rows; lines = records + skipped + invalid';
COMMENT ON COLUMN correction_slices.skipped IS 'lines without rows: {reason: count}';

CREATE TABLE corrections (
    extraction_id       text PRIMARY KEY,
    entity_id           text,
    duplicate_of        text,
    is_duplicate        boolean GENERATED ALWAYS AS (duplicate_of IS NOT NULL) STORED,
    fingerprint         text NOT NULL,
    run_id              text NOT NULL,
    status              text NOT NULL
        CHECK (status IN ('corrected', 'unchanged', 'kept_original', 'skipped', 'passed')),
    reason              text NOT NULL DEFAULT '',
    original_text       text,
    cleaned_text        text,
    corrected_text      text,
    body                jsonb,
    edits               jsonb NOT NULL DEFAULT '[]',
    session_id          text NOT NULL,
    message_index       integer NOT NULL,
    message_type        text NOT NULL,
    role                text NOT NULL DEFAULT '',
    persona             text NOT NULL DEFAULT '',
    typed               boolean NOT NULL DEFAULT false,
    content_length      integer NOT NULL,
    word_count          integer NOT NULL DEFAULT 0,
    content_hash        text NOT NULL,
    message_at          timestamptz,
    content_date        date,
    model               text NOT NULL DEFAULT '',
    cost_usd            float8,
    tool_name           text NOT NULL DEFAULT '',
    source_file         text NOT NULL,
    source_line         integer NOT NULL,
    uuid                text NOT NULL DEFAULT '',
    parent_uuid         text NOT NULL DEFAULT '',
    thread              jsonb NOT NULL DEFAULT '{}',
    extra               jsonb NOT NULL DEFAULT '{}',
    provider            text NOT NULL DEFAULT '',
    correction_model    text NOT NULL DEFAULT '',
    prompt_version      text NOT NULL DEFAULT '',
    tokens_in           integer NOT NULL DEFAULT 0,
    tokens_out          integer NOT NULL DEFAULT 0,
    correction_cost_usd float8 NOT NULL DEFAULT 0,
    updated_at          timestamptz NOT NULL DEFAULT now(),
    load_job            text,
    loaded_at           timestamptz,
    CHECK (entity_id IS NOT NULL OR duplicate_of IS NOT NULL)
);
CREATE INDEX corrections_fingerprint ON corrections (fingerprint);
CREATE INDEX corrections_run ON corrections (run_id);
CREATE INDEX corrections_to_load ON corrections (updated_at) WHERE loaded_at IS NULL;

COMMENT ON COLUMN corrections.run_id IS 'the run that gave the row what it says; a later run with the same leaves it';
COMMENT ON COLUMN corrections.entity_id IS 'the message; null for a duplicate, which is the message duplicate_of';
COMMENT ON COLUMN corrections.body IS 'where a body lies that is too large to be kept here';
COMMENT ON COLUMN corrections.load_job IS 'the load job of the warehouse that the row is part of';

CREATE TABLE warehouse_jobs (
    day  date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('load', 'query')),
    jobs integer NOT NULL,
    PRIMARY KEY (day, kind)
);
COMMENT ON TABLE warehouse_jobs IS 'jobs of each day, counted before they are begun; the ceiling is a setting';
