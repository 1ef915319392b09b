"""What the metrics of one entity (a service, a pod) say together: how strained and how unusual it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ml.series.detector import SeriesDetector, SeriesState
from ml.series.findings import Codes, Findings, Floats
from ml.tables import Array, Column, Table

# Ends of the names of metrics that have a limit, and the limit: OpenMetrics counts ratios up to 1.
LIMITS = {"usage": 100.0, "percent": 100.0, "utilization": 100.0, "utilisation": 100.0, "ratio": 1.0}
# Beginnings of the names of metrics of a machine, as Prometheus' exporters have them: many entities share it.
MACHINE = ("node_", "machine_", "host_")
# The smallest room under the limit, as a share of it: what always runs at its limit is not strained by a hair.
LEAST_ROOM = 0.05
# Weight of one power of ten of the p-value beside the strain: it orders those that are alike in strain.
TIE = 1e-3
# The saved arrays of the entities themselves begin with this.
ENTITIES = "entities."


def limit_of(name: str) -> float:
    """The largest value that a metric of this name can have for its entity, NaN where that is not known."""
    if name.startswith(MACHINE):
        return float("nan")
    return next((limit for end, limit in LIMITS.items() if name.endswith(end)), float("nan"))


def strains(findings: Findings, limits: Floats) -> Floats:
    """How much of its capacity each point takes unexpectedly: 0 nothing, 1 all of what was idle before.

    The geometric mean of two shares: the rise over the baseline as a share of the limit, and as a share of
    the room there was under the limit. 0 for a metric without a limit (NaN). It needs no history but one
    point, since the limit gives the scale. Shape (n_points,).
    """
    limits_or_one = np.where(np.isnan(limits), 1.0, limits)
    value = np.clip(findings.value / limits_or_one, 0.0, 1.0)
    usual = np.clip(findings.baseline / limits_or_one, 0.0, 1.0)
    rise = np.maximum(value - usual, 0.0)
    room = np.minimum(rise / np.maximum(1.0 - usual, LEAST_ROOM), 1.0)
    return np.where(np.isnan(limits), 0.0, np.sqrt(rise * room))


@dataclass(frozen=True, slots=True)
class EntityState:
    """What is known of every entity and of every series; `Entities.find` writes into it."""

    metrics: SeriesState
    entities: Table

    def arrays(self) -> dict[str, Array]:
        """Copies of all arrays by name, to be saved."""
        own = {ENTITIES + name: array for name, array in self.entities.arrays().items()}
        return own | self.metrics.arrays()


@dataclass(frozen=True, slots=True)
class EntityFindings:
    """One time step as columns of shape (n_entities,), in the order of `entities`."""

    entities: Codes
    strain: Floats  # 0 … 1, the largest of the metrics; a strain fades, it does not end at once
    p_value: Floats  # probability that any of the metrics of a normal entity is that extreme
    onset: Floats  # −log10 of the p-value at the begin of a run, else 0
    worst: Codes  # index of the point that is the most unusual
    points: Findings  # the metrics themselves

    @property
    def score(self) -> Floats:
        """Larger is worse: by strain, then by how unusual it is. It stays high while a strain lasts."""
        return self.strain - TIE * np.log10(np.maximum(self.p_value, np.finfo(np.float64).tiny))


@dataclass(frozen=True, slots=True)
class Entities:
    """Judges entities by all of their metrics.

    The p-values of an entity's metrics are joined by Bonferroni, which holds however they hang together.
    """

    detector: SeriesDetector = field(default_factory=SeriesDetector)
    half_life_seconds: float = 120.0  # of a strain that is over

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one entity."""
        return {"held": Column(np.float64), "held_at": Column(np.float64)}

    def begin(self) -> EntityState:
        """The state before any point."""
        return EntityState(self.detector.begin(), Table(self.columns))

    def resume(self, arrays: Mapping[str, Array]) -> EntityState:
        """The state whose `arrays` these were. ValueError where they are of another detector."""
        own = {name.removeprefix(ENTITIES): array for name, array in arrays.items() if name.startswith(ENTITIES)}
        return EntityState(self.detector.resume(arrays), Table.of(self.columns, own))

    def find(
        self, state: EntityState, at: float, entities: Codes, points: tuple[Codes, Floats], limits: Floats
    ) -> tuple[EntityFindings, EntityState]:
        """Judge the entities whose series have a point now.

        `entities`: whose each point is; `points`: codes of the series and values, as for
        `SeriesDetector.find`; `limits`: from `limit_of` each metric's name; all of shape (n_points,).
        """
        found, _ = self.detector.find(state.metrics, at, *points)
        named, inverse, sizes = np.unique(entities, return_inverse=True, return_counts=True)
        strain = np.zeros(len(named))
        np.maximum.at(strain, inverse, strains(found, limits))
        # From the least to the most unusual: of several points of one entity the last one is written.
        order = np.argsort(found.score, kind="stable")
        worst = np.zeros(len(named), np.intp)
        worst[inverse[order]] = order
        onset = np.zeros(len(named))
        np.maximum.at(onset, inverse, found.onset)
        onset = np.maximum(onset - np.log10(sizes), 0.0)
        p_value = np.minimum(sizes * found.p_value[worst], 1.0)
        held = self._hold(state.entities, at, named, strain)
        return EntityFindings(named, held, p_value, onset, worst, found), state

    def _hold(self, table: Table, at: float, named: Codes, strain: Floats) -> Floats:
        table.reach(int(named.max(initial=-1)) + 1)
        past = np.maximum(at - table["held_at"][named], 0.0)
        held: Floats = np.maximum(strain, table["held"][named] * np.exp2(-past / self.half_life_seconds))
        table["held"][named], table["held_at"][named] = held, at
        return held
