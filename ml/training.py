"""A candidate model from stored logs: gate the data, fit, judge on later logs, promote or refuse."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from ml.detectors.service_deviation import SERVICE, ServiceDeviation

# The detector that is fitted and judged.
Candidate = ServiceDeviation

# The column of event times; see SERVICE.
TIME = "(timestamp)"
# Share of the logs, the earliest, that the candidate is fitted on; it is judged on the rest.
FIT_SHARE = 0.7
# Rows of a service below which nothing is learned about it.
LEAST_ROWS = 30
# A metric that leaves its normal range in more than this share of later, normal logs is no use.
MOST_UNSTEADY = 0.005
# A candidate that would flag more than this share of later, normal logs is refused.
MOST_FLAGGED = 0.01


class Refusal(StrEnum):
    """Why a candidate was not promoted."""

    NO_DATA = "not enough normal logs"
    NOISY = "would flag too many normal logs"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What training found; `refusal` is None when the candidate may be promoted."""

    candidate: Candidate | None
    refusal: Refusal | None
    rows_fitted: int
    rows_judged: int
    services: int
    flagged_ratio: float  # share of the judged rows that the candidate would flag
    unsteady: tuple[str, ...]  # "service metric" pairs that it does not look at


def train(frame: pd.DataFrame) -> Judgement:
    """Fit and judge a candidate on normal logs.

    `frame`: columns TIME, SERVICE and one float column per metric, in any order.
    """
    frame = frame.sort_values(TIME, kind="stable")
    counts = frame[SERVICE].value_counts()
    frame = frame[frame[SERVICE].isin(counts[counts >= LEAST_ROWS].index)]
    metrics = [name for name in frame.columns if name not in (TIME, SERVICE)]
    if frame.empty or not metrics:
        return Judgement(None, Refusal.NO_DATA, 0, 0, 0, 0.0, ())
    # Split within each service, so that each is both learned and judged.
    position = frame.groupby(SERVICE).cumcount() / frame[SERVICE].map(counts)
    early, later = frame[position < FIT_SHARE], frame[position >= FIT_SHARE]
    candidate = Candidate().fit(early[[SERVICE, *metrics]])
    unsteady = _unsteady(candidate, later)
    candidate = candidate.without(unsteady)
    flagged = float(np.mean(candidate.predict(later[[SERVICE, *metrics]]) < 0)) if len(later) else 0.0
    names = tuple(f"{candidate.services_[row]} {candidate.metrics_[column]}" for row, column in np.argwhere(unsteady))
    refusal = Refusal.NOISY if flagged > MOST_FLAGGED else None
    return Judgement(candidate, refusal, len(early), len(later), len(candidate.services_), flagged, names)


def _unsteady(candidate: Candidate, later: pd.DataFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """The (service, metric) pairs that drift: uptimes, counters, caches that fill."""
    codes = candidate.codes(later[SERVICE])
    unsteady = np.zeros(candidate.center_.shape, bool)
    for index, name in enumerate(candidate.metrics_):
        far = candidate.measure(codes, {name: later[name].to_numpy(float)}).reach > 1
        share = pd.Series(far).groupby(codes).mean()
        unsteady[share.index.to_numpy(), index] = share.to_numpy() > MOST_UNSTEADY
    return unsteady
