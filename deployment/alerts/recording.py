"""Queries that alerts share, and that are worth keeping longer than what they are made of."""

from deployment.alerts.declaring import Recording
from deployment.declared import first_stages, last_stages

BY_STAGE = "sum by (pipeline, stage)"
BY_MODEL = "sum by (provider, model)"

_REFUSED = f'{BY_STAGE} (rate(sluice_stage_records_total{{outcome=~"rejected|invalid"}}[10m]))'
_DONE = f"{BY_STAGE} (rate(sluice_stage_records_total[10m]))"
_FAILED = f'{BY_MODEL} (rate(sluice_llm_calls_total{{outcome!~"ok|rate-limited"}}[10m]))'
_CALLS = f"{BY_MODEL} (rate(sluice_llm_calls_total[10m]))"
_AGES = "sum by (le, pipeline, stage) (rate(sluice_stage_record_age_seconds_bucket[5m]))"

LAG = Recording("stage:sluice_lag_records:sum", f"{BY_STAGE} (sluice_stage_consumer_lag_records)")
AGE = Recording("stage:sluice_record_age_seconds:p95_5m", f"histogram_quantile(0.95, {_AGES})")
REFUSED = Recording("stage:sluice_refused_records:ratio_rate10m", f"{_REFUSED} / {_DONE}")
FAILED_CALLS = Recording("model:sluice_llm_failed_calls:ratio_rate10m", f"{_FAILED} / {_CALLS}")


def _through(names: list[str]) -> str:
    return f'sum by (pipeline) (rate(sluice_stage_records_total{{stage=~"{"|".join(names)}"}}[10m]))'


CAME_IN = Recording("pipeline:sluice_records_in:rate10m", _through(first_stages()))
WENT_OUT = Recording("pipeline:sluice_records_out:rate10m", _through(last_stages()))

RECORDINGS = (LAG, AGE, REFUSED, FAILED_CALLS, CAME_IN, WENT_OUT)
