"""Two ways to look at a session: at all of its counts, and at its frame only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.sessions import kernel
from ml.sessions.counting import Rows
from ml.sessions.kernel import Floats, Prices, Support
from ml.sessions.levels import Levels

# A template that differs in so many sessions while all else agrees is free: its presence says nothing.
FREE = 0.05
# Two sessions are of one kind where the other has so many of the first one's templates.
KIN = 0.5
# So many of a kind's sessions must have a frame for it to be usual: twice what one kind of failure amounts to.
USUAL = 0.015
FEWEST = 3
# So many of all sessions must have one with a template that tells of a failure and that few sessions have.
USUAL_FAILED = 0.05
# The frames whose kinds are looked for; the others are too rare to be usual.
MOST_FRAMES = 2000


@dataclass(frozen=True, slots=True)
class View:
    """Known rows over some of the templates, and what departing from them costs."""

    columns: NDArray[np.intp]  # the templates looked at
    coarse: bool  # whether a count that varies is looked at
    rows: Rows  # shape (n_rows, n_columns)
    prices: Prices
    known: frozenset[bytes]

    @classmethod
    def of(cls, rows: Rows, prices: Prices, columns: NDArray[np.intp], *, coarse: bool) -> View:
        """The view of `rows`, at least one."""
        return cls(columns, coarse, rows, prices, frozenset(row.tobytes() for row in rows))

    def costs(self, levels: Rows, scale: Levels) -> tuple[Floats, Rows]:
        """Nats for each template and the nearest known levels; both of shape (n_templates,)."""
        seen = (scale.coarse(levels) if self.coarse else levels)[self.columns]
        costs, row = np.zeros(len(levels)), levels.copy()
        if seen.tobytes() in self.known:
            return costs, row
        found = kernel.nearest(self.rows, self.prices, seen)
        costs[self.columns] = found.costs
        row[self.columns] = np.where(found.row != seen, found.row, levels[self.columns])
        return costs, row


def whole(rows: Rows, support: Support, scale: Levels, total: int) -> View:
    """The view of all counts, in which every session of the history is known."""
    prices = kernel.learn(rows, support, scale.varies, total)
    return View.of(rows, prices, np.arange(rows.shape[1]), coarse=False)


@dataclass(frozen=True, slots=True)
class Frames:
    """What sessions have of the templates whose presence is not free."""

    known: View  # those that occur
    usual: View  # those that are usual among the sessions of their kind
    alone: float  # the share of sessions that have one which no other session has


def frames(history: Rows, support: Support, scale: Levels, total: int, telling: NDArray[np.bool_]) -> Frames:
    """The frames of a history; `telling`, shape (n_templates,), says which rare templates tell of a failure."""
    coarse, held = merged(scale.coarse(history), support)
    free = kernel.changes(coarse, held).sum(axis=1) >= FREE * total
    columns = np.flatnonzero(~free)
    rows, held = merged(coarse[:, columns], held)
    prices = kernel.learn(rows, held, np.zeros(len(columns), np.bool_), total)
    often = rows[:MOST_FRAMES]
    failed = np.asarray((often[:, telling[columns]] > 0).any(axis=1))
    usual = _usual(often, held[:MOST_FRAMES], failed)
    return Frames(
        known=View.of(rows, prices, columns, coarse=True),
        usual=View.of(often[usual], prices, columns, coarse=True),
        alone=float((held == 1).sum() / total),
    )


def merged(rows: Rows, support: Support) -> tuple[Rows, Support]:
    """Distinct rows with their sessions, those of the most sessions first."""
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    held = np.bincount(place.ravel(), weights=support).astype(np.int64)
    down = np.argsort(-held, kind="stable")
    return distinct[down], held[down]


def _usual(rows: Rows, support: Support, failed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows enough sessions of their own kind have; the first one in any case."""
    has = (rows > 0).astype(np.float64)
    overlap = has @ has.T / np.maximum(has.sum(axis=1, keepdims=True), 1)
    kin = (overlap >= KIN) @ support
    least = np.where(failed, USUAL_FAILED * support.sum(), USUAL * kin)
    usual: NDArray[np.bool_] = (support >= least) & (support >= FEWEST)
    usual[0] = True
    return usual
