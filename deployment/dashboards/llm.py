"""Language models: what they cost, how they answer, what stands between them and the items."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deployment.dashboards.panels import (
    COUNT,
    DOLLARS,
    EVERY,
    PER_SECOND,
    SECONDS,
    SHARE,
    Query,
    board,
    lines,
    now,
    number,
    over_time,
    quantile,
    rate,
    rows,
)

OF_MODEL = "{{provider}} {{model}}"


def llm() -> Dashboard:
    """The board of cost and quality."""
    about = "Tokens, dollars, limits and quality of the language models; empty while only the embedded model answers"
    made = board("sluice-llm", "Sluice: language models", about)
    for part in (_at_a_glance, _cost, _calls, _limits, _quality):
        part(made)
    return made


def _at_a_glance(made: Dashboard) -> None:
    made.with_row(Row("In the time shown"))
    calls, limited = (f"sum(increase(sluice_llm_{name}_total[$__range]))" for name in ("calls", "rate_limited"))
    hits, misses = (f"sum(increase(sluice_llm_cache_{name}_total[$__range]))" for name in ("hits", "misses"))
    for panel in (
        number("Cost", DOLLARS, "What calls cost", now("sum(increase(sluice_llm_cost_usd_total[$__range]))")),
        number("Calls", COUNT, "To language models, however they ended", now(calls)),
        number("Tokens", COUNT, "In and out", now("sum(increase(sluice_llm_tokens_total[$__range]))")),
        number("From the cache", SHARE, "Answers that were there already", now(f"{hits} / ({hits} + {misses})")),
        number("Refused for the rate", SHARE, "Calls answered 429", now(f"{limited} / {calls}"), bad_from=0.05),
        number("Budget spent", SHARE, "Of the fullest", now("max(sluice_llm_budget_spent_ratio)"), bad_from=0.8),
    ):
        made.with_panel(panel)


def _cost(made: Dashboard) -> None:
    made.with_row(Row("Cost"))
    dollars = f"sum by (question) (rate(sluice_llm_cost_usd_total[{EVERY}])) * 3600"
    tokens = rate("sluice_llm_tokens_total", "type", "")
    spent = over_time("max by (scope, period) (sluice_llm_budget_spent_ratio)", "{{scope}} {{period}}")
    warned = over_time("sum by (scope) (increase(sluice_llm_budget_warnings_total[1h]))", "{{scope}} passed 80 %")
    refused = over_time(f"sum(rate(sluice_llm_budget_refusals_total[{EVERY}]))", "refused")
    for panel in (
        lines("Dollars an hour", DOLLARS, "By question", over_time(dollars, "{{question}}"), stacked=True),
        lines("Tokens", PER_SECOND, "Cached ones are cheaper", over_time(tokens, "{{type}}"), stacked=True),
        lines("Budgets spent", SHARE, "Spent over the limit; nothing where no budget is set", spent),
        lines("Budgets passed", COUNT, "80 % passed; calls not let in because a budget is spent", warned, refused),
        rows(
            "Budgets",
            "Today's and the total ones (Postgres)",
            "budgets",
            units=_dollars("Limit", "Spent", "Reserved", "Left"),
        ),
        rows(
            "Calls by question",
            "On the days shown (Postgres)",
            "calls",
            units=_dollars("Dollars", "Dollars for 1,000 items"),
        ),
    ):
        made.with_panel(panel)


def _dollars(*columns: str) -> dict[str, str]:
    return dict.fromkeys(columns, DOLLARS)


def _calls(made: Dashboard) -> None:
    made.with_row(Row("Calls and answers"))
    shared = (
        over_time(rate("sluice_llm_cache_hits_total", "level", ""), "from {{level}}"),
        over_time(f"sum(rate(sluice_llm_cache_misses_total[{EVERY}]))", "asked for"),
        over_time(f"sum(rate(sluice_llm_coalesced_total[{EVERY}]))", "shared a question in work"),
    )
    reasked = over_time(rate("sluice_llm_reasks_total", "question", ""), "{{question}} asked again")
    dropped = over_time(rate("sluice_llm_rejected_items_total", "reason", ""), "dropped: {{reason}}")
    ended = over_time(rate("sluice_llm_calls_total", "outcome", ""), "{{outcome}}")
    for panel in (
        lines("Calls by outcome", PER_SECOND, "Anything but ok costs time and often money", ended, stacked=True),
        lines("Duration of a call", SECONDS, "By model", *_slow("sluice_llm_call_duration_seconds")),
        lines("Where answers come from", PER_SECOND, "Memory, database, a call, a call in work", *shared, stacked=True),
        lines("Answers that did not do", PER_SECOND, "Asked again, and parts that were dropped", reasked, dropped),
    ):
        made.with_panel(panel)


def _slow(histogram: str) -> list[Query]:
    shares = {"p50": 0.5, "p95": 0.95}
    return [
        over_time(quantile(share, histogram, "provider, model", ""), f"{OF_MODEL} {legend}")
        for legend, share in shares.items()
    ]


def _limits(made: Dashboard) -> None:
    made.with_row(Row("Limits and health of the vendors"))
    breaker = 'max by (provider, model, state) (sluice_llm_breaker_state{state!="closed"})'
    for panel in (
        lines("Wait for leave to call", SECONDS, "By the limiter", *_slow("sluice_llm_limiter_wait_seconds")),
        lines(
            "Calls in flight",
            COUNT,
            "By model",
            over_time("sum by (provider, model) (sluice_llm_in_flight_calls)", OF_MODEL),
        ),
        lines(
            "Share of the limit in use",
            SHARE,
            "Cut by 429s, grows back",
            over_time("min by (provider, model) (sluice_llm_limit_factor_ratio > 0)", OF_MODEL),
        ),
        lines(
            "Refused for the rate, and leases",
            PER_SECOND,
            "429s, and how often the shared limiter is asked",
            over_time(rate("sluice_llm_rate_limited_total", "provider, model", ""), f"{OF_MODEL} 429"),
            over_time(rate("sluice_llm_leases_total", "provider, model", ""), f"{OF_MODEL} leases"),
        ),
        lines(
            "Breaker and kill switch",
            COUNT,
            "1: open, probing, or switched off by a person",
            over_time(breaker, f"{OF_MODEL} {{{{state}}}}"),
            over_time("max by (provider, model) (sluice_llm_switched_off)", f"{OF_MODEL} switched off"),
            width=24,
        ),
    ):
        made.with_panel(panel)


def _quality(made: Dashboard) -> None:
    made.with_row(Row("Quality (Postgres)"))
    about = "Standing decisions of people: the share of values that they left as they were"
    made.with_panel(rows("Reviews", "How items ended, in the time shown", "reviews", units=_dollars("Dollars")))
    made.with_panel(rows("Accuracy against people", about, "accuracy", units={"Accuracy": SHARE}))
