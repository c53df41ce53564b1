-- The LLM gateway: limits shared by all replicas, the ledger of calls, budgets, the kill switch, the cache.

-- One row a model of a vendor, shared by every replica: where its two clocks stand, holds, the breaker.
CREATE TABLE llm_bucket (
    key             text PRIMARY KEY,
    rpm             double precision NOT NULL DEFAULT 0,
    tpm             double precision NOT NULL DEFAULT 0,
    announced_rpm   double precision,
    announced_tpm   double precision,
    requests_tat    timestamptz NOT NULL DEFAULT '-infinity',
    tokens_tat      timestamptz NOT NULL DEFAULT '-infinity',
    hold_until      timestamptz NOT NULL DEFAULT '-infinity',
    factor          double precision NOT NULL DEFAULT 1,
    clean_since     timestamptz NOT NULL DEFAULT '-infinity',
    last_cut_at     timestamptz NOT NULL DEFAULT '-infinity',
    open_until      timestamptz,
    failed_probes   integer NOT NULL DEFAULT 0,
    passed_probes   integer NOT NULL DEFAULT 0,
    probe_id        uuid,
    probe_until     timestamptz,
    breaker_closed_at timestamptz NOT NULL DEFAULT '-infinity',
    updated_at      timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10); -- one hot row: room for its next versions on the same page

COMMENT ON COLUMN llm_bucket.key IS 'provider/model';
COMMENT ON COLUMN llm_bucket.rpm IS 'requests a minute as configured; 0: unlimited';
COMMENT ON COLUMN llm_bucket.tpm IS 'tokens a minute as configured; 0: unlimited';
COMMENT ON COLUMN llm_bucket.announced_rpm IS 'the newest limit in the vendor''s headers; null: it named none';
COMMENT ON COLUMN llm_bucket.requests_tat IS 'theoretical arrival time: the next call may begin then';
COMMENT ON COLUMN llm_bucket.tokens_tat IS 'when the tokens taken so far are paid for by the passing of time';
COMMENT ON COLUMN llm_bucket.hold_until IS 'nobody begins a call before; from Retry-After';
COMMENT ON COLUMN llm_bucket.factor IS 'share of the limit that is used, as of clean_since; it grows back with every clean second';
COMMENT ON COLUMN llm_bucket.last_cut_at IS 'when the factor was last cut; calls that began before say nothing about the new rate';
COMMENT ON COLUMN llm_bucket.open_until IS 'breaker: null: closed; later than now: open; else: one probe at a time';
COMMENT ON COLUMN llm_bucket.probe_id IS 'the call in flight that tries whether the vendor is back';
COMMENT ON COLUMN llm_bucket.probe_until IS 'after this the probe counts as lost with its process';

CREATE TABLE llm_switch (
    scope      text PRIMARY KEY,
    state      text NOT NULL CHECK (state IN ('on', 'off')),
    reason     text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN llm_switch.scope IS 'all, a provider, or provider/model; no row: on';

-- Every attempt to call a model. Written as pending before the call, so that the books know of calls whose process died.
CREATE TABLE llm_call (
    id               uuid PRIMARY KEY,
    started_at       timestamptz NOT NULL,
    finished_at      timestamptz,
    deadline         timestamptz NOT NULL,
    provider         text NOT NULL,
    model            text NOT NULL,
    question         text NOT NULL,
    items            integer NOT NULL,
    outcome          text NOT NULL DEFAULT 'pending',
    tokens_in        integer NOT NULL DEFAULT 0,
    tokens_cached    integer NOT NULL DEFAULT 0,
    tokens_cache_written integer NOT NULL DEFAULT 0,
    tokens_out       integer NOT NULL DEFAULT 0,
    cost_usd         numeric(20, 12) NOT NULL DEFAULT 0,
    estimated_tokens integer NOT NULL,
    max_cost_usd     numeric(20, 12) NOT NULL,
    reserved_usd     numeric(20, 12) NOT NULL DEFAULT 0,
    latency_ms       real,
    request_id       text NOT NULL DEFAULT '',
    error            text NOT NULL DEFAULT '',
    owner            text NOT NULL
);

CREATE INDEX llm_call_pending ON llm_call (deadline) WHERE outcome = 'pending';
CREATE INDEX llm_call_started_at ON llm_call USING brin (started_at) WITH (pages_per_range = 16);

COMMENT ON COLUMN llm_call.outcome IS 'pending until settled; lost: its process died, booked at max_cost_usd';
COMMENT ON COLUMN llm_call.started_at IS 'the slot that the limiter gave it';
COMMENT ON COLUMN llm_call.deadline IS 'a call still pending after this is lost';
COMMENT ON COLUMN llm_call.tokens_in IS 'all of the input; tokens_cached and tokens_cache_written are parts of it';
COMMENT ON COLUMN llm_call.reserved_usd IS 'what it holds of each of its budgets; 0 once it is settled';

-- What may be spent, is promised to calls in flight, and was spent: of all, and of each question.
CREATE TABLE llm_budget (
    scope        text NOT NULL,
    period       text NOT NULL,
    limit_usd    numeric(20, 12) NOT NULL DEFAULT 0,
    reserved_usd numeric(20, 12) NOT NULL DEFAULT 0,
    spent_usd    numeric(20, 12) NOT NULL DEFAULT 0,
    warned_at    timestamptz,
    PRIMARY KEY (scope, period)
) WITH (fillfactor = 20);

COMMENT ON COLUMN llm_budget.scope IS 'all, or the name of a question';
COMMENT ON COLUMN llm_budget.period IS 'total, or a day in UTC such as 2026-01-31';
COMMENT ON COLUMN llm_budget.limit_usd IS '0: no limit';
COMMENT ON COLUMN llm_budget.warned_at IS 'when 80 % of the limit was passed';

-- Answers by what they depend on.
CREATE TABLE llm_cache (
    key        bytea PRIMARY KEY,
    question   text NOT NULL,
    provider   text NOT NULL,
    model      text NOT NULL,
    value      text NOT NULL,
    tokens_in  integer NOT NULL DEFAULT 0,
    tokens_out integer NOT NULL DEFAULT 0,
    cost_usd   double precision NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    hits       bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);

COMMENT ON COLUMN llm_cache.key IS 'SHA-256 of everything the answer depends on';
COMMENT ON COLUMN llm_cache.cost_usd IS 'share of the call that this answer cost';

-- Who is working out an answer at this moment, so that others wait for it. Unlogged: a crash of the server ends the work too.
CREATE UNLOGGED TABLE llm_claim (
    key        bytea PRIMARY KEY,
    owner      text NOT NULL,
    expires_at timestamptz NOT NULL
);

COMMENT ON COLUMN llm_claim.expires_at IS 'after this anybody may take it over: its owner died';

-- Names under which people look for these sums.
CREATE VIEW llm_usage AS
SELECT (started_at AT TIME ZONE 'UTC')::date AS day, provider, model, question,
       count(*) FILTER (WHERE outcome <> 'pending') AS calls,
       count(*) FILTER (WHERE outcome = 'ok') AS successful_calls,
       coalesce(sum(items) FILTER (WHERE outcome = 'ok'), 0) AS items,
       sum(tokens_in) AS tokens_in,
       sum(tokens_cached) AS tokens_cached,
       sum(tokens_out) AS tokens_out,
       sum(cost_usd)::double precision AS cost_usd
FROM llm_call
GROUP BY 1, 2, 3, 4;

CREATE VIEW budgets AS
SELECT scope, period,
       limit_usd::double precision AS limit_usd,
       reserved_usd::double precision AS reserved_usd,
       spent_usd::double precision AS spent_usd,
       CASE WHEN limit_usd > 0 THEN greatest(limit_usd - spent_usd - reserved_usd, 0)::double precision END AS left_usd,
       warned_at
FROM llm_budget;
