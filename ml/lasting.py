"""Whether a value is far from what was expected of it: for as long as that lasts, not only at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from ml.series import Findings
from ml.tables import Array, Column, Table
from ml.tails import Tails

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
TAILS = "tails."
# From the mean absolute deviation to the standard deviation of a normal distribution.
TO_SIGMA = 1.2533
# A point that is unlikelier than this begins a run, or goes on with it.
IN_RUN = 1e-3
LEAST_P = 1e-300


@dataclass(frozen=True, slots=True)
class LastingState:
    """What is known of every series; `Lasting.find` writes into it."""

    runs: Table
    tails: Table

    def arrays(self) -> dict[str, Array]:
        """Copies of all arrays by name, to be saved."""
        return self.runs.arrays() | {TAILS + name: array for name, array in self.tails.arrays().items()}


@dataclass(frozen=True, slots=True)
class Deviations:
    """What is said about each point; arrays of shape (n_points,)."""

    p_value: Floats  # how likely a usual point is to be so far off
    spread: Floats  # standard deviation that was reckoned with
    since: Floats  # the time at which the run began, NaN outside of one
    fitted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Lasting:
    """Judges how many standard deviations a value is from its baseline, by two tails of which the likelier counts.

    One is that of Student's t with few degrees of freedom, as metrics have heavy tails; it is a rule, and all that
    there is while a series is young. The other is fitted to the distances that the series had before. While a run
    lasts, its distances are not among them, so that a fault does not become usual by lasting; after `accepted`
    points it is what is usual from then on.

    A constant has no standard deviation: then, and for what changes by less than a share of its level, that share is
    reckoned with; for what was only ever seen as whole numbers, half of one.
    """

    freedom: tuple[float, float] = (3.0, 5.0)  # degrees of freedom of a young series, and of an old one
    old: int = 1_000  # points
    share_of_level: float = 0.05
    least: float = 0.02
    least_count: float = 0.5
    warm: int = 20  # points before anything is judged
    # The likeliest point of a run counts to these powers, by its length; points that follow each other depend on
    # each other, so less than the length.
    powers: tuple[float, ...] = (1.0, 1.5, 2.0)
    accepted: float = 120.0  # points
    tails: Tails = field(default_factory=lambda: Tails(warm=100))

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one series without its tail."""
        return {
            "points": Column(np.float64),
            "since": Column(np.float64, np.nan),
            "worst": Column(np.float64),
            "length": Column(np.float64),
            "likeliest": Column(np.float64, 1.0),
            "broken": Column(np.bool_),  # a value that was no whole number
        }

    def begin(self) -> LastingState:
        """The state before any point."""
        return LastingState(Table(self.columns), self.tails.begin())

    def resume(self, arrays: Mapping[str, Array]) -> LastingState:
        """The state whose `arrays` these were. ValueError where they are of another detector."""
        tails = {name.removeprefix(TAILS): array for name, array in arrays.items() if name.startswith(TAILS)}
        runs = {name: array for name, array in arrays.items() if not name.startswith(TAILS)}
        return LastingState(Table.of(self.columns, runs), Table.of(self.tails.columns, tails))

    def find(self, state: LastingState, at: float, codes: Codes, seen: Findings) -> Deviations:
        """Judge points whose baselines are known, then learn from them; the state is changed."""
        runs = state.runs
        runs.reach(int(codes.max(initial=-1)) + 1)
        state.tails.reach(len(runs))
        runs["broken"][codes] |= seen.value % 1 != 0
        whole = ~runs["broken"][codes]
        spread, recent = (
            self._spread(whole, seen.baseline, seen.spread),
            self._spread(whole, seen.recent, seen.recent_spread),
        )
        # What is usual for the hour, or has been for the last hours, is not far off: weekends, and what was deployed.
        distance = np.minimum(np.abs(seen.value - seen.baseline) / spread, np.abs(seen.value - seen.recent) / recent)
        rarity = self.tails.rarity(state.tails, codes, distance)
        # What was never off its baseline has no tail yet.
        grown = (state.tails["seen"][codes] >= self.tails.warm) & (
            state.tails["top"][codes] != self.tails.columns["top"].fill
        )
        freedom = np.where(runs["points"][codes] >= self.old, self.freedom[1], self.freedom[0])
        by_rule = 2 * stdtr(freedom, -distance)
        by_tail = np.where(grown, np.power(10.0, rarity.log_p), 0.0)
        p_value = np.where(runs["points"][codes] >= self.warm, np.maximum(by_rule, by_tail), 1.0)
        since = self._follow(state, at, codes, distance, p_value < IN_RUN)
        together = self._together(runs, codes, p_value)
        runs["points"][codes] += 1
        return Deviations(np.maximum(together, LEAST_P), spread, since, grown & rarity.fitted & (by_tail > by_rule))

    def _together(self, runs: Table, codes: Codes, p_value: Floats) -> Floats:
        """How likely the whole run is: what is far off for minutes is unlikelier than what is for one."""
        length = runs["length"][codes].astype(int)
        likeliest = np.where(length > 1, np.maximum(runs["likeliest"][codes], p_value), p_value)
        runs["likeliest"][codes] = likeliest
        power = np.array(self.powers)[np.clip(length - 1, 0, len(self.powers) - 1)]
        return np.where(length > 0, likeliest**power, p_value)

    def _spread(self, whole: NDArray[np.bool_], level: Floats, spread: Floats) -> Floats:
        floor = np.maximum(self.share_of_level * np.abs(level), self.least)
        floor = np.where(whole, np.maximum(floor, self.least_count), floor)
        found: Floats = np.maximum(TO_SIGMA * spread, floor)
        return found

    def _follow(self, state: LastingState, at: float, codes: Codes, distance: Floats, far: NDArray[np.bool_]) -> Floats:
        """When the run of each series began. Learned are distances outside of runs, and the worst of what is over."""
        runs = state.runs
        before = ~np.isnan(runs["since"][codes])
        over = before & (~far | (runs["length"][codes] >= self.accepted))
        if over.any():
            self.tails.add(state.tails, codes[over], runs["worst"][codes[over]])
        usual = ~far & ~over
        self.tails.add(state.tails, codes[usual], distance[usual])
        goes_on, begins = far & before & ~over, far & (~before | over)
        since = np.where(goes_on, runs["since"][codes], np.where(begins, at, np.nan))
        runs["worst"][codes] = np.where(goes_on, np.maximum(runs["worst"][codes], distance), np.where(far, distance, 0))
        runs["length"][codes] = np.where(goes_on, runs["length"][codes] + 1, np.where(far, 1.0, 0.0))
        runs["since"][codes] = since
        return since
