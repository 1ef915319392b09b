"""How rare a size is among the sizes a series showed before, far out by a fitted tail.

Each series keeps the counts of its sizes in buckets of equal ratio, so that memory is bounded and the
relative error of a quantile is the same everywhere: Masson, Rim, Lee, *DDSketch*, PVLDB 2019. What is
larger than nearly all of them is judged by a generalised Pareto distribution fitted to the excesses over a
high threshold, as in Siffer et al., *Anomaly Detection in Streams with Extreme Value Theory*, KDD 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.tables import Column, Table

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

# Log10 of the smallest p-value told apart: beyond it a float would be 0.
FARTHEST = -300.0
# Level of the top of a series that had no size above 0: under that of the smallest float.
UNSET = -100_000
# Series that are looked at together: their running counts find room beside the processor.
BLOCK = 8_192
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, slots=True)
class Rarity:
    """How rare each size is; arrays of shape (n_rows,)."""

    log_p: Floats  # log10 of the probability that a size is at least this large; 0 where too little is known
    fitted: NDArray[np.bool_]  # whether it comes from the fitted tail, not from counting


@dataclass(frozen=True, slots=True)
class Tails:
    """Counts sizes per series and says how rare a new one is. The state is a `Table`, written in place.

    Method of the fit: probability-weighted moments (Hosking and Wallis, *Parameter and Quantile Estimation
    for the Generalized Pareto Distribution*, Technometrics 1987), with a shape never below 0, since a
    fitted end point would call the next size impossible.
    """

    buckets: int = 64  # sizes more than 2 ** (buckets / per_octave) times under the largest are not told apart
    per_octave: int = 4  # buckets per doubling
    share: float = 0.02  # of all sizes, those that are the tail
    least: int = 10  # sizes that make a tail worth fitting
    caution: float = 0.5  # standard errors that are added to the shape: a heavy tail shows itself late
    warm: int = 20  # sizes before anything is rare
    horizon: int = 10_000  # sizes after which all counts are halved, so that what was long ago fades

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one series."""
        return {
            "count": Column(np.float32, 0.0, self.buckets),  # bucket 0 is the largest seen, the last all that is small
            "top": Column(np.int32, UNSET),  # level of bucket 0
            "seen": Column(np.float64),
        }

    def begin(self) -> Table:
        """The state before anything was seen."""
        return Table(self.columns)

    def rarity(self, state: Table, rows: Rows, sizes: Floats) -> Rarity:
        """How rare the sizes (0 or larger, shape (n_rows,)) are in the series `rows`; nothing is learned."""
        edges = range(0, max(len(rows), 1), BLOCK)
        parts = [self._rarity(state, rows[begin : begin + BLOCK], sizes[begin : begin + BLOCK]) for begin in edges]
        return Rarity(*(np.concatenate(each) for each in zip(*((one.log_p, one.fitted) for one in parts), strict=True)))

    def _rarity(self, state: Table, rows: Rows, sizes: Floats) -> Rarity:
        count, top, seen = state["count"][rows], state["top"][rows], state["seen"][rows]
        running = np.cumsum(count, axis=1, dtype=np.float64)
        level = self._level(sizes)
        log_p = np.log10((self._above(running, level, top) + 1) / (seen + 1))
        start = self._threshold(running, seen)
        # Within the bucket that ends the tail sizes are counted: there may be many of one size.
        fitted = (start < self.buckets - 1) & (np.floor(level) > top - start)
        if fitted.any():
            far = self._far(count[fitted], top[fitted], start[fitted], sizes[fitted])
            held = running[fitted, start[fitted]]
            log_p[fitted] = np.log10((held + 1) / (seen[fitted] + 1)) + far
        known = (seen >= self.warm) & (sizes > 0) & (level > top - self.buckets + 1.0)
        log_p = np.where(known, np.clip(log_p, FARTHEST, 0.0), 0.0)
        return Rarity(log_p, fitted & known)

    def add(self, state: Table, rows: Rows, sizes: Floats) -> Table:
        """Count the sizes; each series at most once in a call. Returns the state, which is changed."""
        level = np.floor(self._level(sizes)).astype(np.int64)
        rises = (level > state["top"][rows]) & (sizes > 0)
        if rises.any():
            self._raise(state, rows[rises], level[rises])
        # Zeros have no level. They are counted with what is small, so that none of them makes a tail.
        depth = np.where(sizes > 0, np.minimum(state["top"][rows] - level, self.buckets - 1), self.buckets - 1)
        state["count"][rows, depth] += 1
        state["seen"][rows] += 1
        old = rows[state["seen"][rows] >= self.horizon]
        if old.size:
            state["count"][old] /= 2
            state["seen"][old] /= 2
        return state

    def _level(self, sizes: Floats) -> Floats:
        return np.log2(np.maximum(sizes, TINY)) * self.per_octave

    def _above(self, running: Floats, level: Floats, top: NDArray[np.int32]) -> Floats:
        """How many sizes were at least this large; all of its own bucket are held to be, for ties are."""
        depth = (top - np.floor(level)).astype(np.int64)
        inside = np.clip(depth, 0, self.buckets - 1)
        return np.where(depth >= 0, running[np.arange(len(inside)), inside], 0.0)

    def _threshold(self, running: Floats, seen: Floats) -> Rows:
        """The bucket whose lower edge is where the tail of each series begins."""
        enough = np.maximum(self.least, self.share * seen)
        start: Rows = np.sum(running < enough[:, None], axis=1)
        return np.minimum(start, self.buckets - 1)

    def _far(self, count: NDArray[np.float32], top: NDArray[np.int32], start: Rows, sizes: Floats) -> Floats:
        """Log10 of the probability that a size over the threshold is at least this large."""
        depth = np.arange(self.buckets)
        # Sizes are taken in units of the threshold: neither huge nor tiny ones then leave the range of a float.
        middle = np.exp2((start[:, None] - depth + 0.5) / self.per_octave) - 1.0
        weight = np.where(depth <= start[:, None], count, 0.0)
        total = weight.sum(axis=1)
        mean = (weight * middle).sum(axis=1) / total
        larger = (np.cumsum(weight, axis=1) - weight / 2) / total[:, None]
        weighted = (weight * middle * larger).sum(axis=1) / total
        apart = np.maximum(mean - 2.0 * weighted, TINY)
        fitted = np.clip(2.0 - mean / apart, 0.0, 1.0)
        # Of few excesses the scale is known but roughly. Averaged over what it may be, an exponential tail
        # becomes one with the shape 1 / number of excesses: the predictive distribution under a flat prior.
        error = (1.0 + fitted) / np.sqrt(total)  # standard error of the shape, Smith, Biometrika 1985
        shape = fitted + self.caution * error + 1.0 / total
        steps = (sizes / np.exp2((top - start) / self.per_octave) - 1.0) / (mean * (1.0 - fitted) + TINY)
        return np.asarray(-np.log1p(shape * steps) / shape / np.log(10))

    def _raise(self, state: Table, rows: Rows, level: NDArray[np.int64]) -> None:
        """Make `level` the top of the series; what falls off the other end is counted in the last bucket."""
        count = state["count"][rows]
        shift = np.minimum(level - state["top"][rows], self.buckets)
        source = np.arange(self.buckets) - shift[:, None]
        moved = np.where(source >= 0, np.take_along_axis(count, np.maximum(source, 0), axis=1), 0.0)
        moved[:, -1] += count.sum(axis=1) - moved.sum(axis=1)
        state["count"][rows] = moved
        state["top"][rows] = level
