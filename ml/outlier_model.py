"""Any fitted scikit-learn outlier detector as a champion: isolation forests, one-class SVMs and their like."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.detectors.service_deviation import Deviation, Floats

# How far beyond the edge a row counts that the model calls an outlier: a confidence of 0.91.
OUTLIER_REACH = 2.0


class OutlierModel(Protocol):
    """What scikit-learn's outlier detectors have in common."""

    feature_names_in_: NDArray[np.object_]  # metric names

    def predict(self, X: pd.DataFrame) -> NDArray[np.int_]: ...


class AnyOutlierModel:
    """A model that knows no services and names no metric; a log without one of its metrics is not judged."""

    def __init__(self, model: OutlierModel) -> None:
        self.model = model
        self.services_: list[str] = []
        self.metrics_ = [str(name) for name in model.feature_names_in_]
        self.center_: Floats = np.full((1, len(self.metrics_)), np.nan)
        self.highest_ = self.center_

    def measure(self, codes: NDArray[np.intp], columns: dict[str, Floats]) -> Deviation:
        """How far each row is from normal: 0 or OUTLIER_REACH."""
        rows = len(codes)
        nothing = np.full(rows, np.nan)
        reach = np.zeros(rows)
        if set(self.metrics_) <= columns.keys():
            frame = pd.DataFrame({name: columns[name] for name in self.metrics_})
            judged = frame.notna().all(axis=1).to_numpy()
            if judged.any():
                outlying = self.model.predict(frame[judged]) < 0
                reach[judged] = np.where(outlying, OUTLIER_REACH, 0.0)
        return Deviation(reach, np.full(rows, -1, np.int16), nothing, nothing, nothing)

    def reaches(self, codes: NDArray[np.intp], columns: dict[str, Floats]) -> Floats:
        """Nothing: such a model does not say which metric it was."""
        return np.zeros((len(codes), len(self.metrics_)))
