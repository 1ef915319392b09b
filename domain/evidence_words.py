"""Why a log or a minute was not as usual, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.amounts import counted, measured, number, reading, spoken
from domain.shown_texts import printable
from domain.told_fields import Fields, told


def compared(numbers: Fields) -> str:
    """What a verdict compared, in words: `error rate 34 %, normally 0.2 %`; empty where it compared no metric."""
    if numbers.get("text"):
        return _said(numbers)
    metric, normal = printable(numbers.get("metric", "")), numbers.get("normal")
    if not metric or numbers.get("value") is None:
        return ""
    against = "" if normal is None else f", normally {reading(metric, normal)}"
    return f"{spoken(metric)} {reading(metric, numbers['value'])}{against}"


def _said(numbers: Fields) -> str:
    """`“retry N of M” 34 in 100 logs, normally 0.2`."""
    value, normal = (number(numbers.get(name)) for name in ("value", "normal"))
    return f"{printable(numbers['text'])} {value} in 100 logs, normally {normal}"


def because(reason: str, numbers: Fields, detector: str = "") -> str:
    """Why a log was an anomaly: `pool_in_use 10, normally 0 (model 2)`."""
    by = f" ({detector})" if detector else ""
    return f"{_because(reason, numbers)}{by}"


def _because(reason: str, numbers: Fields) -> str:
    if make := OF_REASONS.get(reason.upper()):
        return make(numbers)
    if numbers.get("text"):
        return _said(numbers)
    if metric := printable(numbers.get("metric", "")):
        against = "limit" if reason.upper() == "LIMIT" else "normally"
        value, normal = (measured(metric, numbers.get(name)) for name in ("value", "normal"))
        return f"{metric} {value}, {against} {normal}"
    if word := numbers.get("word"):
        return f"the word “{printable(word)}” in its message"
    return f"{reason.lower()}: {told(numbers)}" if numbers else reason.lower()


def _jointly(numbers: Fields) -> str:
    metric = printable(numbers.get("metric", ""))
    value, fits = (measured(metric, numbers.get(name)) for name in ("value", "normal"))
    return f"{metric} {value}, where {fits} would go with its other metrics"


def _together(numbers: Fields) -> str:
    metric = printable(numbers.get("metric", ""))
    beside = f" beside {metric} {measured(metric, numbers.get('value'))}" if metric else " beside unusual metrics"
    return f"the word “{printable(numbers.get('word', ''))}” in its message{beside}"


def habit(numbers: Fields) -> str:
    """What the habits of a service say of a log: `CRITICAL, which this service logs once in 40,000 lines`."""
    level, lines, at_level, times = (numbers.get(name, 0) for name in ("level", "lines", "at_level", "times"))
    if numbers.get("usual"):
        called = "called a false alarm before" if numbers.get("called") == "false" else "usual here"
        return f"{called}: {counted(times, 'time')} in training"
    if isinstance(lines, int) and isinstance(at_level, int) and at_level:
        rare = f"{level}, which this service logs once in {number(max(1, round(lines / at_level)))} lines"
    else:
        rare = f"{level}, which this service never logged in {number(lines)} lines"
    text = f"its text came {counted(times, 'time')} in training" if times else "its text is new"
    text = "its text was one of a real incident" if numbers.get("called") == "real" else text
    word = f", with the word “{printable(numbers['word'])}”" if numbers.get("word") else ""
    return f"{rare}; {text}{word}"


# Reasons of logs that have words of their own.
OF_REASONS: Mapping[str, Callable[[Fields], str]] = {"HABIT": habit, "JOINTLY": _jointly, "TOGETHER": _together}
