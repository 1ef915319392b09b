"""A fleet that works well, minute by minute: days and weekends, growth, deploys, bursts, spikes; and faults in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.fleet_of_texts import Texts
from domain.findings import MinuteFinding
from domain.minutes import ROWS, Measured
from ml.minute_detector import MinuteDetector

Floats = NDArray[np.float64]
DAY = 1_440
WEEK, WEEKEND = 7, 5  # days; a weekend is quieter
BURSTS, SPIKES = 0.001, 0.002  # share of minutes: of many logs, of slow answers
METRICS = ("cpu_usage", "latency_ms", "queue_depth", "memory_usage", "connections")
FIRST = 29_000_000  # a minute of the year 2025
CONFIRM_LOGS = 3


@dataclass(frozen=True)
class Fault:
    """What happens to one service, from one minute on for some."""

    service: int
    minute: int
    kind: str  # silent | failing | slow | fallback | vanished
    length: int = 15


@dataclass
class Fleet:
    """Services of very different size; nothing of it is a fault but what `faults` say."""

    services: int
    seed: int = 0
    faults: tuple[Fault, ...] = ()
    deploys_per_day: float = 10.0
    texts: bool = False  # with the templates of what they say
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        rng = self.rng = np.random.default_rng(self.seed)
        many = self.services
        self.rate = np.exp(rng.normal(3, 1.2, many))
        self.swing, self.phase = rng.uniform(0, 0.8, many), rng.uniform(0, DAY, many)
        self.errors = np.minimum(np.exp(rng.normal(-5, 1, many)), 0.3)
        self.level = np.exp(rng.normal(3, 1, (many, len(METRICS))))
        self.noise = rng.uniform(0.02, 0.3, (many, len(METRICS)))
        self.growth = rng.uniform(0, 0.01, many)
        self.drift, self.wave = np.zeros(many), np.zeros((many, len(METRICS)))
        self.said = Texts(many, self.seed, self.deploys_per_day) if self.texts else None

    def minute(self, number: int) -> pa.Table:
        """What the services did in that minute of the run."""
        season = 1 + self.swing * np.sin(2 * np.pi * (number - self.phase) / DAY)
        if number // DAY % WEEK >= WEEKEND:
            season = 1 + (season - 1) / 2
        self._move()
        rate = self.rate * season * (1 + self.growth) ** (number / DAY) * np.exp(self.drift)
        bursts = self.rng.random(self.services) < BURSTS
        logs = self.rng.poisson(rate * np.where(bursts, self.rng.uniform(2, 8, self.services), 1))
        share, values = self.errors.copy(), self._values(season)
        for fault in self.faults:
            if fault.minute <= number < fault.minute + fault.length:
                logs[fault.service] *= fault.kind != "silent"
                share[fault.service] = 0.9 if fault.kind == "failing" else share[fault.service]
                values[fault.service, 1] *= 30 if fault.kind == "slow" else 1
        counted = self._table(logs.astype(float), self.rng.binomial(logs, share).astype(float), values)
        if self.said is None:
            return counted
        return pa.concat_tables([counted, self.said.minute(number, logs.astype(float), self.faults)])

    def _move(self) -> None:
        rng, shape = self.rng, self.wave.shape
        self.drift = 0.95 * self.drift + rng.normal(0, 0.05, self.services)
        self.wave = 0.9 * self.wave + rng.normal(0, np.sqrt(1 - 0.81), shape)
        if rng.random() < self.deploys_per_day / DAY:
            self.level[rng.integers(self.services)] *= np.exp(rng.normal(0, 0.1, len(METRICS)))

    def _values(self, season: Floats) -> Floats:
        rng = self.rng
        values: Floats = self.level * np.exp(self.noise * (0.7 * self.wave + 0.5 * rng.normal(size=self.wave.shape)))
        values[:, 0] *= season
        values[:, 4] = np.round(values[:, 4])
        values[:, 1] *= np.where(rng.random(self.services) < SPIKES, rng.uniform(2, 6, self.services), 1)
        return values

    def _table(self, logs: Floats, errors: Floats, values: Floats) -> pa.Table:
        here = np.flatnonzero(logs)
        names = [f"service-{at:03d}" for at in here.tolist()]
        kinds = [Measured.LOGS, Measured.ERRORS, *[Measured.METRIC] * len(METRICS)]
        counts = [logs[here], errors[here], *[logs[here]] * len(METRICS)]
        sums = [logs[here], errors[here], *(values[here, at] * logs[here] for at in range(len(METRICS)))]
        columns = {
            "service": names * len(kinds),
            "measured": np.repeat([int(kind) for kind in kinds], len(here)),
            "name": [name for name in ("", "", *METRICS) for _ in names],
            "values": np.concatenate(counts),
            "sum": np.concatenate(sums).astype(float),
            "largest": np.zeros(len(names) * len(kinds)),
        }
        return pa.table([pa.array(columns[one.name], one.type) for one in ROWS], schema=ROWS)


Alarm = tuple[int, MinuteFinding]  # the minute of the run, and what was found first


def alarms(fleet: Fleet, days: float, promise: float = 1.0) -> Iterator[Alarm]:
    """Each time that something begins to be told of."""
    detector = MinuteDetector(promise)
    state, told = detector.begin(), set()
    for number in range(int(days * DAY)):
        found, state = detector.find(state, FIRST + number, fleet.minute(number))
        for one in found:
            what = (one.service, one.measured, one.name, one.direction, one.since)
            if one.is_told(CONFIRM_LOGS) and what not in told:
                told.add(what)
                yield number, one
