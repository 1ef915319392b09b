"""What services that work well say, minute by minute: habits, days, nightly jobs, bursts, deploys; and faults of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.minutes import ROWS, Measured

if TYPE_CHECKING:
    from benchmarks.fleet_of_minutes import Fault

Floats = NDArray[np.float64]
DAY, HOUR = 1_440, 60
MOST = 40  # templates of a service, those of later deploys included
FALLBACK = 0.002  # share of a text that is there always and hardly ever
TAKEN = 0.4  # … and its share while it takes over
BURSTS = 0.0005  # share of minutes in which a rare text begins to come often
NIGHTLY = 0.3  # share of services with a job of one hour a day


@dataclass
class Texts:
    """The templates of each service; the first is the most usual, the last of the first ones the fallback.

    Shape of `weights`: (n_services, MOST), the share of each template before days, noise and bursts.
    """

    services: int
    seed: int = 0
    deploys_per_day: float = 10.0
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        rng, shape = np.random.default_rng([self.seed, 1]), (self.services, MOST)
        self.rng = rng
        self.many = rng.integers(4, 12, self.services)
        rank = np.arange(MOST)
        self.weights = np.where(rank < self.many[:, None], rng.exponential(1, shape) / (1 + rank), 0.0)
        self.weights[:, 0] += 0.5
        self.weights /= self.weights.sum(axis=1, keepdims=True)
        self.fallback = self.many - 1
        self.weights[np.arange(self.services), self.fallback] = FALLBACK
        self.swing, self.phase = rng.uniform(0, 0.6, shape), rng.uniform(0, DAY, shape)
        self.wave, self.burst = np.zeros(shape), np.zeros(shape)
        self.job = np.where(rng.random(self.services) < NIGHTLY, rng.integers(0, 24, self.services), -1)
        self.ids = rng.integers(1, 2**62, shape)

    def minute(self, number: int, logs: Floats, faults: Iterable[Fault] = ()) -> pa.Table:
        """ROWS of what `logs` logs of each service say in that minute of the run."""
        self._move()
        chance = self.weights * (1 + self.swing * np.sin(2 * np.pi * (number - self.phase) / DAY))
        chance *= np.exp(0.3 * self.wave)
        chance += self.burst
        of_job = (self.job == number // HOUR % 24) & (self.many > 3)  # noqa: PLR2004 - the third text is the job's
        chance[:, 2] = np.where(self.job >= 0, np.where(of_job, 0.4, 0.0), chance[:, 2])
        for fault in faults:
            if fault.minute <= number < fault.minute + fault.length:
                self._spoil(chance, fault)
        chance /= np.maximum(chance.sum(axis=1, keepdims=True), 1e-12)
        return self._table(self.rng.multinomial(logs.astype(np.int64), chance).astype(float))

    def _spoil(self, chance: Floats, fault: Fault) -> None:
        one = fault.service
        if fault.kind == "fallback":
            chance[one] *= (1 - TAKEN) / chance[one].sum()
            chance[one, self.fallback[one]] += TAKEN
        elif fault.kind == "vanished":
            chance[one, 0] = 0.0

    def _move(self) -> None:
        rng, shape = self.rng, self.weights.shape
        self.wave = 0.97 * self.wave + rng.normal(0, np.sqrt(1 - 0.97**2), shape)
        # A burst of a rare text, for a minute or three.
        self.burst *= rng.random(shape) < 0.4  # noqa: PLR2004 - as above
        begins = (rng.random(self.services) < BURSTS).nonzero()[0]
        self.burst[begins, self.fallback[begins]] = rng.uniform(0.02, 0.15, len(begins))
        if rng.random() < self.deploys_per_day / DAY:
            self._deploy(int(rng.integers(self.services)))

    def _deploy(self, one: int) -> None:
        """One text is worded anew, and one comes beside it."""
        old = int(self.rng.integers(self.many[one]))
        self.ids[one, old] = self.rng.integers(1, 2**62)
        if self.many[one] < MOST:
            self.weights[one, self.many[one]] = self.rng.uniform(0.01, 0.1)
            self.many[one] += 1

    def _table(self, logs: Floats) -> pa.Table:
        service, text = logs.nonzero()
        many, values = len(service), logs[service, text]
        columns = {
            "service": np.array([f"service-{at:03d}" for at in range(self.services)])[service],
            "measured": np.full(many, int(Measured.TEMPLATE)),
            "name": self.ids[service, text].astype(str),
            "values": values,
            "sum": values,
            "largest": np.zeros(many),
        }
        return pa.table([pa.array(columns[one.name]).cast(one.type) for one in ROWS], schema=ROWS)
