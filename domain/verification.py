"""Did it help? Judged from logs that arrived after the action, against those from before and those of others.

No logs are no success, fewer logs than usual are none either, and a fault of which a part goes on is not mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.plans import Measure, Verification

# A service that was just restarted may still fail requests that were under way.
SETTLING = timedelta(seconds=5)
# "Recovered" needs this share of the time limit: what returns slowly looks healthy for the first seconds.
WATCHED_SHARE = 0.5
# Of the fault's own logs per second before the action at most this share may still come.
LEFT_SHARE = 0.1
# A fault's pace is not judged by a shorter time: its first logs come in a burst.
SHORTEST_SECONDS = 30.0
# What was under way may fail late.
STRAGGLERS = 1
# So much of the usual traffic, less what all others lost too, must be there to be judged.
ALIKE_SHARE = 0.5


class Outcome(StrEnum):
    """What fresh logs say about an action."""

    RECOVERED = "recovered"
    INEFFECTIVE = "ineffective"
    UNKNOWN = "unknown"  # too few fresh logs to say anything


class Because(StrEnum):
    """What the outcome rests on."""

    HEALTHY = "the measure is back and the fault's own logs are gone"
    MEASURE = "the measure is not back"
    OWN_LOGS = "the fault's own logs go on"
    TOO_FEW = "too few fresh logs"
    NO_VALUE = "no fresh log carries the metric"
    TRAFFIC = "most of the usual traffic is gone"
    NOT_LOOKED = "nobody looked at fresh logs"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was seen within some time."""

    logs: int  # of the service
    own: int  # of them, logs of the incident itself
    seconds: float
    others: int = 0  # logs of all other services: what happens to everybody

    @property
    def rate(self) -> float:
        """The service's logs per second."""
        return self.logs / self.seconds if self.seconds > 0 else 0.0


NOTHING = Traffic(0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Samples:
    """What a verification looks at: logs after the action settled, and the times that they are compared with."""

    after: Traffic
    anomalous: int  # of the fresh logs, of the incident's kind or any other
    errors: int  # of the fresh logs, at ERROR or above
    metric_mean: float | None  # of the verification's metric, where it has one
    during: Traffic = NOTHING  # from the incident's first log to the action
    usual: Traffic = NOTHING  # before the incident


@dataclass(frozen=True, slots=True)
class Proof:
    """An outcome with the numbers that it compared."""

    outcome: Outcome
    because: Because
    value: float | None
    at_most: float
    samples: int
    own: int = 0
    rate: float = 0.0  # logs per second, fresh
    usual_rate: float = 0.0  # logs per second before the incident

    def numbers(self) -> dict[str, object]:
        """What the ledger keeps."""
        return {
            "because": self.because,
            "value": self.value,
            "at_most": self.at_most,
            "samples": self.samples,
            "own_logs": self.own,
            "logs_per_second": round(self.rate, 2),
            "usual_logs_per_second": round(self.usual_rate, 2),
        }


def proof_words(numbers: Mapping[str, Any], measure: str) -> str:
    """What a verification compared, for people."""
    value = numbers.get("value")
    shown = "no value" if value is None else f"{value:.3g}"
    return (
        f"{numbers.get('because', 'judged')}: {measure} {shown}, at most {numbers.get('at_most', 0):g},"
        f" in {numbers.get('samples', 0)} fresh logs, {numbers.get('own_logs', 0)} of them the fault's own"
    )


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
    outcome, because = _found(samples, verification)
    if outcome is Outcome.RECOVERED and elapsed < verification.within * WATCHED_SHARE:
        return None
    if outcome is not Outcome.RECOVERED and elapsed < verification.within:
        return None
    return Proof(
        outcome,
        because,
        measured(samples, verification),
        verification.at_most,
        samples.after.logs,
        samples.after.own,
        samples.after.rate,
        samples.usual.rate,
    )


def _found(samples: Samples, verification: Verification) -> tuple[Outcome, Because]:
    value = measured(samples, verification)
    if samples.after.logs < verification.min_samples:
        return Outcome.UNKNOWN, Because.TOO_FEW
    if value is None:
        return Outcome.UNKNOWN, Because.NO_VALUE
    # What is still wrong is wrong with little traffic, too.
    if value > verification.at_most:
        return Outcome.INEFFECTIVE, Because.MEASURE
    if goes_on(samples):
        return Outcome.INEFFECTIVE, Because.OWN_LOGS
    if traffic_is_gone(samples):
        return Outcome.UNKNOWN, Because.TRAFFIC
    return Outcome.RECOVERED, Because.HEALTHY


def goes_on(samples: Samples) -> bool:
    """Whether the fault's own logs still come, at more than a small part of their pace before the action."""
    before = samples.during.own / max(samples.during.seconds, SHORTEST_SECONDS)
    return samples.after.own > max(STRAGGLERS, before * LEFT_SHARE * samples.after.seconds)


def traffic_is_gone(samples: Samples) -> bool:
    """Whether far fewer logs come than usual, where it is not less everywhere."""
    usual = samples.usual
    if not usual.logs or usual.seconds <= 0 or samples.after.seconds <= 0:
        return False
    expected = usual.rate
    if usual.others and samples.after.others >= 0:
        elsewhere = (samples.after.others / samples.after.seconds) / (usual.others / usual.seconds)
        expected *= min(1.0, elsewhere)
    return samples.after.rate < expected * ALIKE_SHARE
