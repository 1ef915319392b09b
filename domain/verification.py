"""Did it help? Judged from logs that arrived after the action; no logs are no success."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.plans import Measure, Verification

# A service that was just restarted may still fail requests that were under way.
SETTLING = timedelta(seconds=5)
# "Recovered" needs this share of the time limit: what returns slowly looks healthy for the first seconds.
WATCHED_SHARE = 0.5


class Verdict(StrEnum):
    """What fresh logs say about an action."""

    RECOVERED = "recovered"
    INEFFECTIVE = "ineffective"
    UNKNOWN = "unknown"  # too few fresh logs to say anything


@dataclass(frozen=True, slots=True)
class Samples:
    """Logs of a service whose event time is after the action settled."""

    logs: int
    anomalous: int  # of the incident's kind or any other
    errors: int  # at ERROR or above
    metric_mean: float | None  # of the verification's metric, where it has one


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with the numbers that it compared."""

    verdict: Verdict
    value: float | None
    at_most: float
    samples: int

    def numbers(self) -> dict[str, object]:
        """What the ledger keeps."""
        return {"value": self.value, "at_most": self.at_most, "samples": self.samples}


def measured(samples: Samples, verification: Verification) -> float | None:
    """The value that the verification looks at; None without samples."""
    if not samples.logs:
        return None
    if verification.measure is Measure.METRIC:
        return samples.metric_mean
    counted = samples.anomalous if verification.measure is Measure.ANOMALY_RATE else samples.errors
    return counted / samples.logs


def outcome(samples: Samples, verification: Verification, *, finished_at: datetime, now: datetime) -> Outcome | None:
    """The verdict, or None while it is too early for one.

    Good values end it after half of the time limit; bad ones get the whole of it.
    """
    value = measured(samples, verification)
    enough = samples.logs >= verification.min_samples and value is not None
    elapsed = now - finished_at
    if (
        enough
        and value is not None
        and value <= verification.at_most
        and elapsed >= verification.within * WATCHED_SHARE
    ):
        return Outcome(Verdict.RECOVERED, value, verification.at_most, samples.logs)
    if elapsed < verification.within:
        return None
    verdict = Verdict.INEFFECTIVE if enough else Verdict.UNKNOWN
    return Outcome(verdict, value, verification.at_most, samples.logs)
