"""How far a session's counts are from those of sessions that are known.

The density of count vectors is estimated by the product of one kernel per template around each known vector, after
Aitchison and Aitken, *Multivariate binary discrimination by the kernel method*, Biometrika 63 (1976). The width of a
template's kernel is how often it differs while all the others agree. The distance is the cost of the cheapest way,
in nats, from a known vector to this one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.sessions.counting import Rows
from ml.sessions.levels import HIGHEST

Floats = NDArray[np.float64]
Support = NDArray[np.int64]  # sessions of each row, shape (n_rows,)
# What a template is taken to have differed in addition to what was seen, in sessions: no change is impossible.
PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class Prices:
    """What it costs that a template differs from a known session."""

    to: Floats  # shape (n_templates, HIGHEST + 1): nats for coming to a level
    octave: Floats  # shape (n_templates,): nats for each octave on the way, 0 for a steady template
    unseen: float  # nats for a template that the history does not have

    def of(self, levels: Rows) -> Floats:
        """The price of each template's level; shape (n_templates,)."""
        chosen: Floats = self.to[np.arange(len(levels)), levels]
        return chosen


@dataclass(frozen=True, slots=True)
class Nearest:
    """The known row that is the cheapest way to a session's levels."""

    row: Rows  # shape (n_templates,)
    costs: Floats  # nats for each template; shape (n_templates,)


def learn(levels: Rows, support: Support, varies: NDArray[np.bool_], total: int) -> Prices:
    """Prices from distinct rows of levels, shape (n_rows, n_templates), and how many sessions have each."""
    changed = changes(levels, support)
    rate = (changed.sum(axis=1, keepdims=True) + PRIOR) / (total + 1)
    known = np.array([len(np.unique(column)) for column in levels.T], np.float64).reshape(-1, 1)
    share = (changed + PRIOR) / (changed.sum(axis=1, keepdims=True) + PRIOR * (known + 1))
    to = -np.log(rate) - np.where(varies[:, None], 0.0, np.log(share))
    return Prices(np.maximum(to, 0), varies.astype(np.float64), top(total))


def top(total: int) -> float:
    """Nats of what none of `total` sessions shows."""
    return float(-np.log(PRIOR / (total + 1)))


def changes(levels: Rows, support: Support) -> Floats:
    """How many sessions have each level that is not the usual one among the sessions alike in all else.

    The shape is (n_templates, HIGHEST + 1).
    """
    keys = _keys(levels)
    whole = keys.sum(axis=1, dtype=np.uint64)
    columns = [_changed(whole - keys[:, index], levels[:, index], support) for index in range(levels.shape[1])]
    return np.array(columns).reshape(-1, HIGHEST + 1)


def _keys(levels: Rows) -> NDArray[np.uint64]:
    """A number for each cell; two rows are equal where the sums of theirs are, but for a chance in 2**63."""
    factors = np.random.default_rng(0).integers(1, 2**63, size=levels.shape[1], dtype=np.uint64)
    mixed: NDArray[np.uint64] = levels.astype(np.uint64) * (factors * np.uint64(2) + np.uint64(1))
    return mixed


def _changed(rest: NDArray[np.uint64], level: Rows, support: Support) -> Floats:
    """The sessions by level that do not have the usual one of those with the same `rest`."""
    _, group = np.unique(rest, return_inverse=True)
    cells, cell = np.unique(group * (HIGHEST + 1) + level, return_inverse=True)
    weights = np.bincount(cell, weights=support)
    groups = cells // (HIGHEST + 1)
    order = np.lexsort((-weights, groups))
    others = order[np.r_[False, np.diff(groups[order]) == 0]]
    by_level = np.bincount(cells[others] % (HIGHEST + 1), weights=weights[others], minlength=HIGHEST + 1)
    return by_level.astype(np.float64)


def nearest(rows: Rows, prices: Prices, levels: Rows) -> Nearest:
    """The nearest of `rows` (at least one) to `levels` of shape (n_templates,); the first where several are."""
    apart = rows != levels
    price = prices.of(levels)
    steps = np.flatnonzero(prices.octave)
    far = apart @ price + np.abs(rows[:, steps] - levels[steps]) @ prices.octave[steps]
    best = int(np.argmin(far))
    return Nearest(rows[best], apart[best] * price + np.abs(rows[best] - levels) * prices.octave)
