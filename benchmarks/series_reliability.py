"""Whether p-values of the detector of series keep what they say, on made-up streams in which nothing happens.

`python -m benchmarks.series_reliability [SERIES] [POINTS] [SEED]` prints JSON: for each kind of stream the share
of points with a p-value at or below each level, divided by the level. 1 is exact, less is cautious, and more
means that many more false alarms than promised.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ml.series import SeriesDetector

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], Floats]
LEVELS = (0.1, 0.01, 0.001, 0.0001)
STEP_SECONDS = 300.0
DAY_POINTS = 288
# Points at the start that are not judged: what is rare can be told once there is something to compare with.
YOUNG = 100


def daily(rng: np.random.Generator, series: int, points: int) -> Floats:
    """A daily swing with noise."""
    swing = 10.0 * np.sin(2 * np.pi * np.arange(points) / DAY_POINTS)
    return np.asarray(50.0 + swing + rng.normal(0.0, 1.0, (series, points)))


def autocorrelated(rng: np.random.Generator, series: int, points: int) -> Floats:
    """Each point is 0.9 of the one before, and noise."""
    noise = rng.normal(0.0, 1.0, (series, points))
    for number in range(1, points):
        noise[:, number] += 0.9 * noise[:, number - 1]
    return noise


STREAMS: dict[str, Draw] = {
    "gaussian": lambda rng, series, points: rng.normal(100.0, 5.0, (series, points)),
    "daily": daily,
    "counts": lambda rng, series, points: rng.poisson(3.0, (series, points)).astype(np.float64),
    "seldom": lambda rng, series, points: rng.poisson(0.02, (series, points)).astype(np.float64),
    "heavy_tail": lambda rng, series, points: rng.standard_t(3.0, (series, points)),
    "lognormal": lambda rng, series, points: rng.lognormal(0.0, 1.0, (series, points)),
    "autocorrelated": autocorrelated,
}


def p_values(values: Floats) -> Floats:
    """The p-value of each point of streams of shape (n_series, n_points)."""
    detector = SeriesDetector()
    state, codes = detector.begin(), np.arange(len(values))
    found = np.empty(values.shape)
    for number, column in enumerate(values.T):
        findings, state = detector.find(state, STEP_SECONDS * number, codes, column)
        found[:, number] = findings.p_value
    return found


def excess(kind: str, series: int, points: int, seed: int) -> dict[float, float]:
    """Share of the points with a p-value at or below each of `LEVELS`, divided by the level."""
    values = STREAMS[kind](np.random.default_rng(seed), series, points)
    judged = p_values(values)[:, YOUNG:]
    return {level: float((judged <= level).mean() / level) for level in LEVELS}


def main() -> None:
    """Print one JSON document."""
    given = [int(each) for each in sys.argv[1:]]
    series, points, seed = (*given, *(50, 3000, 0)[len(given) :])
    print(json.dumps({kind: excess(kind, series, points, seed) for kind in STREAMS}, indent=2))


if __name__ == "__main__":
    main()
