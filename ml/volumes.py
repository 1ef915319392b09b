"""Whether a service says less than it would by chance: how many logs a minute, and for how long hardly any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from ml.tables import Array, Column, Table

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
# The variance of a count is at least so many times its mean: minutes of real services depend on each other.
OVERDISPERSED = 2.0
# A minute that is unlikelier than this is not one of the usual ones.
IN_RUN = 0.05
LEAST_P = 1e-300
# Fewer logs in a minute are not many, however few there are otherwise.
MANY = 10


@dataclass(frozen=True, slots=True)
class Drops:
    """What is said about the volume of each service; columns of shape (n_services,)."""

    p_value: Floats  # how likely so few logs are, in all minutes since `since`
    as_many: Floats  # how likely so many logs are in this minute
    normal: Floats  # logs a minute that were expected
    spread: Floats  # their standard deviation
    since: Floats  # the minute in which it began, NaN where nothing did


@dataclass(frozen=True, slots=True)
class Volumes:
    """Judges the logs a minute of each service against a negative binomial distribution with its own mean and variance.

    Both are running means over the last hour or so. The likelihoods of minutes without a log that follow each other
    are multiplied, so that a service that writes a log a minute is missed within a quarter of an
    hour, and one that writes hundreds at once. What was unusual is learned as the edge of what was usual.
    Method: a sequential likelihood test, Wald, *Sequential Analysis*, 1947, over negative binomial counts.
    """

    memory: float = 60.0  # minutes that the running means reach back
    warm: int = 30  # minutes before anything is judged

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one service."""
        return {
            "minutes": Column(np.int32, 0),
            "mean": Column(np.float64, 0.0),
            "variance": Column(np.float64, 0.0),
            "log_p": Column(np.float64, 0.0),  # of the minutes of a run, together
            "since": Column(np.float64, np.nan),
        }

    def begin(self) -> Table:
        """The state before any minute."""
        return Table(self.columns)

    def resume(self, arrays: Mapping[str, Array]) -> Table:
        """The state whose arrays these were."""
        return Table.of(self.columns, arrays)

    def find(self, state: Table, minute: float, codes: Codes, counts: Floats) -> Drops:
        """Judge one minute of each service in `codes`, then learn from it; the state is changed."""
        state.reach(int(codes.max(initial=-1)) + 1)
        mean, variance = state["mean"][codes], self._variance(state, codes)
        log_p = np.log(np.maximum(at_most(counts, mean, variance), LEAST_P))
        known = state["minutes"][codes] >= self.warm
        # A minute without a log may be usual, and many of them after each other are not. Minutes with a few logs are
        # not multiplied: what makes one low makes the next one low.
        in_run = known & ((counts == 0) | (log_p < np.log(IN_RUN)))
        begun = state["since"][codes]
        since = np.where(in_run, np.where(np.isnan(begun), minute, begun), np.nan)
        silent = np.where(counts == 0, state["log_p"][codes] + log_p, log_p)
        together = np.where(in_run, silent, 0.0)
        state["since"][codes], state["log_p"][codes] = since, np.where(counts == 0, together, 0.0)
        self._learn(state, codes, counts)
        many = np.where(known & (counts >= MANY), at_least(counts, mean, variance), 1.0)
        return Drops(np.exp(np.maximum(together, np.log(LEAST_P))), many, mean, np.sqrt(variance), since)

    def _variance(self, state: Table, codes: Codes) -> Floats:
        found: Floats = np.maximum(state["variance"][codes], OVERDISPERSED * np.maximum(state["mean"][codes], 1e-9))
        return found

    def _learn(self, state: Table, codes: Codes, counts: Floats) -> None:
        minutes, mean = state["minutes"][codes] + 1, state["mean"][codes]
        share = np.maximum(1 / minutes, 1 / self.memory)
        reach = np.where(minutes > self.warm, 3 * np.sqrt(self._variance(state, codes)), np.inf)
        step = np.clip(counts - mean, -reach, reach)
        state["minutes"][codes] = minutes
        state["mean"][codes] = mean + share * step
        state["variance"][codes] = (1 - share) * (state["variance"][codes] + share * step**2)


def at_least(counts: Floats, mean: Floats, variance: Floats) -> Floats:
    """How likely a negative binomial count with that mean and variance (above the mean) is at least so large."""
    size = np.maximum(mean**2 / np.maximum(variance - mean, 1e-12), 1e-12)
    chance = np.clip(mean / np.maximum(variance, 1e-12), 0.0, 1.0)
    found: Floats = np.where(counts > 0, betainc(np.maximum(counts, 1e-12), size, 1 - chance), 1.0)
    return found


def at_most(counts: Floats, mean: Floats, variance: Floats) -> Floats:
    """How likely a negative binomial count with that mean and variance (above the mean) is at most so large."""
    size = mean**2 / np.maximum(variance - mean, 1e-12)
    chance = np.clip(mean / np.maximum(variance, 1e-12), 0.0, 1.0)
    found: Floats = np.where(mean > 0, betainc(np.maximum(size, 1e-12), counts + 1, chance), 1.0)
    return found
