"""Numbers with their units, shares, counts, times and how long something lasts, as people say them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from domain.shown_texts import printable

# How a metric's name ends -> the unit of its numbers.
UNITS: Mapping[str, str] = {
    "_ms": "ms",
    "_seconds": "s",
    "_mb": "MB",
    "_bytes": "bytes",
    "_percent": "%",
    "_usage": "%",
    "_per_second": "a second",
}
# From here on digits behind the point say nothing, and from there on digits before it do not either.
WHOLE_FROM, HUGE_FROM = 999.5, 1e15
SHORT = 10  # seconds, of which tenths are said
SHARES = frozenset({"anomaly_rate", "error_rate"})


def number(value: object) -> str:
    """`10`, `0.05`, `61,204`: as few digits as say what is meant; what is no number as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if WHOLE_FROM <= abs(value) < HUGE_FROM else f"{value:.3g}"
    return printable(value)


def share(value: object) -> str:
    """0.05 as `5 %`."""
    return f"{number(value * 100)} %" if isinstance(value, int | float) else number(value)


def measured(metric: str, value: object) -> str:
    """A metric's value with the unit that its name tells: `251.8 ms`."""
    unit = next((unit for ending, unit in UNITS.items() if metric.endswith(ending)), "")
    return f"{number(value)} {unit}".rstrip()


def reading(metric: str, value: object) -> str:
    """A metric's value as people say it: `34 %` for a share, else with its unit."""
    return share(value) if metric in SHARES else measured(metric, value)


def spoken(name: str) -> str:
    """A metric's name in words, without its unit: `request latency`."""
    ending = next((ending for ending in UNITS if name.endswith(ending) and ending != "_usage"), "")
    return printable(name.removesuffix(ending).replace("_", " "))


def counted(amount: object, noun: str) -> str:
    """`no log`, `1 log`, `2,042 logs`."""
    if amount == 0:
        return f"no {noun}"
    return f"{number(amount)} {noun}{'' if amount == 1 else 's'}"


def lasting(seconds: object) -> str:
    """`9 s`, `15 min`, `2 h`, `3 days`."""
    if not isinstance(seconds, int | float):
        return number(seconds)
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (seconds >= length and seconds % length == 0 and unit != "days"):
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def seconds(taken: float) -> str:
    """How long something took: `0.3 s`, `41 s`, `12 minutes`."""
    return f"{taken:.2g} s" if taken < SHORT else lasting(taken)


def ago(age: timedelta) -> str:
    """How long ago something was: `9 s ago`."""
    return f"{lasting(max(0.0, age.total_seconds()))} ago"


def clock(moment: object) -> str:
    """A time of today as people say it: `13:22:43 UTC`."""
    return f"{moment:%H:%M:%S} UTC" if isinstance(moment, datetime) else printable(moment)
