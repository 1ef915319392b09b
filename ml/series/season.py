"""What is expected of a series at this hour and weekday, and in which range it was at this hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.series.findings import Codes, Floats
from ml.tables import Column, Table

HOURS = 24
DAYS = 7
DAY_SECONDS = 86_400
# Deviations by which the baseline may be pulled at once: an incident must not become normal in minutes.
CLIP = 4.0
# Smallest spread as a share of the series' usual one, and of its level.
LEAST_SHARE = 0.1
LEAST_OF_LEVEL = 1e-9
LEAST = 1e-100
# Usual deviations that a value may be away: farther ones, as from a constant, are all alike.
FARTHEST = 1e6


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one point of each series; arrays of shape (n_points,)."""

    baseline: Floats
    spread: Floats  # mean absolute deviation from the baseline, above 0
    deviation: Floats  # distance from the baseline in spreads; 0 of a young series, whose spread is not known yet
    outside: Floats  # how far the value is outside of what this hour showed on other days; 0 inside or unknown


@dataclass(frozen=True, slots=True)
class Season:
    """Level, hourly and weekly profile of each series; all means are pulled by clipped deviations only.

    A day's hour is taken into the profile when that hour comes again, so that a profile never holds the
    day it judges. Clipping: Gelper, Fried, Croux, *Robust Forecasting with Exponential and Holt-Winters
    Smoothing*, Journal of Forecasting 2010.
    """

    memory: float = 100.0  # points that the level remembers
    warm: int = 20  # points before deviations are clipped
    days: int = 3  # days of one hour before its profile is the baseline
    weeks: int = 3  # weeks of one hour of the week before that profile is
    fade: float = 0.1  # weight of the newest day in the profile
    forget: float = 0.02  # share of the way that the range of an hour shrinks to the newest day's

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one series; means and ranges are relative to its first value."""
        wide = Column(np.float32, 0.0, HOURS)
        return {
            "points": Column(np.float64),
            "level": Column(np.float64),
            "spread": Column(np.float64),
            "low": Column(np.float32, np.inf, HOURS),
            "high": Column(np.float32, -np.inf, HOURS),
            "mean": wide,
            "away": wide,
            "days": Column(np.uint16, 0.0, HOURS),
            "day": Column(np.int32, -1.0, HOURS),  # of what is gathered now, days since 1970
            "now_low": Column(np.float32, np.inf, HOURS),
            "now_high": Column(np.float32, -np.inf, HOURS),
            "now_mean": wide,
            "now_away": wide,
            "now_points": wide,
            "week_mean": Column(np.float32, 0.0, HOURS * DAYS),
            "weeks": Column(np.uint8, 0.0, HOURS * DAYS),
        }

    def expect(self, state: Table, codes: Codes, at: float, values: Floats) -> Expected:
        """What was to be expected at `at` (seconds since 1970) of values relative to the series' first."""
        day, hour = int(at // DAY_SECONDS), int(at % DAY_SECONDS // 3600)
        other = codes[state["day"][codes, hour] != day]
        if other.size:
            self._fold(state, other, hour)
            state["day"][other, hour] = day
        baseline, spread = self._baseline(state, codes, day, hour)
        low, high = state["low"][codes, hour], state["high"][codes, hour]
        known = low <= high
        outside = np.where(known, np.maximum(np.maximum(values - high, low - values), 0.0), 0.0)
        away = np.minimum(np.abs(values - baseline), spread * FARTHEST)
        deviation = np.where(state["points"][codes] < self.warm, 0.0, away / spread)
        return Expected(baseline, spread, deviation, outside)

    def learn(self, state: Table, codes: Codes, at: float, values: Floats, baseline: Floats) -> None:
        """Take the values in, after `expect` at the same time gave their `baseline`."""
        hour = int(at % DAY_SECONDS // 3600)
        self._learn_level(state, codes, values)
        for name, pick in (("now_low", np.minimum), ("now_high", np.maximum)):
            state[name][codes, hour] = pick(state[name][codes, hour], values)
        state["now_points"][codes, hour] += 1
        rate = 1.0 / state["now_points"][codes, hour]
        for name, new in (("now_mean", values), ("now_away", np.abs(values - baseline))):
            state[name][codes, hour] += rate * (new - state[name][codes, hour])

    def _baseline(self, state: Table, codes: Codes, day: int, hour: int) -> tuple[Floats, Floats]:
        slot = day % DAYS * HOURS + hour
        daily = state["days"][codes, hour] >= self.days
        weekly = state["weeks"][codes, slot] >= self.weeks
        level, usual = state["level"][codes], state["spread"][codes]
        baseline = np.where(daily, state["mean"][codes, hour], level)
        baseline = np.where(weekly, state["week_mean"][codes, slot], baseline)
        spread = np.where(daily, state["away"][codes, hour], usual)
        least = LEAST_OF_LEVEL * np.abs(level) + LEAST
        return baseline, np.maximum(np.maximum(spread, LEAST_SHARE * usual), least)

    def _learn_level(self, state: Table, codes: Codes, values: Floats) -> None:
        points, level, spread = state["points"][codes] + 1, state["level"][codes], state["spread"][codes]
        rate = np.maximum(1.0 / points, 1.0 / self.memory)
        reach = np.where(points > self.warm, CLIP * spread, np.inf)
        step = values - level
        state["level"][codes] = level + rate * np.clip(step, -reach, reach)
        # The spread may be pulled twice as far: otherwise a lasting change of level would never be taken in.
        state["spread"][codes] = spread + rate * (np.minimum(np.abs(step), 2 * reach) - spread)
        state["points"][codes] = points

    def _fold(self, state: Table, codes: Codes, hour: int) -> None:
        """Take the last day of this hour into the profiles and begin anew."""
        codes = codes[state["now_points"][codes, hour] > 0]
        if not codes.size:
            return
        self._fold_range(state, codes, hour)
        days = state["days"][codes, hour].astype(np.float64) + 1
        rate = np.maximum(1.0 / days, self.fade)
        mean, away = state["now_mean"][codes, hour], state["now_away"][codes, hour]
        slot = state["day"][codes, hour] % DAYS * HOURS + hour
        weeks = state["weeks"][codes, slot].astype(np.float64) + 1
        pull = np.maximum(1.0 / weeks, self.fade) * (mean - state["week_mean"][codes, slot])
        state["week_mean"][codes, slot] += pull
        state["weeks"][codes, slot] = np.minimum(weeks, np.iinfo(np.uint8).max)
        step, reach = mean - state["mean"][codes, hour], CLIP * np.maximum(state["away"][codes, hour], away)
        step = np.where(days > self.days, np.clip(step, -reach, reach), step)
        state["mean"][codes, hour] += rate * step
        state["away"][codes, hour] += rate * (away - state["away"][codes, hour])
        state["days"][codes, hour] = np.minimum(days, np.iinfo(np.uint16).max)
        for name in ("now_mean", "now_away", "now_points"):
            state[name][codes, hour] = 0

    def _fold_range(self, state: Table, codes: Codes, hour: int) -> None:
        for name, pick, empty in (("low", np.minimum, np.inf), ("high", np.maximum, -np.inf)):
            new, old = state[f"now_{name}"][codes, hour], state[name][codes, hour]
            with np.errstate(invalid="ignore"):
                faded = np.where(np.isfinite(old), old + self.forget * (new - old), new)
            state[name][codes, hour] = pick(faded, new)
            state[f"now_{name}"][codes, hour] = empty
