"""Whether more of a service's logs are errors than would be by chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.tables import Array, Column, Table
from ml.volumes import IN_RUN, LEAST_P, at_least

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rises:
    """What is said about the errors of each service; columns of shape (n_services,)."""

    p_value: Floats  # how likely so many errors are among so many logs, in all minutes since `since`
    normal: Floats  # errors in 100 logs that were expected
    spread: Floats  # their standard deviation
    since: Floats  # the minute in which it began, NaN where nothing did


@dataclass(frozen=True, slots=True)
class Shares:
    """Judges the errors of a minute, given its logs, against a negative binomial distribution.

    Its mean is the share of errors that the service had over the last hours, times the logs; of a service that had
    none so far some are expected all the same. Errors come in bursts, so the variance is above that of single ones,
    and as far above as it was seen to be.
    """

    memory: float = 240.0  # minutes that the share and its variance reach back
    warm: int = 30  # minutes before anything is judged
    doubt: tuple[float, float] = (1.0, 100.0)  # errors, and logs, that count as seen before any log
    dispersion: float = 2.0  # least variance, as a multiple of the mean

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one service."""
        return {
            "minutes": Column(np.int32, 0),
            "errors": Column(np.float64, 0.0),  # sums that fade
            "logs": Column(np.float64, 0.0),
            "excess": Column(np.float64, 0.0),  # how far counts were from their means, squared, against these means
            "expected": Column(np.float64, 0.0),
            "since": Column(np.float64, np.nan),
            "log_p": Column(np.float64, 0.0),  # of the minutes of a run, together
        }

    def begin(self) -> Table:
        """The state before any minute."""
        return Table(self.columns)

    def resume(self, arrays: Mapping[str, Array]) -> Table:
        """The state whose arrays these were."""
        return Table.of(self.columns, arrays)

    def find(self, state: Table, minute: float, codes: Codes, errors: Floats, logs: Floats) -> Rises:
        """Judge one minute of each service in `codes`, then learn from it; the state is changed."""
        state.reach(int(codes.max(initial=-1)) + 1)
        prior_errors, prior_logs = self.doubt
        share = (state["errors"][codes] + prior_errors) / (state["logs"][codes] + prior_logs)
        mean = share * logs
        seen = (state["excess"][codes] + self.dispersion) / (state["expected"][codes] + 1.0)
        variance = mean * np.maximum(seen, self.dispersion)
        known = (state["minutes"][codes] >= self.warm) & (logs > 0)
        p_value = np.where(known, at_least(errors, mean, variance), 1.0)
        self._learn(state, codes, errors, logs, variance)
        hundred = 100 / np.maximum(logs, 1)
        together, since = self._together(state, minute, codes, p_value)
        return Rises(together, 100 * share, np.sqrt(variance) * hundred, since)

    def _together(self, state: Table, minute: float, codes: Codes, p_value: Floats) -> tuple[Floats, Floats]:
        """The likelihood of all minutes of a run, each after the first counting half: they depend on each other."""
        log_p, before = np.log(np.maximum(p_value, LEAST_P)), state["since"][codes]
        in_run, goes_on = log_p < np.log(IN_RUN), ~np.isnan(before)
        since = np.where(in_run, np.where(goes_on, before, minute), np.nan)
        added = np.where(goes_on, state["log_p"][codes] + log_p / 2, log_p)
        together = np.where(in_run, np.minimum(added, log_p), 0.0)
        state["since"][codes], state["log_p"][codes] = since, together
        return np.where(in_run, np.exp(np.maximum(together, np.log(LEAST_P))), p_value), since

    def _learn(self, state: Table, codes: Codes, errors: Floats, logs: Floats, variance: Floats) -> None:
        """Of a burst as much is learned as the edge of what was usual."""
        kept = 1 - 1 / self.memory
        prior_errors, prior_logs = self.doubt
        mean = (state["errors"][codes] + prior_errors) / (state["logs"][codes] + prior_logs) * logs
        young = state["minutes"][codes] < self.warm
        taken = np.where(young, errors, np.minimum(errors, mean + 4 * np.sqrt(variance)))
        state["minutes"][codes] += 1
        for name, new in (
            ("errors", taken),
            ("logs", logs),
            ("excess", np.minimum((errors - mean) ** 2, 36 * variance)),
            ("expected", mean),
        ):
            state[name][codes] = kept * state[name][codes] + new
