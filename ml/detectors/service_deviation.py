"""A detector: how far a service's metrics are from what they were in normal times."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float64]

# The column that says whose row it is; no metric that a producer names is taken for it.
SERVICE = "(service)"
# From the median absolute deviation to the standard deviation of a normal distribution.
MAD_TO_SIGMA = 1.4826
# The same from the width between the 1st and the 99th percentile.
WIDTH_TO_SIGMA = 1 / 4.65


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far each row is from normal, at its worst metric; arrays of shape (n_rows,)."""

    reach: Floats  # 1 is as far as the detector calls normal; 0 where nothing is known
    metric: NDArray[np.int16]  # index into `metrics_`, −1 where nothing is known
    value: Floats
    center: Floats
    spread: Floats


class ServiceDeviation(OutlierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Score each row by its worst metric's distance from its service's median.

    The distance is measured in robust standard deviations and divided by the farthest that normal
    rows went, so that a metric with a heavy tail may go farther than a steady one. Method: the
    median/MAD rule of Iglewicz and Hoaglin, *How to Detect and Handle Outliers*, 1993.

    Parameters
    ----------
    margin : float, default=1.5
        How much farther than any row of the training a row may go and still be normal.
    least : float, default=8.0
        Distance in standard deviations that is always normal.
    relative_floor : float, default=0.1
        Smallest spread, as a share of the median.
    floor : float, default=0.02
        Smallest spread in the metric's own unit, so that a constant zero has one.
    count_floor : float, default=0.5
        Smallest spread of what was seen as whole numbers that differ: a count that was 0 or 1 in a short
        training may as well be 2. A count that differs in one service may do so in another, where it was 0.
    """

    def __init__(
        self,
        margin: float = 1.5,
        least: float = 8.0,
        relative_floor: float = 0.1,
        floor: float = 0.02,
        count_floor: float = 0.5,
    ) -> None:
        self.margin = margin
        self.least = least
        self.relative_floor = relative_floor
        self.floor = floor
        self.count_floor = count_floor

    def fit(self, X: pd.DataFrame, y: object = None) -> ServiceDeviation:
        """Learn from a frame with a column `SERVICE` and one float column per metric (NaN where absent)."""
        self.metrics_ = [str(name) for name in X.columns if name != SERVICE]
        self.feature_names_in_ = np.array([SERVICE, *self.metrics_], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        groups = X.groupby(SERVICE, sort=True)[self.metrics_]
        center = pd.DataFrame(groups.median())
        self.services_ = [str(name) for name in center.index]
        away = (X[self.metrics_] - center.reindex(X[SERVICE]).to_numpy()).abs()
        mad = away.groupby(X[SERVICE]).median().to_numpy(float)
        width = (groups.quantile(0.99) - groups.quantile(0.01)).to_numpy(float)
        floor = np.maximum(self.relative_floor * center.abs().to_numpy(float), self.floor)
        counts = self._counts(X, groups.nunique().to_numpy() > 1, center.to_numpy(float))
        floor = np.where(counts, np.maximum(floor, self.count_floor), floor)
        spread = pd.DataFrame(
            np.maximum(np.maximum(MAD_TO_SIGMA * mad, WIDTH_TO_SIGMA * width), floor),
            index=center.index,
            columns=self.metrics_,
        )
        distance = pd.DataFrame(away / spread.reindex(X[SERVICE]).to_numpy())
        farthest = distance.groupby(X[SERVICE]).max()
        self.center_: Floats = center.to_numpy(float)
        self.spread_: Floats = spread.to_numpy(float)
        self.highest_: Floats = groups.max().to_numpy(float)
        self.reach_: Floats = np.maximum(self.margin * farthest.to_numpy(float), self.least)
        return self

    def _counts(self, X: pd.DataFrame, wavers: NDArray[np.bool_], center: Floats) -> NDArray[np.bool_]:
        """Whether each metric of each service is a count that may go farther than it was seen to.

        What was always 0 here may, where it is a count that wavers elsewhere.
        """
        whole = ((X[self.metrics_] % 1).fillna(0) == 0).all(axis=0).to_numpy(bool)
        counts: NDArray[np.bool_] = whole & (wavers | (wavers.any(axis=0) & (center == 0)))
        return counts

    def without(self, unsteady: NDArray[np.bool_]) -> ServiceDeviation:
        """The same detector, blind to the (service, metric) pairs that are true in `unsteady`."""
        found = copy(self)
        found.center_ = np.where(unsteady, np.nan, self.center_)
        return found

    def codes(self, services: pd.Series) -> NDArray[np.intp]:
        """Row of each service in `center_`, −1 for an unknown one."""
        return pd.Index(self.services_).get_indexer(pd.Index(services))

    def measure(self, codes: NDArray[np.intp], columns: dict[str, Floats]) -> Deviation:
        """How far each row is from normal.

        `codes`: shape (n_rows,), from `codes`; `columns`: metric name to values of shape (n_rows,).
        """
        check_is_fitted(self)
        rows = len(codes)
        reach, metric = np.zeros(rows), np.full(rows, -1, np.int16)
        value, at, width = np.full(rows, np.nan), np.full(rows, np.nan), np.full(rows, np.nan)
        unknown = codes < 0
        for index, name in enumerate(self.metrics_):
            if name not in columns:
                continue
            center = np.where(unknown, np.nan, self.center_[codes, index])
            spread = self.spread_[codes, index]
            with np.errstate(invalid="ignore"):
                far = np.abs(columns[name] - center) / (spread * self.reach_[codes, index])
                worse = far > reach
            reach[worse], metric[worse], value[worse] = far[worse], index, columns[name][worse]
            at[worse], width[worse] = center[worse], spread[worse]
        return Deviation(reach, metric, value, at, width)

    def reaches(self, codes: NDArray[np.intp], columns: dict[str, Floats]) -> Floats:
        """How far each metric of each row is from normal; shape (n_rows, n_metrics), 0 where unknown."""
        check_is_fitted(self)
        values = np.full((len(codes), len(self.metrics_)), np.nan)
        for index, name in enumerate(self.metrics_):
            if name in columns:
                values[:, index] = columns[name]
        with np.errstate(invalid="ignore"):
            far = np.abs(values - self.center_[codes]) / (self.spread_[codes] * self.reach_[codes])
        known = (codes >= 0)[:, None] & ~np.isnan(far)
        return np.where(known, far, 0.0)

    def score_samples(self, X: pd.DataFrame) -> Floats:
        """Lower is more abnormal, −1 is the edge of normal; shape (n_rows,)."""
        check_is_fitted(self)
        columns = {name: X[name].to_numpy(float) for name in self.metrics_}
        return -self.measure(self.codes(X[SERVICE]), columns).reach

    def predict(self, X: pd.DataFrame) -> NDArray[np.int_]:
        """1 for normal rows, −1 for outliers; shape (n_rows,)."""
        return np.where(self.score_samples(X) < -1, -1, 1)
