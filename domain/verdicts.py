"""Is this log an anomaly, how sure is that, and why: one verdict per log, held as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Reason(IntEnum):
    """What the confidence of a verdict rests on; stored with every log."""

    NOTHING = 0  # no rule and no model saw anything
    WORDS = 1  # a level and words of failure in the message
    LIMIT = 2  # a metric beyond a fixed limit, where no model saw such a value in normal times
    DEVIATION = 3  # a metric far from what the champion learned for this service
    UNSCORED = 4  # detection is switched off
    TOGETHER = 6  # words of failure beside metrics that are higher than they should be
    MINUTE = 5  # what a service did in a minute, not one of its logs
    HABIT = 7  # a level or a text that the champion knows to be rare or usual for this service
    JOINTLY = 8  # metrics that do not go together as the champion learned for this service, each normal by itself


@dataclass(frozen=True, slots=True)
class Finding:
    """What one source (a rule or the model) makes of every log of a batch."""

    confidence: NDArray[np.float32]  # shape (n_logs,), 0 normal … 1 anomalous
    reason: Reason
    metrics: tuple[str, ...]  # metric names that `metric` points into
    metric: NDArray[np.int16]  # shape (n_logs,), index into `metrics`, −1 where none
    value: NDArray[np.float64]  # the metric's value, NaN where none
    normal: NDArray[np.float64]  # the limit or centre that it was compared with
    spread: NDArray[np.float64]  # how far it may be from it, NaN where that has no meaning
    note: NDArray[np.intp] | None = None  # shape (n_logs,), index into `notes`, −1 where none
    notes: tuple[Mapping[str, object], ...] = ()  # further numbers, each of many logs

    def take(self, rows: NDArray[np.intp]) -> Finding:
        """What it makes of these logs alone, in that order; it holds nothing of the others."""
        note, notes = None, self.notes
        if self.note is not None:
            used, place = np.unique(self.note[rows], return_inverse=True)
            kept = used[used >= 0].tolist()
            note, notes = (place - (len(used) - len(kept))).astype(np.intp), tuple(self.notes[at] for at in kept)
        return Finding(
            self.confidence[rows],
            self.reason,
            self.metrics,
            self.metric[rows],
            self.value[rows],
            self.normal[rows],
            self.spread[rows],
            note,
            notes,
        )


@dataclass(frozen=True, slots=True)
class Abnormal:
    """One metric of one log that is anomalous by itself."""

    metric: str
    direction: str  # "high" or "low"
    confidence: float  # 0–1, at least the threshold


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdict on every log of a batch."""

    confidence: NDArray[np.float32]  # shape (n_logs,), 0 normal … 1 anomalous
    reason: NDArray[np.int8]  # shape (n_logs,), values of Reason
    finding: NDArray[np.int8]  # shape (n_logs,), index into `findings`
    findings: tuple[Finding, ...]
    threshold: float  # confidence from which on a log is an anomaly
    model: int  # version of the champion, 0 when rules decided alone
    # Row -> every abnormal metric of that log, the surest first, whichever finding was surest.
    abnormal: Mapping[int, tuple[Abnormal, ...]] = field(default_factory=dict)
    fallback: str = ""  # why rules decided alone

    @property
    def anomalous(self) -> NDArray[np.bool_]:
        """Shape (n_logs,)."""
        return self.confidence >= np.float32(self.threshold)

    def take(self, rows: NDArray[np.intp]) -> Verdicts:
        """The verdicts on these logs alone, in that order."""
        return replace(
            self,
            confidence=self.confidence[rows],
            reason=self.reason[rows],
            finding=self.finding[rows],
            findings=tuple(one.take(rows) for one in self.findings),
            abnormal={at: self.abnormal[row] for at, row in enumerate(rows.tolist()) if row in self.abnormal},
        )

    def numbers(self, row: int) -> Mapping[str, object]:
        """The numbers that the verdict on one row compared."""
        found: dict[str, object] = {
            "confidence": round(float(self.confidence[row]), 4),
            "threshold": self.threshold,
        }
        finding = self.findings[int(self.finding[row])]
        if finding.note is not None and (noted := int(finding.note[row])) >= 0:
            found |= finding.notes[noted]
        if (index := int(finding.metric[row])) >= 0:
            found |= {
                "metric": finding.metrics[index],
                "value": round(float(finding.value[row]), 6),
                "normal": round(float(finding.normal[row]), 6),
            }
            if not np.isnan(finding.spread[row]):
                found["spread"] = round(float(finding.spread[row]), 6)
        return found


def combine(findings: tuple[Finding, ...], *, threshold: float, model: int) -> Verdicts:
    """For each log the most confident finding; the earlier source wins a tie."""
    stacked = np.stack([finding.confidence for finding in findings])
    best = np.argmax(stacked, axis=0).astype(np.int8)
    confidence = stacked.max(axis=0)
    reasons = np.array([finding.reason for finding in findings], dtype=np.int8)[best]
    # What nobody scored is not what nobody objected to.
    reasons[(confidence <= 0) & (reasons != Reason.UNSCORED)] = Reason.NOTHING
    return Verdicts(confidence, reasons, best, findings, threshold, model)


def silent(rows: int, reason: Reason) -> Finding:
    """A finding that says nothing about `rows` logs."""
    nothing = np.full(rows, np.nan)
    return Finding(np.zeros(rows, np.float32), reason, (), np.full(rows, -1, np.int16), nothing, nothing, nothing)
