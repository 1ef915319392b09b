"""How fine a template's count is told apart: exactly where it is steady, by its octave where it varies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.sessions.counting import Rows, Table

# A count is steady while so many of the sessions that have the template agree on it.
AGREEING = 0.7
# A template in fewer sessions than this has not shown how it varies.
SHOWN = 20
HIGHEST = 63


@dataclass(frozen=True, slots=True)
class Levels:
    """From counts to levels."""

    varies: NDArray[np.bool_]  # shape (n_templates,)

    def of(self, counts: Rows) -> Rows:
        """Levels of counts, of the same shape: 0 where absent, at most 63."""
        octaves = np.frexp(counts.astype(np.float64))[1]
        return np.minimum(np.where(self.varies, octaves, counts), HIGHEST).astype(np.int64)

    def coarse(self, levels: Rows) -> Rows:
        """The same with 1 for every level of a template whose count varies and that is there."""
        return np.where(self.varies, np.minimum(levels, 1), levels)

    def lowest(self, template: int, level: int) -> int:
        """The least count that has this level."""
        return 1 << (level - 1) if self.varies[template] and level else level


def learn(history: Table) -> Levels:
    """Which templates vary, from how the sessions that have one agree on its count."""
    varies = np.zeros(len(history.templates), np.bool_)
    for index in range(len(varies)):
        column = history.counts[:, index]
        has = column > 0
        sessions = history.support[has].sum()
        agree = np.bincount(np.minimum(column[has], HIGHEST), weights=history.support[has], minlength=1)
        varies[index] = sessions >= SHOWN and agree.max() < AGREEING * sessions
    return Levels(varies)
