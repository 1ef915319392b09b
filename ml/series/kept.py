"""Which values a series has shown: how far a new one is from all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.series.findings import Codes, Floats
from ml.tables import Column, Table

Kept = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class KeptValues:
    """Keeps values that stand for all that a series has shown; the closest two make room for a new one.

    The distance of a value to the nearest one before it is the nonconformity measure of a nearest-neighbour
    conformal detector (Laxhammar and Falkman, *Conformal Prediction for Distribution-Independent Anomaly
    Detection in Streaming Vessel Data*, 2010) for lag 1. What is kept covers the range evenly, as in the
    greedy choice of centres by Gonzalez, *Clustering to Minimize the Maximum Intercluster Distance*, 1985.
    There are two generations, of which only the younger grows: a value is forgotten when it did not come
    again for one to two of them.
    """

    capacity: int = 128  # values of one generation
    generation: int = 20_000  # points

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one series."""
        values = Column(np.float32, np.inf, self.capacity)  # ascending, infinity where nothing is kept
        return {
            "kept": values,
            "kept_before": values,
            "gap": Column(np.float32, -1.0),  # a value this close to a kept one is not kept
            "age": Column(np.int32),  # points of the younger generation
        }

    def distance(self, state: Table, codes: Codes, values: Floats) -> Floats:
        """How far each value is from the nearest kept one; 0 where nothing is kept. Shape (n_points,)."""
        short = values.astype(np.float32)
        younger, older = (self._nearest(state[name][codes], short) for name in ("kept", "kept_before"))
        nearest = np.minimum(younger, older)
        return np.where(np.isinf(nearest), 0.0, nearest)

    def keep(self, state: Table, codes: Codes, values: Floats) -> None:
        """Take the values in."""
        self._turn(state, codes)
        short = values.astype(np.float32)
        nearest = self._nearest(state["kept"][codes], short)
        new = (nearest > state["gap"][codes]) & (nearest > 0)
        if new.any():
            self._insert(state, codes[new], short[new])

    def _turn(self, state: Table, codes: Codes) -> None:
        """Begin a generation where the younger one is old."""
        old = codes[state["age"][codes] >= self.generation]
        if old.size:
            state["kept_before"][old] = state["kept"][old]
            state["kept"][old], state["gap"][old], state["age"][old] = np.inf, -1.0, 0
        state["age"][codes] += 1

    def _nearest(self, kept: Kept, short: Kept) -> Floats:
        """Distance to the nearest kept value, infinity where nothing is kept."""
        index = np.arange(len(kept))
        place = np.sum(kept < short[:, None], axis=1)
        right = kept[index, np.minimum(place, self.capacity - 1)].astype(np.float64) - short
        left = short - kept[index, np.maximum(place - 1, 0)].astype(np.float64)
        return np.minimum(np.where(place < self.capacity, right, np.inf), np.where(place > 0, left, np.inf))

    def _insert(self, state: Table, codes: Codes, short: Kept) -> None:
        kept = state["kept"][codes]
        place = np.sum(kept < short[:, None], axis=1)[:, None]
        column = np.arange(self.capacity + 1)
        ends = np.full((len(codes), 1), np.inf, np.float32)
        longer = np.where(column < place, np.hstack([kept, ends]), np.hstack([ends, kept]))
        longer = np.where(column == place, short[:, None], longer)
        full = np.isfinite(longer[:, -1])
        out = np.full(len(codes), self.capacity)
        if full.any():
            steps = np.diff(longer[full], axis=1)
            closest = np.argmin(steps, axis=1)
            state["gap"][codes[full]] = steps[np.arange(len(closest)), closest]
            # Of the closest two the inner one goes: the ends of the range stay known.
            out[full] = np.where(closest + 1 < self.capacity, closest + 1, closest)
        state["kept"][codes] = np.where(column[:-1] < out[:, None], longer[:, :-1], longer[:, 1:])
