"""Changes to a running simulator, from plain JSON."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from services.simulator.options import SimulatorOptions

FIXED = ("seed", "labels", "models")
"""Options that a running simulator keeps."""


def changed(options: SimulatorOptions, wanted: Mapping[str, Any]) -> SimulatorOptions:
    """The options with some of them changed; rates in `faults` that are not named stay. Raises ValueError."""
    changeable = {part.name: part for part in fields(SimulatorOptions) if part.name not in FIXED}
    unknown = sorted(wanted.keys() - changeable.keys())
    if unknown:
        raise ValueError(f"there is no option {unknown[0]!r} to change; there are: {', '.join(changeable)}")
    values = {name: _checked(name, value, getattr(options, name)) for name, value in wanted.items() if name != "faults"}
    faults = options.faults.changed(_rates(wanted.get("faults", {})))
    return replace(options, faults=faults, **values)


def options_from(wanted: Mapping[str, Any]) -> SimulatorOptions:
    """Options out of plain JSON, for a simulator in a process of its own. Raises ValueError."""
    rest = {name: value for name, value in wanted.items() if name not in FIXED}
    fixed = {name: wanted[name] for name in FIXED if name in wanted}
    if fixed.get("labels"):
        fixed["labels"] = Path(fixed["labels"])
    if "models" in fixed:
        fixed["models"] = tuple(fixed["models"])
    return changed(replace(SimulatorOptions(), **fixed), rest)


def _checked(name: str, value: Any, now: Any) -> Any:
    if isinstance(now, bool | str):
        if type(value) is not type(now):
            raise ValueError(f"{name} is a {type(now).__name__}, not {value!r}")
        return value
    nullable = name in ("latency_mean", "latency_median")
    if nullable and value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} is a number, 0 or more, not {value!r}")
    if value == 0 and name in ("time_scale", "burst_seconds"):
        raise ValueError(f"{name} is more than 0")
    return float(value)


def _rates(faults: Any) -> Mapping[str, float]:
    if not isinstance(faults, Mapping):
        raise ValueError(f"faults is an object of rates by name, not {faults!r}")
    return faults
