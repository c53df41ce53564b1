"""Money, and vendors that do not answer."""

from deployment.alerts.declaring import Alert, Fires, Quiet, Series, Severity
from deployment.alerts.recording import BY_MODEL, FAILED_CALLS

_MODEL = {"provider": "openai", "model": "small"}
_OF_MODEL = 'provider="openai",model="small"'


def _spent(values: str) -> Series:
    return {'sluice_llm_budget_spent_ratio{scope="all",period="day",instance="one"}': values}


def _calls(ok: str, failed: str, outcome: str = "server-error") -> Series:
    name = f'sluice_llm_calls_total{{{_OF_MODEL},question="family"'
    return {f'{name},outcome="ok"}}': ok, f'{name},outcome="{outcome}"}}': failed}


def _of_model(metric: str, values: str, labels: str = "") -> Series:
    return {f"{metric}{{{_OF_MODEL}{labels}}}": values}


NEARLY_SPENT = Alert(
    name="SluiceLlmBudgetNearlySpent",
    severity=Severity.WARNING,
    expression="max by (scope, period) (sluice_llm_budget_spent_ratio) >= 0.8",
    hold="1m",
    summary="80 % of a budget for language models are spent",
    description="{{ $value | humanizePercentage }} of the budget {{ $labels.scope }} ({{ $labels.period }}) are gone.",
    board="sluice-llm",
    fires=[Fires(_spent("0.85x10"), "5m", {"scope": "all", "period": "day"}, "85%")],
    quiet=[Quiet(_spent("0.75x10"), "5m")],
)

SPENT = Alert(
    name="SluiceLlmBudgetSpent",
    severity=Severity.CRITICAL,
    # Calls are refused before the sum is reached: what a call may cost has to fit in what is left.
    expression=f"{BY_MODEL} (increase(sluice_llm_budget_refusals_total[10m])) > 0"
    " or max by (scope, period) (sluice_llm_budget_spent_ratio) >= 1",
    hold="1m",
    summary="A budget for language models is spent; the stages that ask them wait",
    description="Nothing is lost: the items stay on their topics until the budget is raised, or the day (UTC) is over.",
    board="sluice-llm",
    fires=[
        Fires(_of_model("sluice_llm_budget_refusals_total", "0x5 4x20"), "10m", _MODEL),
        Fires(_spent("1.01x10"), "5m", {"scope": "all", "period": "day"}),
    ],
    quiet=[Quiet({**_spent("0.95x20"), **_of_model("sluice_llm_budget_refusals_total", "0x20")}, "10m")],
)

LIMITED = Alert(
    name="SluiceLlmRateLimited",
    severity=Severity.WARNING,
    expression=f"{BY_MODEL} (rate(sluice_llm_rate_limited_total[15m])) / {BY_MODEL} (rate(sluice_llm_calls_total[15m]))"
    " > 0.05",
    hold="15m",
    summary="A vendor refuses many calls for the rate",
    description="{{ $labels.provider }}/{{ $labels.model }} answers {{ $value | humanizePercentage }} with 429.",
    board="sluice-llm",
    fires=[
        Fires(
            {**_calls("0+80x60", "0+20x60", "rate-limited"), **_of_model("sluice_llm_rate_limited_total", "0+20x60")},
            "45m",
            _MODEL,
            "20%",
        )
    ],
    quiet=[Quiet({**_calls("0+99x60", "0+1x60"), **_of_model("sluice_llm_rate_limited_total", "0+1x60")}, "45m")],
)

FAILING = Alert(
    name="SluiceLlmCallsFailing",
    severity=Severity.WARNING,
    expression=f"{FAILED_CALLS.name} > 0.2",
    hold="10m",
    summary="Many calls to a language model bring nothing",
    description="{{ $value | humanizePercentage }} of the calls to {{ $labels.provider }}/{{ $labels.model }} fail or "
    "bring nothing usable; failed ones may cost all the same.",
    board="sluice-llm",
    fires=[Fires(_calls("0+60x40", "0+40x40"), "30m", _MODEL, "40%")],
    quiet=[Quiet(_calls("0+95x40", "0+5x40"), "30m")],
)

AWAY = Alert(
    name="SluiceLlmVendorAway",
    severity=Severity.WARNING,
    expression='max by (provider, model) (sluice_llm_breaker_state{state=~"open|probing"}) == 1',
    hold="5m",
    summary="A language model is not asked because it keeps failing",
    description="The breaker of {{ $labels.provider }}/{{ $labels.model }} is open; one call at a time tries whether "
    "it is back. Stages that need it wait.",
    board="sluice-llm",
    fires=[Fires(_of_model("sluice_llm_breaker_state", "1x20", ',state="open"'), "10m", _MODEL)],
    quiet=[Quiet(_of_model("sluice_llm_breaker_state", "1x3 0x20", ',state="open"'), "10m")],
)

SWITCHED_OFF = Alert(
    name="SluiceLlmSwitchedOff",
    severity=Severity.WARNING,
    expression="max by (provider, model) (sluice_llm_switched_off) == 1",
    hold="5m",
    summary="A language model is switched off, by a person or for a setting that is wrong",
    description="Nobody calls {{ $labels.provider }}/{{ $labels.model }}. Stages that need it wait.",
    board="sluice-llm",
    fires=[Fires(_of_model("sluice_llm_switched_off", "1x20"), "10m", _MODEL)],
    quiet=[Quiet(_of_model("sluice_llm_switched_off", "0x20"), "10m")],
)

LLM = (NEARLY_SPENT, SPENT, LIMITED, FAILING, AWAY, SWITCHED_OFF)
