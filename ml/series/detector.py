"""A detector of anomalous points in metric series, streaming and vectorised over the series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ml.series.findings import VIEWS, Codes, Findings, Floats
from ml.series.kept import KeptValues
from ml.series.runs import Runs
from ml.series.season import Season
from ml.tables import Array, Column, Table
from ml.tails import Tails

# The state is gathered under these names when it is saved.
SERIES, TAILS = "series.", "tails."
# Values are kept as 32-bit floats relative to the first one.
LARGEST = float(np.finfo(np.float32).max) / 4
# Series that are looked at together: what is worked out of them finds room beside the processor.
BLOCK = 2_048


@dataclass(frozen=True, slots=True)
class SeriesState:
    """What is known of every series; `SeriesDetector.find` writes into it."""

    series: Table  # a row per series
    tails: Table  # a row per series and view

    def arrays(self) -> dict[str, Array]:
        """Copies of all arrays by name, to be saved."""
        parts = ((SERIES, self.series), (TAILS, self.tails))
        return {prefix + name: array for prefix, table in parts for name, array in table.arrays().items()}


@dataclass(frozen=True, slots=True)
class SeriesDetector:
    """Scores each point of each series by three views of it, and corrects for having looked three times.

    *value*: the distance to the nearest value the series has ever shown. *hour*: how far outside of the
    range this hour of the day had on other days. *deviation*: the distance from the baseline by level,
    hour and weekday in units of its usual deviation; the first few incidents are not counted among the usual
    deviations, so that the same incident is found again.
    Each becomes a p-value by comparison with all earlier ones of the same series (an inductive conformal
    p-value, with a fitted tail far out); the smallest, divided by its weight, is the point's: weighted
    Bonferroni, Genovese, Roeder, Wasserman, *False Discovery Control with p-Value Weighting*, 2006.

    A series younger than `Tails.warm` points is cold: its points get the p-value 1.
    """

    weights: tuple[float, float, float] = (0.75, 0.2, 0.05)  # share of the false alarms of each view, in all 1
    kept: KeptValues = field(default_factory=KeptValues)
    season: Season = field(default_factory=Season)
    tails: Tails = field(default_factory=Tails)
    runs: Runs = field(default_factory=Runs)

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one series without its tails."""
        origin = {"origin": Column(np.float64, np.nan)}  # the first value; others are kept relative to it
        return origin | self.kept.columns | self.season.columns | self.runs.columns

    @property
    def bytes_per_series(self) -> int:
        """Memory that one series takes."""
        return Table(self.columns).bytes_per_row + len(VIEWS) * self.tails.begin().bytes_per_row

    def begin(self) -> SeriesState:
        """The state before any point."""
        return SeriesState(Table(self.columns), self.tails.begin())

    def resume(self, arrays: Mapping[str, Array]) -> SeriesState:
        """The state whose `arrays` these were. ValueError where they are of another detector."""
        series = {name.removeprefix(SERIES): array for name, array in arrays.items() if name.startswith(SERIES)}
        tails = {name.removeprefix(TAILS): array for name, array in arrays.items() if name.startswith(TAILS)}
        return SeriesState(Table.of(self.columns, series), Table.of(self.tails.columns, tails))

    def find(self, state: SeriesState, at: float, codes: Codes, values: Floats) -> tuple[Findings, SeriesState]:
        """Judge one point of each series in `codes` (shape (n_points,)), then learn from it.

        `at` is the time of all of them in seconds since 1970 and must not go back for a series; `codes` are
        the numbers of the series from 0, new ones may come at any time. The state is changed and returned.
        ValueError where a series has two points or a value is not finite.
        """
        _check(codes, values)
        self._reach(state, codes, values)
        edges = range(0, max(len(codes), 1), BLOCK)
        parts = [self._found(state, at, codes[begin : begin + BLOCK], values[begin : begin + BLOCK]) for begin in edges]
        return Findings.together(parts), state

    def _found(self, state: SeriesState, at: float, codes: Codes, values: Floats) -> Findings:
        series = state.series
        relative = np.clip(values - series["origin"][codes], -LARGEST, LARGEST)
        distance = self.kept.distance(series, codes, relative)
        expected = self.season.expect(series, codes, at, relative)
        recent, usual = series["level"][codes] + series["origin"][codes], series["spread"][codes].copy()
        cold = series["points"][codes] < self.tails.warm
        score, tail, view = self._score(state, codes, (distance, expected.outside, expected.deviation))
        self.kept.keep(series, codes, relative)
        self.season.learn(series, codes, at, relative, expected.baseline)
        onset, since = self.runs.onset(series, codes, score), self.runs.since(series, codes, at, score)
        baseline = expected.baseline + series["origin"][codes]
        p_value = np.power(10.0, -score)
        return Findings(
            score, onset, p_value, tail, view, values, baseline, expected.spread, recent, usual, since, cold
        )

    def _score(
        self, state: SeriesState, codes: Codes, views: tuple[Floats, Floats, Floats]
    ) -> tuple[Floats, Array, Array]:
        """Score of each point, whether from a fitted tail, and by which view. Learns the sizes."""
        sizes = np.concatenate(views)
        rows = (codes * len(VIEWS) + np.arange(len(VIEWS))[:, None]).ravel()
        rarity = self.tails.rarity(state.tails, rows, sizes)
        usual = np.ones(len(rows), np.bool_)
        last = slice(len(rows) - len(codes), None)  # of the view by deviation
        usual[last] = ~self.runs.strange(state.series, codes, rarity.log_p[last])
        self.tails.add(state.tails, rows[usual], sizes[usual])
        paid = np.log10(self.weights)[:, None] - rarity.log_p.reshape(len(VIEWS), -1)
        view = np.argmax(paid, axis=0)
        points = np.arange(len(codes))
        return np.maximum(paid[view, points], 0.0), rarity.fitted.reshape(len(VIEWS), -1)[view, points], view

    def _reach(self, state: SeriesState, codes: Codes, values: Floats) -> None:
        """Rows for new series, whose first value is where they count from."""
        most = int(codes.max(initial=-1)) + 1
        state.series.reach(most)
        state.tails.reach(most * len(VIEWS))
        origin = state.series["origin"]
        new = np.isnan(origin[codes])
        if new.any():
            origin[codes[new]] = values[new]


def _check(codes: Codes, values: Floats) -> None:
    if codes.shape != values.shape or not np.isfinite(values).all():
        raise ValueError("codes and values must have the same shape, and values must be finite")
    if len(codes) > 1 and np.bincount(codes).max() > 1:
        raise ValueError("a series has two points in one call")
