"""What is said about one point of each series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# The views of a point, as numbered in `Findings.view`.
VIEWS = ("value", "hour", "deviation")


@dataclass(frozen=True, slots=True)
class Findings:
    """One time step as columns of shape (n_points,), in the order of the points that were given."""

    score: Floats  # −log10 of `p_value`: 0 normal, 2 one point in a hundred, at most 300
    onset: Floats  # the score where it is the first of its run or clearly above what came shortly before, else 0
    p_value: Floats  # probability that a normal point is at least that extreme
    tail: NDArray[np.bool_]  # whether `p_value` comes from a fitted tail: no such point was seen often enough to count
    view: NDArray[np.int8]  # index into `VIEWS` of what speaks most against the point
    value: Floats
    baseline: Floats  # what was expected; unit of the value
    spread: Floats  # mean absolute deviation from it in normal times; unit of the value
    recent: Floats  # the level of the last hundred points or so, whatever the hour; unit of the value
    recent_spread: Floats  # mean absolute deviation from that
    since: Floats  # when the run of abnormal points began, in seconds; NaN outside of a run
    cold: NDArray[np.bool_]  # too young to judge: the p-value is 1 whatever the value

    @property
    def direction(self) -> NDArray[np.int8]:
        """1 above the baseline, −1 under it, 0 on it."""
        return np.sign(self.value - self.baseline).astype(np.int8)

    @classmethod
    def together(cls, parts: Sequence[Findings]) -> Findings:
        """Those of parts of the points, one after the other."""
        return cls(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)})

    def __len__(self) -> int:
        return len(self.score)
