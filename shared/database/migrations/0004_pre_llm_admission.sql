-- How calls to language models are let in and booked, each in one round trip. All times are the database's own.
-- Rows are locked in one order everywhere - bucket, calls, budgets by scope and period - so nobody waits in a circle.

-- What may be used of a limit a minute: 95 % of the smaller one, times the factor. Null: no limit.
CREATE FUNCTION llm_rate(configured double precision, announced double precision, factor double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT 0.95 * factor * least(nullif(configured, 0), nullif(announced, 0))
$$;

-- The factor as of `moment`: two points back for every five clean seconds.
CREATE FUNCTION llm_factor(factor double precision, clean_since timestamptz, moment timestamptz)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT least(1, factor + 0.02 * greatest(0, floor(
        (extract(epoch FROM moment)::double precision - extract(epoch FROM clean_since)::double precision) / 5)))
$$;

-- The limit of a scope and period: `budgets` is {"day": usd, "total": usd, "tasks": {question: usd a day}}; 0: none.
CREATE FUNCTION llm_limit(budgets jsonb, scope text, period text)
RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(CASE
        WHEN period = 'total' THEN budgets ->> 'total'
        WHEN scope = 'all' THEN budgets ->> 'day'
        ELSE budgets -> 'tasks' ->> scope END, '0')::numeric(20, 12)
$$;

-- The day of budgets.
CREATE FUNCTION llm_day(moment timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD')
$$;

-- Let calls begin. `door`: {key, provider, model, rpm, tpm, owner, horizon, call_seconds, budgets}; `calls`, in order of
-- their turn: [{id, question, items, tokens, cost}]. The answer has `closed` with `retry_after` if nobody may call, else
-- `turns`, as far as it got: {delay} until a call begins, or {refused, retry_after}, or nothing: ask again after
-- `pause`, `held` of it for the vendor's sake. A slot is given only if it begins within `horizon` seconds; if none
-- does, nothing is changed.
--
-- A crash of the server may forget the last half second of this (synchronous_commit is off, as every call of every
-- replica waits for these rows); llm_settle then books the calls all the same.
CREATE FUNCTION llm_admit(door jsonb, calls jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    door_key      CONSTANT text := door ->> 'key';
    horizon       CONSTANT double precision := door ->> 'horizon';
    budgets       CONSTANT jsonb := door -> 'budgets';
    guarded       CONSTANT boolean := (budgets ->> 'day')::float8 > 0 OR (budgets ->> 'total')::float8 > 0
                                      OR budgets -> 'tasks' <> '{}';
    bucket        llm_bucket;
    off           llm_switch;
    locked        boolean := false;
    moment        timestamptz;
    at            double precision;
    held          double precision;
    clock_calls   double precision;
    clock_tokens  double precision;
    a_call        double precision;
    a_token       double precision;
    start         double precision;
    answer        jsonb;
    call          record;
    turns         jsonb[] := '{}';
    starts        double precision[] := '{}';
    granted       jsonb[] := '{}';
    pause         double precision;
    today         text;
    names         text[];
    limits        numeric[];
    spent         numeric[];
    reserved      numeric[];
    places        integer[];
    place         integer;
    verdict       jsonb;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT * INTO off FROM llm_switch
    WHERE state = 'off' AND scope IN ('all', door ->> 'provider', door_key) ORDER BY length(scope) LIMIT 1;
    IF FOUND THEN
        RETURN jsonb_build_object('switched_off', off.scope, 'closed', off.reason);
    END IF;
    SELECT * INTO bucket FROM llm_bucket WHERE key = door_key;
    IF NOT FOUND OR (bucket.rpm, bucket.tpm) IS DISTINCT FROM ((door ->> 'rpm')::float8, (door ->> 'tpm')::float8) THEN
        INSERT INTO llm_bucket (key, rpm, tpm) VALUES (door_key, (door ->> 'rpm')::float8, (door ->> 'tpm')::float8)
        ON CONFLICT (key) DO UPDATE SET rpm = excluded.rpm, tpm = excluded.tpm
        RETURNING * INTO bucket;
    END IF;

    LOOP -- once to look, and a second time, with the row locked, if there is something to take
        moment := clock_timestamp();
        at := extract(epoch FROM moment);
        bucket.factor := llm_factor(bucket.factor, bucket.clean_since, moment);
        a_call := 60 / llm_rate(bucket.rpm, bucket.announced_rpm, bucket.factor);
        a_token := 60 / llm_rate(bucket.tpm, bucket.announced_tpm, bucket.factor);
        answer := jsonb_build_object(
            'factor', bucket.factor, 'rpm', 60 / a_call, 'tpm', 60 / a_token,
            'announced_rpm', bucket.announced_rpm, 'announced_tpm', bucket.announced_tpm,
            'breaker', CASE WHEN bucket.open_until IS NULL THEN 'closed' WHEN bucket.open_until > moment THEN 'open'
                            ELSE 'probing' END);
        IF bucket.open_until > moment OR (bucket.open_until IS NOT NULL AND bucket.probe_until > moment) THEN
            RETURN answer || jsonb_build_object('closed', '', 'retry_after', CASE
                WHEN bucket.open_until > moment THEN extract(epoch FROM bucket.open_until)::float8 - at
                ELSE least(1, extract(epoch FROM bucket.probe_until)::float8 - at) END);
        END IF;
        held := greatest(at, extract(epoch FROM bucket.hold_until)::float8);
        clock_calls := CASE WHEN a_call IS NULL THEN at ELSE extract(epoch FROM bucket.requests_tat)::float8 END;
        clock_tokens := CASE WHEN a_token IS NULL THEN at ELSE extract(epoch FROM bucket.tokens_tat)::float8 END;
        start := greatest(held, clock_calls, clock_tokens);
        IF start > at + horizon OR calls = '[]' THEN
            RETURN answer || jsonb_build_object('pause', start - at, 'held', held - at);
        END IF;
        EXIT WHEN locked OR (a_call IS NULL AND a_token IS NULL AND bucket.open_until IS NULL);
        SELECT * INTO bucket FROM llm_bucket WHERE key = door_key FOR UPDATE;
        locked := true;
    END LOOP;

    IF guarded THEN
        today := llm_day(moment);
        INSERT INTO llm_budget AS b (scope, period, limit_usd)
        SELECT scope, period, llm_limit(budgets, scope, period) FROM (
            SELECT DISTINCT value ->> 'question' AS scope, today AS period FROM jsonb_array_elements(calls)
            UNION ALL VALUES ('all', today), ('all', 'total')) AS wanted
        ORDER BY scope, period
        ON CONFLICT (scope, period) DO UPDATE SET limit_usd = excluded.limit_usd -- locks the row even if it is equal
        WHERE b.limit_usd <> excluded.limit_usd;
        SELECT array_agg(b.scope || ' ' || b.period), array_agg(b.limit_usd), array_agg(b.spent_usd),
               array_agg(b.reserved_usd)
        INTO names, limits, spent, reserved
        FROM llm_budget AS b
        WHERE b.scope = 'all' AND b.period IN (today, 'total')
              OR b.period = today AND b.scope IN (SELECT value ->> 'question' FROM jsonb_array_elements(calls));
    END IF;

    FOR call IN SELECT value, value ->> 'question' AS question, (value ->> 'tokens')::float8 AS tokens,
                       (value ->> 'cost')::numeric(20, 12) AS cost
                FROM jsonb_array_elements(calls) LOOP
        verdict := NULL;
        IF guarded THEN
            places := ARRAY[array_position(names, call.question || ' ' || today),
                            array_position(names, 'all ' || today), array_position(names, 'all total')];
            FOREACH place IN ARRAY places LOOP
                CONTINUE WHEN limits[place] = 0 OR spent[place] + reserved[place] < limits[place];
                IF spent[place] >= limits[place] THEN
                    verdict := jsonb_build_object('refused', names[place], 'limit', limits[place], 'retry_after',
                        CASE WHEN names[place] <> 'all total' THEN
                            extract(epoch FROM (date_trunc('day', moment AT TIME ZONE 'UTC') + interval '1 day')
                                               AT TIME ZONE 'UTC')::float8 - at END);
                    EXIT;
                END IF;
                verdict := '{}'; -- what is left is promised to calls in flight: some of it may come back
                pause := 0.1;
            END LOOP;
            IF verdict IS NOT NULL THEN
                turns := array_append(turns, verdict);
                CONTINUE;
            END IF;
        END IF;
        start := greatest(held, clock_calls, clock_tokens);
        IF start > at + horizon THEN
            pause := start - at;
            EXIT;
        END IF;
        turns := array_append(turns, jsonb_build_object('delay', start - at));
        starts := array_append(starts, start);
        granted := array_append(granted, call.value);
        clock_calls := start + coalesce(a_call, 0);
        clock_tokens := start + coalesce(a_token * call.tokens, 0);
        IF guarded THEN
            FOREACH place IN ARRAY places LOOP
                reserved[place] := reserved[place] + call.cost;
            END LOOP;
        END IF;
        EXIT WHEN bucket.open_until IS NOT NULL; -- one probe, and nobody beside it
    END LOOP;

    IF granted <> '{}' THEN
        INSERT INTO llm_call (id, started_at, deadline, provider, model, question, items, estimated_tokens,
                              max_cost_usd, reserved_usd, owner)
        SELECT (value ->> 'id')::uuid, to_timestamp(began),
               to_timestamp(began) + make_interval(secs => (door ->> 'call_seconds')::float8),
               door ->> 'provider', door ->> 'model', value ->> 'question', (value ->> 'items')::integer,
               (value ->> 'tokens')::integer, (value ->> 'cost')::numeric,
               CASE WHEN guarded THEN (value ->> 'cost')::numeric ELSE 0 END, door ->> 'owner'
        FROM unnest(granted, starts) AS t (value, began);
        IF locked THEN
            UPDATE llm_bucket SET
                requests_tat = CASE WHEN a_call IS NULL THEN requests_tat ELSE to_timestamp(clock_calls) END,
                tokens_tat = CASE WHEN a_token IS NULL THEN tokens_tat ELSE to_timestamp(clock_tokens) END,
                probe_id = CASE WHEN open_until IS NULL THEN probe_id ELSE (granted[1] ->> 'id')::uuid END,
                probe_until = CASE WHEN open_until IS NULL THEN probe_until
                              ELSE to_timestamp(starts[1] + (door ->> 'call_seconds')::float8) END,
                updated_at = moment
            WHERE key = door_key;
        END IF;
        IF guarded THEN
            UPDATE llm_budget AS b SET reserved_usd = given.reserved
            FROM unnest(names, reserved) AS given (name, reserved)
            WHERE b.scope || ' ' || b.period = given.name AND b.period IN (today, 'total')
                  AND b.reserved_usd <> given.reserved;
        END IF;
    END IF;
    RETURN answer || jsonb_build_object('turns', to_jsonb(turns), 'pause', pause);
END $$;

-- Move `changes` ([{question, day, released, spent}]) into the budgets they touch, and tell how these stand now.
-- `warned`: 80 % of the limit was passed by this, for the first time in the period.
CREATE FUNCTION llm_book(changes jsonb, budgets jsonb)
RETURNS TABLE (scope text, period text, limit_usd double precision, spent_usd double precision, warned boolean)
LANGUAGE sql AS $$
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(changes) AS t (question text, day text, released numeric, spent numeric)
    ), parts AS (
        SELECT question AS scope, day AS period, released, spent FROM given
        UNION ALL SELECT 'all', day, released, spent FROM given
        UNION ALL SELECT 'all', 'total', released, spent FROM given
    ), sums AS (
        SELECT scope, period, llm_limit(budgets, scope, period) AS most, sum(released) AS released, sum(spent) AS spent
        FROM parts GROUP BY scope, period
    )
    INSERT INTO llm_budget AS b (scope, period, limit_usd, reserved_usd, spent_usd, warned_at)
    SELECT scope, period, most, -released, spent, CASE WHEN most > 0 AND spent >= 0.8 * most THEN now() END
    FROM sums ORDER BY scope, period
    ON CONFLICT (scope, period) DO UPDATE SET
        limit_usd = excluded.limit_usd,
        reserved_usd = greatest(0, b.reserved_usd + excluded.reserved_usd),
        spent_usd = b.spent_usd + excluded.spent_usd,
        warned_at = coalesce(b.warned_at, CASE
            WHEN excluded.limit_usd > 0 AND b.spent_usd + excluded.spent_usd >= 0.8 * excluded.limit_usd THEN now() END)
    RETURNING b.scope, b.period, b.limit_usd::float8, b.spent_usd::float8, coalesce(b.warned_at = now(), false)
$$;

-- What the ends of calls tell about a model's limits and health. `signals`, each only if there is something to say:
-- {token_change: real minus estimated, announced_rpm, announced_tpm, pause: hold so long, retry_after: somebody was
-- refused for the rate, limited_age: how long ago the newest such call began, trip_age: the vendor failed too often, how
-- long ago the newest such call began, probe: {id, passed; null: it proved nothing}, probe_seconds, probe_cap}.
CREATE FUNCTION llm_heed(door_key text, signals jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    bucket   llm_bucket;
    moment   timestamptz;
    tokens   double precision;
    first    CONSTANT double precision := signals ->> 'probe_seconds';
    due      boolean;
BEGIN
    SELECT * INTO bucket FROM llm_bucket WHERE key = door_key FOR UPDATE;
    moment := clock_timestamp();
    bucket.announced_rpm := coalesce((signals ->> 'announced_rpm')::float8, bucket.announced_rpm);
    bucket.announced_tpm := coalesce((signals ->> 'announced_tpm')::float8, bucket.announced_tpm);
    tokens := llm_rate(bucket.tpm, bucket.announced_tpm, llm_factor(bucket.factor, bucket.clean_since, moment)) / 60;
    IF signals ? 'token_change' AND tokens > 0 THEN
        bucket.tokens_tat := bucket.tokens_tat + make_interval(secs => (signals ->> 'token_change')::float8 / tokens);
    END IF;
    IF signals ? 'pause' THEN
        bucket.hold_until := greatest(bucket.hold_until, moment + make_interval(secs => (signals ->> 'pause')::float8));
    END IF;
    IF signals ? 'retry_after' THEN
        -- Many calls hit the same wall: only one that began after the last cut says that the rate is still too high.
        due := moment > bucket.last_cut_at + interval '1 second'
               AND moment - make_interval(secs => (signals ->> 'limited_age')::float8) > bucket.last_cut_at;
        bucket.factor := llm_factor(bucket.factor, bucket.clean_since, moment);
        IF due THEN
            bucket.factor := greatest(0.1, bucket.factor * 0.85);
            bucket.last_cut_at := moment;
        END IF;
        bucket.hold_until := greatest(
            bucket.hold_until, moment + make_interval(secs => (signals ->> 'retry_after')::float8));
        bucket.clean_since := bucket.hold_until;
    END IF;
    IF signals ? 'trip_age' AND bucket.open_until IS NULL
       AND moment - make_interval(secs => (signals ->> 'trip_age')::float8) > bucket.breaker_closed_at THEN
        bucket.open_until := moment + make_interval(secs => first);
        bucket.failed_probes := 0;
        bucket.passed_probes := 0;
    END IF;
    IF bucket.open_until IS NOT NULL AND bucket.probe_id = (signals #>> '{probe,id}')::uuid THEN
        bucket.probe_id := NULL;
        bucket.probe_until := NULL;
        CASE (signals #>> '{probe,passed}')::boolean
            WHEN true THEN
                bucket.passed_probes := bucket.passed_probes + 1;
            WHEN false THEN
                bucket.passed_probes := 0;
                bucket.failed_probes := bucket.failed_probes + 1;
                bucket.open_until := moment + make_interval(
                    secs => least((signals ->> 'probe_cap')::float8, first * 2 ^ greatest(0, bucket.failed_probes - 10)));
            ELSE NULL;
        END CASE;
        IF bucket.passed_probes >= 2 THEN
            bucket.open_until := NULL;
            bucket.breaker_closed_at := moment;
        END IF;
    END IF;
    UPDATE llm_bucket SET
        announced_rpm = bucket.announced_rpm, announced_tpm = bucket.announced_tpm, tokens_tat = bucket.tokens_tat,
        hold_until = bucket.hold_until, factor = bucket.factor, clean_since = bucket.clean_since,
        last_cut_at = bucket.last_cut_at, open_until = bucket.open_until, failed_probes = bucket.failed_probes,
        passed_probes = bucket.passed_probes, probe_id = bucket.probe_id, probe_until = bucket.probe_until,
        breaker_closed_at = bucket.breaker_closed_at, updated_at = moment
    WHERE key = door_key;
END $$;

-- Book the ends of calls: [{id, outcome, question, items, tokens, max_cost, tokens_in, tokens_cached,
-- tokens_cache_written, tokens_out, cost, latency, request_id, error}]. Doing it twice is doing it once. Outcome
-- `unused`: the call was let in and never made. One that counted as lost gets what it really took. `switch_off`: why a
-- person has to act before anybody calls this provider again. Returns the budgets as llm_book does.
CREATE FUNCTION llm_settle(door jsonb, calls jsonb, signals jsonb, switch_off text)
RETURNS TABLE (scope text, period text, limit_usd double precision, spent_usd double precision, warned boolean)
LANGUAGE plpgsql AS $$
DECLARE
    changes jsonb;
BEGIN
    IF signals <> '{}' THEN
        PERFORM llm_heed(door ->> 'key', signals);
    END IF;
    IF switch_off IS NOT NULL THEN
        INSERT INTO llm_switch AS s (scope, state, reason) VALUES (door ->> 'provider', 'off', switch_off)
        ON CONFLICT ON CONSTRAINT llm_switch_pkey DO UPDATE SET
            state = 'off', reason = excluded.reason, changed_at = clock_timestamp()
        WHERE s.state <> 'off';
    END IF;
    WITH given AS (
        SELECT * FROM jsonb_to_recordset(calls) AS t (
            id uuid, outcome text, question text, items integer, tokens integer, max_cost numeric, tokens_in integer,
            tokens_cached integer, tokens_cache_written integer, tokens_out integer, cost numeric,
            latency double precision, request_id text, error text)
    ), old AS MATERIALIZED (
        SELECT c.id, c.outcome, c.cost_usd, c.reserved_usd, c.started_at
        FROM llm_call AS c WHERE c.id IN (SELECT given.id FROM given) ORDER BY c.id FOR UPDATE
    ), unused AS (
        DELETE FROM llm_call AS c USING given, old
        WHERE c.id = given.id AND c.id = old.id AND given.outcome = 'unused' AND old.outcome = 'pending'
        RETURNING c.question, c.started_at, c.reserved_usd
    ), written AS (
        INSERT INTO llm_call AS c (
            id, started_at, finished_at, deadline, provider, model, question, items, outcome, tokens_in, tokens_cached,
            tokens_cache_written, tokens_out, cost_usd, estimated_tokens, max_cost_usd, latency_ms, request_id, error,
            owner)
        SELECT given.id, clock_timestamp() - make_interval(secs => given.latency), clock_timestamp(), clock_timestamp(),
               door ->> 'provider', door ->> 'model', given.question, given.items, given.outcome, given.tokens_in,
               given.tokens_cached, given.tokens_cache_written, given.tokens_out, given.cost, given.tokens,
               given.max_cost, given.latency * 1000, given.request_id, given.error, door ->> 'owner'
        FROM given LEFT JOIN old ON old.id = given.id
        WHERE given.outcome <> 'unused' AND coalesce(old.outcome, 'pending') IN ('pending', 'lost')
        ON CONFLICT (id) DO UPDATE SET
            finished_at = excluded.finished_at, outcome = excluded.outcome, tokens_in = excluded.tokens_in,
            tokens_cached = excluded.tokens_cached, tokens_cache_written = excluded.tokens_cache_written,
            tokens_out = excluded.tokens_out, cost_usd = excluded.cost_usd, reserved_usd = 0,
            latency_ms = excluded.latency_ms, request_id = excluded.request_id, error = excluded.error
        RETURNING c.id, c.question, c.started_at, c.cost_usd
    ), moved AS (
        SELECT written.question, llm_day(written.started_at) AS day, coalesce(old.reserved_usd, 0) AS released,
               written.cost_usd - coalesce(old.cost_usd, 0) AS spent
        FROM written LEFT JOIN old ON old.id = written.id
        UNION ALL
        SELECT unused.question, llm_day(unused.started_at), unused.reserved_usd, 0 FROM unused
    )
    SELECT jsonb_agg(to_jsonb(moved)) INTO changes FROM moved;
    RETURN QUERY SELECT * FROM llm_book(coalesce(changes, '[]'), door -> 'budgets');
END $$;

-- Book pending calls past their deadline as lost, at the most they can have cost. Returns how many, by model.
CREATE FUNCTION llm_sweep(budgets jsonb) RETURNS TABLE (provider text, model text, question text, calls bigint)
LANGUAGE plpgsql AS $$
DECLARE
    swept jsonb;
BEGIN
    WITH late AS MATERIALIZED (
        SELECT c.id, c.reserved_usd FROM llm_call AS c
        WHERE c.outcome = 'pending' AND c.deadline < clock_timestamp()
        ORDER BY c.deadline LIMIT 1000 FOR UPDATE SKIP LOCKED
    ), lost AS (
        UPDATE llm_call AS c SET outcome = 'lost', finished_at = clock_timestamp(), cost_usd = c.max_cost_usd,
               reserved_usd = 0, error = 'its process died, or lost the database, while the call was in flight'
        FROM late WHERE c.id = late.id
        RETURNING c.provider, c.model, c.question, llm_day(c.started_at) AS day, late.reserved_usd AS released,
                  c.cost_usd AS spent
    )
    SELECT jsonb_agg(to_jsonb(lost)) INTO swept FROM lost;
    IF swept IS NOT NULL THEN
        PERFORM llm_book(swept, budgets);
    END IF;
    RETURN QUERY SELECT t.provider, t.model, t.question, count(*)
    FROM jsonb_to_recordset(coalesce(swept, '[]')) AS t (provider text, model text, question text)
    GROUP BY t.provider, t.model, t.question;
END $$;
