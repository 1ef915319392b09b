"""Where a run of abnormal points begins: the first of a run is news, those after it are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.series.findings import Codes, Floats
from ml.tables import Column, Table


@dataclass(frozen=True, slots=True)
class Runs:
    """Lets a score through only where it is clearly above all that was let through shortly before."""

    blocks: int = 8
    block: int = 20  # points; what was let through is remembered for `blocks` of them
    margin: float = 0.5  # by how much a score must be higher to be news, in powers of ten of the p-value
    abnormal: float = 2.0  # score of an abnormal point, for the begin of a run
    pause: int = 5  # normal points in a row that end a run
    strange_log_p: float = -6.0  # log10 of the p-value of a deviation that is no usual one
    forgiven: int = 3  # runs with such deviations before they are held to be usual

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one series."""
        return {
            "told": Column(np.float32, 0.0, self.blocks),  # largest score let through, by block
            "turn": Column(np.int32),  # points so far, modulo all blocks
            "since": Column(np.float64, np.nan),  # begin of the run
            "calm": Column(np.int32),  # normal points in a row
            "incidents": Column(np.int32),  # runs with a strange deviation so far
        }

    def onset(self, state: Table, codes: Codes, score: Floats) -> Floats:
        """The score where it is news, else 0; shape (n_points,). Changes the state."""
        turn = state["turn"][codes]
        now = turn // self.block
        state["told"][codes, now] = np.where(turn % self.block == 0, 0.0, state["told"][codes, now])
        news = score > state["told"][codes].max(axis=1) + self.margin
        onset = np.where(news, score, 0.0)
        state["told"][codes, now] = np.maximum(state["told"][codes, now], onset)
        state["turn"][codes] = (turn + 1) % (self.block * self.blocks)
        return onset

    def since(self, state: Table, codes: Codes, at: float, score: Floats) -> Floats:
        """When the run began that each point is in, NaN where it is in none. Changes the state."""
        abnormal = score >= self.abnormal
        calm = np.where(abnormal, 0, state["calm"][codes] + 1)
        since = np.where(calm >= self.pause, np.nan, state["since"][codes])
        since = np.where(abnormal & np.isnan(since), at, since)
        state["calm"][codes], state["since"][codes] = calm, since
        return since

    def strange(self, state: Table, codes: Codes, log_p: Floats) -> NDArray[np.bool_]:
        """Which deviations are not to be learned from. Changes the state; to be called before `since`.

        As in SPOT an anomaly is not counted among the extremes of normal times, else the first incident
        would hide the second; but what comes back again and again is normal for its series.
        """
        strange = (log_p <= self.strange_log_p) & (state["incidents"][codes] < self.forgiven)
        state["incidents"][codes] += strange & np.isnan(state["since"][codes])
        return strange
