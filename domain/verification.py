"""Did it help? Judged from logs that arrived after the action, against those from before and those of others.

No logs are no success, fewer logs than usual are none either, a fault of which a part goes on is not mended,
and what would have healed without the action was not healed by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.control import (
    NO_CONTROL,
    NO_PACE,
    NOTHING,
    SHORTEST_SECONDS,
    UNREAD,
    Control,
    Pace,
    Reading,
    Traffic,
    ended_before,
    fading,
    heals_by_then,
    traffic_is_gone,
)
from domain.plans import Measure, Verification

# A service that was just restarted may still fail requests that were under way.
SETTLING = timedelta(seconds=5)
# "Recovered" needs this share of the time limit: what returns slowly looks healthy for the first seconds.
WATCHED_SHARE = 0.5
# Of the fault's own logs per second before the action at most this share may still come.
LEFT_SHARE = 0.1
# What was under way may fail late.
STRAGGLERS = 1
# Worse than before the action: so many times, and by so much of the scale (a share's is 1, a metric's its limit).
WORSE_TIMES, WORSE_BY = 1.5, 0.05


class Outcome(StrEnum):
    """What fresh logs say about an action."""

    RECOVERED = "recovered"
    INEFFECTIVE = "ineffective"
    WORSE = "worse"
    UNKNOWN = "unknown"  # too little to say anything, or nothing that the action can be credited with


class Because(StrEnum):
    """What the outcome rests on."""

    HEALTHY = "the measure is back and the fault's own logs are gone"
    MEASURE = "the measure is not back"
    GREW = "the measure is clearly worse than before the action"
    OWN_LOGS = "the fault's own logs go on"
    TOO_FEW = "too few fresh logs"
    NO_VALUE = "no fresh log carries the metric"
    TRAFFIC = "most of the usual traffic is gone"
    ENDED = "it healed by itself: the fault had ended before the action began"
    FADING = "it healed by itself: the fault was ending before the action began"
    ALIKE = "it healed by itself: all other services had the same and recovered alike"
    USUAL = "it may have healed by itself: this fault usually does so within that time"
    NOT_LOOKED = "nobody looked at fresh logs"


# What is not credited to the action.
HEALED = frozenset({Because.ENDED, Because.FADING, Because.ALIKE, Because.USUAL})


@dataclass(frozen=True, slots=True)
class Samples:
    """What a verification looks at: logs after the action settled, and the times that they are compared with."""

    after: Traffic
    anomalous: int  # of the fresh logs, of the incident's kind or any other
    errors: int  # of the fresh logs, at ERROR or above
    metric_mean: float | None  # of the verification's metric, where it has one
    during: Traffic = NOTHING  # from the incident's first log to the action
    usual: Traffic = NOTHING  # before the incident
    before: Reading = UNREAD  # the measure in the fault's last minute before the action
    pace: Pace = NO_PACE  # of the fault's own logs right before the action
    control: Control = NO_CONTROL  # the measure of services that the fault does not touch
    healed_after: tuple[float, ...] = ()  # seconds that such faults lasted without any action
    passed: float = 0.0  # seconds since the fault began


@dataclass(frozen=True, slots=True)
class Proof:
    """An outcome with the numbers that it compared, as the ledger keeps them."""

    outcome: Outcome
    because: Because
    compared: Mapping[str, object]

    def numbers(self) -> dict[str, object]:
        """What is stored beside the outcome."""
        return {"because": self.because, **self.compared}


NOT_LOOKED = Proof(Outcome.UNKNOWN, Because.NOT_LOOKED, {"value": None, "at_most": 0.0, "samples": 0})


def measured(samples: Samples, verification: Verification) -> float | None:
    """The value that the verification looks at; None without samples."""
    if not samples.after.logs:
        return None
    if verification.measure is Measure.METRIC:
        return samples.metric_mean
    counted = samples.anomalous if verification.measure is Measure.ANOMALY_RATE else samples.errors
    return counted / samples.after.logs


def prove(samples: Samples, verification: Verification, *, finished_at: datetime, now: datetime) -> Proof | None:
    """The outcome, or None while it is too early for one.

    Good values end it after half of the time limit; bad ones get the whole of it.
    """
    elapsed = now - finished_at
    rule = next(rule for rule in RULES if rule.when(samples, verification))
    needed = verification.within * (WATCHED_SHARE if rule.outcome is Outcome.RECOVERED else 1.0)
    if elapsed < needed:
        return None
    return Proof(rule.outcome, rule.because, _compared(samples, verification))


def _compared(samples: Samples, verification: Verification) -> dict[str, object]:
    found: dict[str, object] = {
        "measure": verification.measure,
        "metric": verification.metric,
        "value": measured(samples, verification),
        "at_most": verification.at_most,
        "samples": samples.after.logs,
        "own_logs": samples.after.own,
        "logs_per_second": round(samples.after.rate, 2),
        "usual_logs_per_second": round(samples.usual.rate, 2),
        "before": samples.before.value,
    }
    if samples.control != NO_CONTROL:
        found |= {"others_before": samples.control.before.value, "others_after": samples.control.after.value}
    return found


# --- the rules --------------------------------------------------------------------------------------


def too_few(samples: Samples, verification: Verification) -> bool:
    """Whether there are fewer fresh logs than the playbook takes for evidence."""
    return samples.after.logs < verification.min_samples


def without_value(samples: Samples, verification: Verification) -> bool:
    """Whether no fresh log says anything about the measure."""
    return measured(samples, verification) is None


def above(samples: Samples, verification: Verification) -> bool:
    """Whether the measure is not back."""
    value = measured(samples, verification)
    return value is not None and value > verification.at_most


def grew(samples: Samples, verification: Verification) -> bool:
    """Whether the measure is clearly worse than before the action, each time with enough samples.

    Of a fault that had just begun nobody knows how far it would have grown by itself.
    """
    value, before = measured(samples, verification), samples.before
    if value is None or before.value is None or before.logs < verification.min_samples:
        return False
    if before.seconds < SHORTEST_SECONDS:
        return False
    scale = abs(verification.at_most) if verification.measure is Measure.METRIC else 1.0
    worse = value >= before.value * WORSE_TIMES and value - before.value >= WORSE_BY * scale
    return above(samples, verification) and worse


def goes_on(samples: Samples, _verification: Verification) -> bool:
    """Whether the fault's own logs still come, at more than a small part of their pace before the action."""
    before = samples.during.own / max(samples.during.seconds, SHORTEST_SECONDS)
    return samples.after.own > max(STRAGGLERS, before * LEFT_SHARE * samples.after.seconds)


def others_recovered_alike(samples: Samples, verification: Verification) -> bool:
    """Whether services that the fault does not touch had it as well, and lost it at the same time."""
    return samples.control.recovered_alike(samples.before, verification.at_most, enough=verification.min_samples)


@dataclass(frozen=True, slots=True)
class Rule:
    """When this holds, that is the outcome."""

    when: Callable[[Samples, Verification], bool]
    outcome: Outcome
    because: Because


# In this order: the first rule that holds decides. What is wrong with little traffic is wrong all the same.
RULES: tuple[Rule, ...] = (
    Rule(too_few, Outcome.UNKNOWN, Because.TOO_FEW),
    Rule(without_value, Outcome.UNKNOWN, Because.NO_VALUE),
    Rule(grew, Outcome.WORSE, Because.GREW),
    Rule(above, Outcome.INEFFECTIVE, Because.MEASURE),
    Rule(goes_on, Outcome.INEFFECTIVE, Because.OWN_LOGS),
    Rule(lambda samples, _: traffic_is_gone(samples.after, samples.usual), Outcome.UNKNOWN, Because.TRAFFIC),
    Rule(lambda samples, _: ended_before(samples.pace), Outcome.UNKNOWN, Because.ENDED),
    Rule(lambda samples, _: fading(samples.pace), Outcome.UNKNOWN, Because.FADING),
    Rule(others_recovered_alike, Outcome.UNKNOWN, Because.ALIKE),
    Rule(lambda samples, _: heals_by_then(samples.healed_after, samples.passed), Outcome.UNKNOWN, Because.USUAL),
    Rule(lambda _samples, _verification: True, Outcome.RECOVERED, Because.HEALTHY),
)
