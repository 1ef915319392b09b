"""What a model would have made of logs that are past: the live scoring and the live fold over them, without effects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.correlation import Classify, Correlation, Fold
from domain.folded import Known
from domain.incidents import Incident, State
from domain.inventory import Inventory
from domain.logs import LogBatch
from domain.verdicts import Verdicts
from ml.anomalies import anomalies
from ml.promotion import Record
from ml.scoring import Champion, score

BINS = 20  # of confidences
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Past:
    """Logs in order of event time, and what became of them; arrays of shape (n_logs,)."""

    batch: LogBatch
    usual: NDArray[np.bool_]  # neither around a confirmed incident nor silenced
    incident: NDArray[np.int64]  # id of the confirmed incident that a log is of, 0 for none


@dataclass(frozen=True)
class Deciding:
    """What decides beside the model, as live."""

    threshold: float  # confidence from which on a log is an anomaly
    rules: Correlation
    classify: Classify
    inventory: Inventory = field(default_factory=Inventory)


@dataclass
class Replay:
    """One model over the past, batch after batch."""

    model: Champion | None  # None: rules alone
    deciding: Deciding
    logs: int = 0
    failed: str = ""
    opened: dict[int, Incident] = field(default_factory=dict)  # by identity, as none has an id
    pages: int = 0  # that usual times would have made
    all_of: dict[int, list[int]] = field(default_factory=dict)  # incident -> times of its logs, in microseconds
    flagged_of: dict[int, list[int]] = field(default_factory=dict)  # … of those that are anomalous here
    flagged_usual: list[int] = field(default_factory=list)  # times
    confidences: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, BINS), np.int64))  # usual, incident

    def __post_init__(self) -> None:
        rules, classify = self.deciding.rules, self.deciding.classify
        self.fold = Fold(Known(), rules=rules, classify=classify, inventory=self.deciding.inventory, now=None)

    def run(self, pasts: Iterable[Past]) -> Replay:
        """Take all of it, in order."""
        for past in pasts:
            self._take(past)
        return self

    def _take(self, past: Past) -> None:
        verdicts = score(past.batch, self.model, threshold=self.deciding.threshold)
        self.failed = self.failed or verdicts.fallback
        self._of_usual_times(past, verdicts)
        self._of_incidents(past, verdicts)

    def _of_usual_times(self, past: Past, verdicts: Verdicts) -> None:
        self.logs += int(past.usual.sum())
        folded = self.fold.run(one for one in anomalies(past.batch, verdicts) if past.usual[one.row])
        self.opened.update({id(one): one for one in folded.touched.values()})
        self.pages += len(folded.pages)
        self.flagged_usual += _times(past.batch)[past.usual & verdicts.anomalous].tolist()
        self.confidences[0] += _histogram(verdicts.confidence[past.usual])

    def _of_incidents(self, past: Past, verdicts: Verdicts) -> None:
        times, of = _times(past.batch), past.incident
        for rows, held in ((of > 0, self.all_of), ((of > 0) & verdicts.anomalous, self.flagged_of)):
            for incident, at in zip(of[rows].tolist(), times[rows].tolist(), strict=True):
                held.setdefault(incident, []).append(at)
        self.confidences[1] += _histogram(verdicts.confidence[of > 0])

    def record(self, seen: Sequence[tuple[str, str]]) -> Record:
        """What it comes to; `seen`: the (service, metric) pairs of usual times."""
        enough = self.deciding.rules.confirm_logs
        shown = {one: min(times) for one, times in self.all_of.items() if len(times) >= enough}
        when = {one: sorted(self.flagged_of.get(one, [])) for one in shown}
        delays = [
            (when[one][enough - 1] - first) / MICROSECONDS for one, first in shown.items() if len(when[one]) >= enough
        ]
        return Record(
            logs=self.logs,
            flagged=len(self.flagged_usual),
            false_incidents=sum(_is_confirmed(one) for one in self.opened.values()),
            false_pages=self.pages,
            incidents=len(shown),
            found=len(delays),
            seconds=median(delays) if delays else None,
            pairs=len(seen),
            covered=sum(covers(self.model, pair) for pair in seen),
            failed=self.failed,
        )


def covers(model: Champion | None, pair: tuple[str, str]) -> bool:
    """Whether the model knows what is normal for that metric of that service."""
    if model is None:
        return False
    service, metric = pair
    detector = model.detector
    if service not in detector.services_ or metric not in detector.metrics_:
        return False
    center = detector.center_[detector.services_.index(service), detector.metrics_.index(metric)]
    return not bool(np.isnan(center))


def _is_confirmed(incident: Incident) -> bool:
    return incident.confirmed_at is not None and incident.state is not State.MERGED


def _times(batch: LogBatch) -> NDArray[np.int64]:
    found: NDArray[np.int64] = batch.frame["timestamp"].cast(pa.int64()).to_numpy()
    return found


def _histogram(confidences: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.histogram(confidences, bins=BINS, range=(0, 1))[0].astype(np.int64)
