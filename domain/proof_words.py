"""What a verification compared, in words that people read in pages."""

from __future__ import annotations

from collections.abc import Mapping

from domain.amounts import counted, measured, number, share
from domain.plans import Measure

Numbers = Mapping[str, object]
SUBJECTS: Mapping[str, str] = {Measure.ERROR_RATE: "errors", Measure.ANOMALY_RATE: "anomalies"}


def proof_words(numbers: Numbers) -> str:
    """`errors 62 % before, 1 % after, at most 5 % allowed; others 1 % before and after; 275 fresh logs, …`."""
    measure = f"{_subject(numbers)} {_before_and_after(numbers, 'before', 'value')}"
    said = [f"{measure}, at most {_shown(numbers, 'at_most')} allowed"]
    if numbers.get("others_before") is not None and numbers.get("others_after") is not None:
        said.append(f"others {_before_and_after(numbers, 'others_before', 'others_after')}")
    own = counted(numbers.get("own_logs", 0), "log")
    said.append(f"{counted(numbers.get('samples', 0), 'fresh log')}, {own} of the fault itself")
    return f"{numbers.get('because', 'judged')}: {'; '.join(said)}"


def _subject(numbers: Numbers) -> str:
    # The version before kept no name of the measure.
    measure = str(numbers.get("measure", "the measure"))
    return SUBJECTS.get(measure, str(numbers.get("metric") or "the measure"))


def _before_and_after(numbers: Numbers, before: str, after: str) -> str:
    first, last = _shown(numbers, before), _shown(numbers, after)
    if numbers.get(before) is None:
        return f"{last} after"
    return f"{first} before and after" if first == last else f"{first} before, {last} after"


def _shown(numbers: Numbers, name: str) -> str:
    value = numbers.get(name)
    if value is None:
        return "no value"
    measure, metric = numbers.get("measure"), str(numbers.get("metric", ""))
    if measure is None:
        return number(value)
    return measured(metric, value) if measure == Measure.METRIC else share(value)
