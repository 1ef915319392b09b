"""A candidate model from stored normal logs: fitted on the earlier ones, and what it would flag of the later ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.alarm_verdicts import Said
from ml.detectors.joint_deviation import JointDeviation
from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from ml.detectors.service_model import ServiceModel
from ml.lines import Line
from ml.lines.habits import LineHabits
from ml.training_lines import MOST_LINES, SAID, as_lines, labels_of

# The detector that is fitted and judged.
Candidate = ServiceModel

# The column of event times; see SERVICE.
TIME = "(timestamp)"
# Share of the logs, the earliest, that the candidate is fitted on; it is judged by what comes later.
FIT_SHARE = 0.7
# Share of those, again the earliest, that what drifts is found from in the rest of them.
STEADY_SHARE = 5 / 7
# Rows of a service, or of one of its metrics, below which nothing is learned about it.
LEAST_ROWS = 30
# A metric that leaves its normal range in more than this share of further, normal logs is no use.
MOST_UNSTEADY = 0.005

Fit = Callable[[pd.DataFrame], ServiceDeviation]
Pairs = NDArray[np.bool_]  # shape (n_services, n_metrics)


@dataclass(frozen=True, slots=True)
class Trained:
    """A candidate, and what it comes to on normal logs that it was not fitted on."""

    candidate: Candidate | None  # None where there is too little to learn from
    split_at: datetime | None  # it knows nothing of logs from then on
    rows_fitted: int = 0
    rows_judged: int = 0
    flagged_ratio: float = 0.0  # share of the later rows that the candidate would flag
    unsteady: tuple[str, ...] = ()  # "service metric" pairs that drift, so that it does not look at them
    apart: tuple[str, ...] = ()  # services whose metrics do not keep going together
    thin: int = 0  # pairs with too few values to learn from
    lines: int = 0  # that habits were learned from
    told: tuple[int, int] = (0, 0)  # of these, lines of false alarms and of real incidents
    seen: tuple[tuple[str, str], ...] = ()  # (service, metric) pairs of the later rows


NOTHING = Trained(None, None)


def fitted(frame: pd.DataFrame) -> ServiceDeviation:
    """What is normal for each metric, of a frame with the column SERVICE and one float column per metric."""
    return ServiceDeviation().fit(frame)


def train(frame: pd.DataFrame, lines: pd.DataFrame | None = None, *, fit: Fit = fitted) -> Trained:
    """Fit a candidate on the earlier normal logs.

    `frame`: columns TIME, SERVICE and one float column per metric, in any order; `lines`: columns TIME, SERVICE and
    those of `ml.training_lines`, in any order; `fit`: how metrics are learned, if not here and at once.
    """
    frame = frame.sort_values(TIME, kind="stable")
    metrics = [name for name in frame.columns if name not in (TIME, SERVICE)]
    if frame.empty or not metrics:
        return NOTHING
    # One moment for all services: live, too, a model knows of none of them what came after it.
    split_at = frame[TIME].iloc[int(len(frame) * FIT_SHARE)]
    early, later = _known(frame[frame[TIME] < split_at]), frame[frame[TIME] >= split_at]
    if early.empty:
        return Trained(None, split_at)
    thin = _thin(early, metrics)
    unsteady, apart = _drifting(early, thin, fit)
    deviation = fit(early[[SERVICE, *metrics]])
    said = _lines_before(lines, split_at)
    candidate = Candidate(ServiceDeviation(), JointDeviation(), LineHabits())
    candidate.fit(
        early[[SERVICE, *metrics]],
        deviation=deviation,
        blind=unsteady | thin,
        lines=said.lines,
        labels=said.labels,
    )
    candidate = candidate.blind_jointly(apart)
    return Trained(
        candidate,
        split_at,
        len(early),
        len(later),
        float(np.mean(candidate.predict(later[[SERVICE, *metrics]]) < 0)),
        tuple(f"{candidate.services_[row]} {candidate.metrics_[column]}" for row, column in np.argwhere(unsteady)),
        tuple(candidate.services_[row] for row in np.flatnonzero(apart)),
        int(thin.sum()),
        len(said.lines),
        (said.labels.count(0), said.labels.count(1)),
        tuple(_pairs(later, metrics)),
    )


@dataclass(frozen=True, slots=True)
class _Said:
    lines: list[Line]  # in order of time
    labels: list[int | None]


def _lines_before(frame: pd.DataFrame | None, split_at: datetime) -> _Said:
    """The lines before a moment with their labels; of too many the newest.

    What people called a false alarm is no guess from data: it is known at once, however late it was.
    """
    if frame is None or frame.empty:
        return _Said([], [])
    told = (frame[TIME] < split_at) | (frame[SAID] == int(Said.FALSE))
    early = frame[told].sort_values(TIME, kind="stable").tail(MOST_LINES)
    lines = as_lines(early, time=TIME, service=SERVICE)
    return _Said(lines, labels_of(lines, early[SAID].tolist()))


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    """Without services of which there is too little."""
    counts = frame[SERVICE].value_counts()
    return frame[frame[SERVICE].isin(counts[counts >= LEAST_ROWS].index)]


def _drifting(early: pd.DataFrame, thin: Pairs, fit: Fit) -> tuple[Pairs, NDArray[np.bool_]]:
    """The pairs that leave their range by themselves, as uptimes and counters do; and services whose metrics part.

    Found within the earlier logs, so that the later ones stay unseen. All services count, in order of their names.
    """
    metrics = [name for name in early.columns if name not in (TIME, SERVICE)]
    turn = early[TIME].iloc[int(len(early) * STEADY_SHARE)]
    before, after = early[early[TIME] < turn], early[early[TIME] >= turn]
    services = sorted(early[SERVICE].unique())
    found, apart = np.zeros((len(services), len(metrics)), bool), np.zeros(len(services), bool)
    if before.empty:
        return found, apart
    first = fit(before[[SERVICE, *metrics]])
    mine = np.searchsorted(services, first.services_)
    found[mine] = _unsteady(first, after)
    first = first.without((found | thin)[mine])
    joint = JointDeviation().fit(before, first)
    far = joint.measure(first.codes(after[SERVICE]), after[metrics].to_numpy(float)).reach > 1
    share = pd.Series(far).groupby(after[SERVICE].to_numpy()).mean()
    apart = np.isin(services, share.index[share.to_numpy() > MOST_UNSTEADY])
    return found, apart


def _unsteady(candidate: ServiceDeviation, later: pd.DataFrame) -> Pairs:
    codes = candidate.codes(later[SERVICE])
    unsteady = np.zeros(candidate.center_.shape, bool)
    for index, name in enumerate(candidate.metrics_):
        far = candidate.measure(codes, {name: later[name].to_numpy(float)}).reach > 1
        share = pd.Series(far[codes >= 0]).groupby(codes[codes >= 0]).mean()
        unsteady[share.index.to_numpy(np.intp), index] = share.to_numpy() > MOST_UNSTEADY
    return unsteady


def _thin(early: pd.DataFrame, metrics: list[str]) -> Pairs:
    """The pairs of which some values were seen, and too few; services in order of their names."""
    counts = early.groupby(SERVICE, sort=True)[metrics].count().to_numpy()
    thin: Pairs = (counts > 0) & (counts < LEAST_ROWS)
    return thin


def _pairs(frame: pd.DataFrame, metrics: list[str]) -> list[tuple[str, str]]:
    counts = frame.groupby(SERVICE, sort=True)[metrics].count()
    return [(str(counts.index[row]), metrics[column]) for row, column in np.argwhere(counts.to_numpy() > 0)]
