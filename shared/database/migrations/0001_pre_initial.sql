-- The ledger of batches and items, the results, the stage log, the join, the dead letters.

-- A batch is declared (its total is known when it is opened) or rolling (its total grows with every item, until it is
-- closed). It is finished when batch_end_time is set. Counters are credited by finish_items alone.
CREATE TABLE batches (
    id                        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id                  text NOT NULL UNIQUE,
    pipeline                  text NOT NULL,
    model                     text NOT NULL DEFAULT '',
    provider                  text NOT NULL DEFAULT '',
    item_provider             text NOT NULL DEFAULT '',
    declared                  boolean NOT NULL,
    total_indicators          integer NOT NULL DEFAULT 0,
    successful_indicators     integer NOT NULL DEFAULT 0,
    failed_indicators         integer NOT NULL DEFAULT 0,
    needs_human_indicators    integer NOT NULL DEFAULT 0,
    batch_start_time          timestamptz NOT NULL DEFAULT now(),
    batch_end_time            timestamptz,
    closed_at                 timestamptz,
    total_duration_ms         double precision,
    processing_ms             double precision NOT NULL DEFAULT 0,
    confidence_sum            double precision NOT NULL DEFAULT 0,
    confidence_count          integer NOT NULL DEFAULT 0,
    avg_time_per_indicator_ms double precision GENERATED ALWAYS AS (
        total_duration_ms / nullif(successful_indicators + failed_indicators + needs_human_indicators, 0)) STORED,
    avg_confidence            double precision GENERATED ALWAYS AS (
        confidence_sum / nullif(confidence_count, 0)) STORED,
    tokens_in                 bigint NOT NULL DEFAULT 0,
    tokens_out                bigint NOT NULL DEFAULT 0,
    cost_usd                  double precision NOT NULL DEFAULT 0,
    finish_ticket             bigint,
    announced_at              timestamptz,
    trace_id                  text NOT NULL DEFAULT '',
    idempotency_key           text,
    created_at                timestamptz NOT NULL DEFAULT now(),
    updated_at                timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50); -- counters are updated in place, so keep room for the new row on the same page

CREATE UNIQUE INDEX batches_idempotency_key ON batches (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX batches_start ON batches (batch_start_time);

CREATE INDEX batches_unannounced ON batches (batch_end_time) WHERE announced_at IS NULL AND batch_end_time IS NOT NULL;

COMMENT ON COLUMN batches.provider IS 'the one asked for when the batch was opened; empty: each stage asks its own';
COMMENT ON COLUMN batches.item_provider IS 'the one that answered for the newest item with any';
COMMENT ON COLUMN batches.model IS 'the one that answered for the newest item with any';
COMMENT ON COLUMN batches.announced_at IS 'when the batch-completed event was published';
COMMENT ON COLUMN batches.total_duration_ms IS 'wall time from the start to the last item that finished';
COMMENT ON COLUMN batches.avg_time_per_indicator_ms IS 'wall time over finished items';
COMMENT ON COLUMN batches.processing_ms IS 'sum of the processing time of each item';
COMMENT ON COLUMN batches.finish_ticket IS 'the finish_items statement that finished the batch';

CREATE SEQUENCE finish_tickets;

-- What was submitted and how it ended. No index mentions status: it would make every status change rewrite all index
-- entries, where now the row is updated in place.
CREATE TABLE batch_items (
    batch_id    text NOT NULL,
    item_id     text NOT NULL,
    position    integer,
    status      text NOT NULL DEFAULT 'pending'
                CHECK (status IN ('pending', 'completed', 'needs_human', 'dead_lettered')),
    moves       smallint NOT NULL DEFAULT 0,
    confidence  real,
    duration_ms real,
    cost_usd    double precision,
    tokens_in   integer,
    tokens_out  integer,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    error       text,
    payload     text,
    PRIMARY KEY (batch_id, item_id)
) WITH (fillfactor = 50);

COMMENT ON COLUMN batch_items.payload IS 'the JSON as submitted; null if the item was never registered';
COMMENT ON COLUMN batch_items.moves IS 'how often the status changed: 2 if a dead letter was replayed with success';

CREATE TABLE classifications (
    indicator_id                text PRIMARY KEY,
    name                        text NOT NULL,
    original_units              text,
    source_name                 text,
    long_name                   text,
    category_group              text,
    dataset                     text,
    topic                       text,
    source_scale                text,
    source_periodicity          text,
    aggregation_method          text,
    source_currency_code        text,
    parsed_scale                text,
    parsed_unit_type            text,
    parsed_currency             text,
    parsing_confidence          real,
    reporting_frequency         text,
    time_basis                  text,
    time_confidence             real,
    time_reasoning              text,
    time_source_used            text,
    is_cumulative               boolean,
    cumulative_pattern_type     text,
    cumulative_confidence       real,
    cumulative_reasoning        text,
    scale                       text,
    scale_confidence            real,
    scale_reasoning             text,
    is_currency_denominated     boolean,
    detected_currency           text,
    currency_confidence         real,
    currency_reasoning          text,
    family                      text,
    family_confidence           real,
    family_reasoning            text,
    indicator_type              text,
    temporal_aggregation        text,
    heat_map_orientation        text,
    type_confidence             real,
    type_reasoning              text,
    boolean_review_passed       boolean,
    boolean_review_fields_wrong jsonb,
    boolean_review_reason       text,
    boolean_review_confidence   real,
    final_review_status         text,
    final_review_corrections    jsonb,
    final_review_reason         text,
    final_review_confidence     real,
    overall_confidence          real,
    review_status               text,
    provider                    text,
    model                       text,
    created_at                  timestamptz NOT NULL DEFAULT now(),
    updated_at                  timestamptz NOT NULL DEFAULT now(),
    batch_id                    text,
    processing_time_ms          real,
    cost_usd                    double precision,
    tokens_in                   integer,
    tokens_out                  integer,
    submitted_at                timestamptz
);

COMMENT ON COLUMN classifications.submitted_at IS 'when this version was submitted; an older one does not overwrite it';

CREATE INDEX classifications_family ON classifications (family);
CREATE INDEX classifications_indicator_type ON classifications (indicator_type);
CREATE INDEX classifications_review_status ON classifications (review_status);
CREATE INDEX classifications_created_at ON classifications (created_at);

-- What each stage did to each item; written with the result, a partition a day.
CREATE TABLE stage_log (
    id                 bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 512),
    created_at         timestamptz NOT NULL DEFAULT now(),
    processing_time_ms real,
    attempt            smallint NOT NULL DEFAULT 1,
    tokens_in          integer NOT NULL DEFAULT 0,
    tokens_out         integer NOT NULL DEFAULT 0,
    cost_usd           real NOT NULL DEFAULT 0,
    batch_id           text NOT NULL,
    indicator_id       text NOT NULL,
    stage              text NOT NULL,
    status             text NOT NULL,
    provider           text,
    model              text,
    error_message      text,
    metadata           jsonb
) PARTITION BY RANGE (created_at);

-- No index on (stage, created_at): it would make writing a fifth dearer, for questions about stages that are asked of the
-- last minutes only, whose rows the BRIN index finds.
CREATE INDEX stage_log_indicator_id ON stage_log (indicator_id);
CREATE INDEX stage_log_created_at ON stage_log USING brin (created_at) WITH (pages_per_range = 16);
CREATE TABLE stage_log_default PARTITION OF stage_log DEFAULT;

-- Create the partitions of today and of the days ahead; returns how many it made. A day whose rows have already gone
-- to the default partition stays there.
CREATE FUNCTION stage_log_create_partitions(days integer) RETURNS integer
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    day  date;
    name text;
    made integer := 0;
BEGIN
    FOR day IN SELECT current_date + ahead FROM generate_series(0, days) AS ahead LOOP
        name := 'stage_log_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I PARTITION OF stage_log FOR VALUES FROM (%L) TO (%L)',
                           name, day::timestamptz, (day + 1)::timestamptz);
            made := made + 1;
        EXCEPTION WHEN check_violation THEN
            RAISE NOTICE 'rows of % are in the default partition', day;
        END;
    END LOOP;
    RETURN made;
END $$;

-- Drop the partitions older than so many days, and such rows of the default partition; returns how many partitions.
CREATE FUNCTION stage_log_drop_partitions(older_than_days integer) RETURNS integer
LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    name    text;
    dropped integer := 0;
BEGIN
    FOR name IN
        SELECT inhrelid::regclass::text FROM pg_inherits
        WHERE inhparent = 'stage_log'::regclass AND inhrelid::regclass::text ~ '^stage_log_\d{8}$'
          AND to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') < current_date - older_than_days
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    DELETE FROM stage_log_default WHERE created_at < (current_date - older_than_days)::timestamptz;
    RETURN dropped;
END $$;

-- Parts of items that wait for each other; JSON as it came, null while a part is missing.
CREATE TABLE facet_join (
    batch_id      text NOT NULL,
    indicator_id  text NOT NULL,
    partition     integer NOT NULL DEFAULT 0,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    joined_at     timestamptz,
    expired_at    timestamptz,
    item          text,
    time          text,
    scale         text,
    currency      text,
    cumulative    text,
    trail         text NOT NULL DEFAULT '',
    headers       text NOT NULL DEFAULT '{}',
    PRIMARY KEY (batch_id, indicator_id)
) WITH (fillfactor = 50);

CREATE INDEX facet_join_waiting ON facet_join (first_seen_at) WHERE joined_at IS NULL AND expired_at IS NULL;

COMMENT ON COLUMN facet_join.headers IS 'JSON object of the headers that travel with the item';

-- Dead letters by where the record stood that failed: the same failure delivered again is the same row. The time of the
-- record is part of its place, since offsets begin again in a topic that is created anew.
CREATE TABLE dead_letters (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline         text NOT NULL,
    stage            text NOT NULL,
    topic            text NOT NULL,
    partition        integer NOT NULL,
    "offset"         bigint NOT NULL,
    record_timestamp bigint NOT NULL,
    attempts         integer NOT NULL,
    batch_id         text,
    item_id          text,
    error_class      text NOT NULL,
    error_code       text NOT NULL,
    error_message    text NOT NULL,
    payload          bytea,
    headers          jsonb NOT NULL DEFAULT '{}',
    failed_at        timestamptz NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    replayed_at      timestamptz,
    resolution       text,
    UNIQUE (topic, partition, "offset", record_timestamp, stage, attempts)
);

COMMENT ON COLUMN dead_letters.record_timestamp IS 'milliseconds since the epoch';

CREATE INDEX dead_letters_batch ON dead_letters (batch_id);

-- The names that users of the earlier systems query.
CREATE VIEW pipeline_stats AS
SELECT id, batch_id, model, coalesce(nullif(provider, ''), item_provider) AS provider, total_indicators, successful_indicators, failed_indicators,
       batch_start_time, batch_end_time, total_duration_ms, avg_time_per_indicator_ms, avg_confidence,
       created_at, updated_at,
       pipeline, needs_human_indicators, tokens_in, tokens_out, cost_usd, declared, closed_at, trace_id
FROM batches;

CREATE VIEW processing_log AS
SELECT id, indicator_id, stage, status, error_message, metadata, processing_time_ms, created_at,
       batch_id, attempt, provider, model, tokens_in, tokens_out, cost_usd
FROM stage_log;

CREATE VIEW batch_report AS
SELECT batch_id,
       total_indicators,
       successful_indicators + needs_human_indicators AS completed,
       round((processing_ms / nullif(successful_indicators + failed_indicators + needs_human_indicators, 0))::numeric, 3)
           AS avg_time,
       round((total_duration_ms / 60000)::numeric, 3) AS total_minutes,
       round(cost_usd::numeric, 6) AS cost
FROM batches;

CREATE VIEW source_indicators AS
WITH latest AS (
    SELECT DISTINCT ON (item_id) item_id, payload::json AS payload, created_at, finished_at, status, batch_id
    FROM batch_items
    WHERE payload IS NOT NULL
    ORDER BY item_id, created_at DESC
)
SELECT item_id AS indicator_id,
       payload ->> 'name' AS name,
       payload ->> 'units' AS units,
       coalesce(payload ->> 'definition', payload ->> 'description') AS definition,
       payload ->> 'long_name' AS long_name,
       payload ->> 'category_group' AS category_group,
       payload ->> 'dataset' AS dataset,
       payload ->> 'topic' AS topic,
       coalesce(payload ->> 'source_name', payload ->> 'source') AS source_name,
       payload ->> 'source_url' AS source_url,
       payload ->> 'aggregation_method' AS aggregation_method,
       payload ->> 'periodicity' AS periodicity,
       payload ->> 'scale' AS scale,
       payload ->> 'currency_code' AS currency_code,
       payload -> 'sample_values' AS sample_values,
       created_at,
       coalesce(finished_at, created_at) AS updated_at,
       NULL::timestamptz AS deleted_at,
       status <> 'pending' AS processed,
       batch_id AS sent_trace_id
FROM latest;
