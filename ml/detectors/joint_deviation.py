"""A detector: how far the metrics of one log are from going together as they do in normal times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.covariance import LedoitWolf
from sklearn.utils.validation import check_is_fitted

from ml.detectors.service_deviation import SERVICE, Deviation, Floats, ServiceDeviation

# A service has so many sets of metrics that its logs carry, the most frequent, and each set so many metrics.
SETS, WIDEST = 3, 16
# Values farther than so many spreads from the median count as if they were there, while it is learned what fits.
CLIPPED = 3.0
# Share of each metric that is taken to be its own, so that what always went together may differ a little.
OWN = 0.02
# Rows that are looked at in one go, so that memory stays small.
CHUNK = 4096


@dataclass(frozen=True)
class Together:
    """One set of metrics that come together in a service."""

    service: int  # row in `center_`
    metrics: NDArray[np.intp]  # columns in `center_`, shape (n,)
    precision: Floats  # inverse of their correlation, shape (n, n)
    reach: float  # the distance that is as far as normal goes


class JointDeviation(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Score each row by how badly its metrics fit to each other, each of them being normal by itself.

    The distance is that of Mahalanobis over standardised metrics with a shrunk correlation (Ledoit and Wolf, *A
    well-conditioned estimator for large-dimensional covariance matrices*, 2004), divided by the farthest that normal
    rows went. Values are clipped before their correlation is learned, so that few that are far off do not make it.

    Parameters
    ----------
    margin : float, default=1.5
        How much farther than any row of the training a row may go and still be normal.
    least : float, default=8.0
        Distance that is always normal.
    least_rows : int, default=200
        Rows that carry a set of metrics, below which nothing is learned about it.
    """

    def __init__(self, margin: float = 1.5, least: float = 8.0, least_rows: int = 200) -> None:
        self.margin = margin
        self.least = least
        self.least_rows = least_rows

    def fit(self, X: pd.DataFrame, y: ServiceDeviation) -> JointDeviation:
        """Learn from the frame that `y`, which says what is normal for each metric, was fitted on."""
        self.center_, self.spread_, self.limit_ = y.center_, y.spread_, y.reach_
        values = X[y.metrics_].to_numpy(float)
        codes = y.codes(X[SERVICE])
        # Rows by service, found once: there may be a hundred thousand services.
        order = np.argsort(codes, kind="stable")
        begins = np.searchsorted(codes[order], np.arange(len(y.services_) + 1))
        enough = np.flatnonzero(np.diff(begins) >= self.least_rows)
        found = [one for at in enough.tolist() for one in self._sets(at, values[order[begins[at] : begins[at + 1]]])]
        self._keep(found)
        return self

    def without(self, services: NDArray[np.bool_]) -> JointDeviation:
        """The same detector, blind to the services that are true in `services`."""
        found = JointDeviation(**self.get_params())
        found.__dict__.update(vars(self))
        found.sets_ = self.sets_.copy()
        found.sets_[services] = -1
        return found

    def _sets(self, service: int, values: Floats) -> Iterator[Together]:
        """What is learned of one service from its rows."""
        z = (values - self.center_[service]) / self.spread_[service]
        known = ~np.isnan(z)
        patterns, counts = np.unique(known, axis=0, return_counts=True)
        for pattern in patterns[np.argsort(-counts, kind="stable")][:SETS]:
            metrics = np.flatnonzero(pattern)[:WIDEST]
            rows = z[known[:, metrics].all(axis=1)][:, metrics]
            if len(metrics) > 1 and len(rows) >= self.least_rows:
                precision = np.linalg.inv(_correlation(rows)).astype(np.float64)
                farthest = float(np.sqrt(np.einsum("ri,ij,rj->r", rows, precision, rows)).max())
                yield Together(service, metrics, precision, max(self.margin * farthest, self.least))

    def _keep(self, found: list[Together]) -> None:
        """As arrays that are looked up by row; what is not used of them is 0, or −1 for a column."""
        width = max((len(one.metrics) for one in found), default=0)
        self.sets_: NDArray[np.intp] = np.full((len(self.center_), SETS), -1, np.intp)
        self.columns_: NDArray[np.intp] = np.full((len(found), width), -1, np.intp)
        self.precision_: Floats = np.zeros((len(found), width, width))
        self.reach_: Floats = np.array([one.reach for one in found])
        for at, one in enumerate(found):
            many = len(one.metrics)
            self.columns_[at, :many] = one.metrics
            self.precision_[at, :many, :many] = one.precision
            self.sets_[one.service, int((self.sets_[one.service] >= 0).sum())] = at

    def measure(self, codes: NDArray[np.intp], values: Floats) -> Deviation:
        """How far each row is from what goes together; 0 where one of its metrics is beyond normal by itself.

        `codes`: row of each service in `center_`, −1 for an unknown one, shape (n_rows,); `values`: shape
        (n_rows, n_metrics), NaN where absent. The metric named is the one that fits the others least, and its centre
        is the value that the others let expect.
        """
        check_is_fitted(self)
        parts = [
            self._measured(codes[at : at + CHUNK], values[at : at + CHUNK])
            for at in range(0, max(1, len(codes)), CHUNK)
        ]
        names = ("reach", "metric", "value", "center", "spread")
        return Deviation(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def _measured(self, codes: NDArray[np.intp], values: Floats) -> Deviation:
        nothing = np.full(len(codes), np.nan)
        best = Deviation(
            np.zeros(len(codes)), np.full(len(codes), -1, np.int16), nothing, nothing.copy(), nothing.copy()
        )
        if not len(self.reach_):
            return best
        sets = np.where(codes[:, None] >= 0, self.sets_[codes], -1)
        z = (values - self.center_[codes]) / self.spread_[codes]
        with np.errstate(invalid="ignore"):
            far: NDArray[np.bool_] = np.greater(np.abs(z), self.limit_[codes])
        fits = ~far.any(axis=1)
        for slot in range(SETS):
            rows = np.flatnonzero(fits & (sets[:, slot] >= 0))
            if rows.size:
                self._take(best, rows, self._of_sets(codes[rows], sets[rows, slot], z[rows], values[rows]))
        return best

    def _of_sets(self, codes: NDArray[np.intp], of: NDArray[np.intp], z: Floats, values: Floats) -> Deviation:
        """What one set for each row makes of it; 0 where the row does not carry all of it."""
        columns = self.columns_[of]
        mine = np.where(columns >= 0, np.take_along_axis(z, np.maximum(columns, 0), axis=1), 0.0)
        mine[np.isnan(mine).any(axis=1)] = 0.0
        precision = self.precision_[of]
        pull = np.einsum("rij,rj->ri", precision, mine)
        far = np.sqrt(np.maximum(np.einsum("ri,ri->r", pull, mine), 0.0)) / self.reach_[of]
        own = np.sqrt(np.maximum(np.diagonal(precision, axis1=1, axis2=2), np.finfo(float).tiny))
        each = np.arange(len(of))
        worst = np.argmax(np.abs(pull) / own, axis=1)
        column, weight = columns[each, worst], own[each, worst]
        spread = self.spread_[codes, column]
        expected = self.center_[codes, column] + spread * (mine[each, worst] - pull[each, worst] / weight**2)
        return Deviation(far, column.astype(np.int16), values[each, column], expected, spread / weight)

    @staticmethod
    def _take(best: Deviation, rows: NDArray[np.intp], found: Deviation) -> None:
        """Put what is farther than before into `best`."""
        farther = found.reach > best.reach[rows]
        to = rows[farther]
        for name in ("reach", "metric", "value", "center", "spread"):
            getattr(best, name)[to] = getattr(found, name)[farther]


def _correlation(rows: Floats) -> Floats:
    """The shrunk correlation of standardised rows, of which each column keeps a share of its own."""
    clipped = np.clip(rows, -CLIPPED, CLIPPED)
    scale = clipped.std(axis=0)
    # A metric that does not move goes with nothing.
    moves = scale > np.finfo(float).eps
    shrunk = LedoitWolf().fit(clipped / np.where(moves, scale, 1.0)).covariance_
    deviation = np.sqrt(np.maximum(np.diagonal(shrunk), np.finfo(float).tiny))
    correlation = np.where(np.outer(moves, moves), shrunk / np.outer(deviation, deviation), 0.0)
    found: Floats = (1 - OWN) * correlation
    np.fill_diagonal(found, 1.0)
    return found
