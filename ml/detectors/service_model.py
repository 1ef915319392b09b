"""What is normal for each service, as one model: its metrics, how they go together, and the habits of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.utils.validation import check_is_fitted

from ml.detectors.joint_deviation import JointDeviation
from ml.detectors.service_deviation import SERVICE, Deviation, Floats, ServiceDeviation
from ml.lines import Line
from ml.lines.detector import Labels
from ml.lines.habits import LineHabits


class ServiceModel(OutlierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Scores the metrics of each row, one by one and jointly, and judges lines.

    Parameters
    ----------
    metrics : ServiceDeviation, default=None
        How far each metric may go; None for one as it is by default, here and below.
    joint : JointDeviation, default=None
        How far they may be from going together.
    habits : LineHabits, default=None
        Which lines are usual.
    """

    def __init__(
        self,
        metrics: ServiceDeviation | None = None,
        joint: JointDeviation | None = None,
        habits: LineHabits | None = None,
    ) -> None:
        self.metrics = metrics
        self.joint = joint
        self.habits = habits

    def fit(
        self,
        X: pd.DataFrame,
        y: object = None,
        *,
        deviation: ServiceDeviation | None = None,
        blind: NDArray[np.bool_] | None = None,
        lines: Sequence[Line] = (),
        labels: Labels | None = None,
    ) -> ServiceModel:
        """Learn from rows as `ServiceDeviation` takes them, and from lines as `LineHabits` does.

        `deviation`: what was learned of the metrics of `X`, where it was learned elsewhere; `blind`: pairs of the
        sorted services and the metrics of `X` that are not looked at.
        """
        self.deviation_: ServiceDeviation = deviation or clone(self.metrics or ServiceDeviation()).fit(X)
        if blind is not None:
            self.deviation_ = self.deviation_.without(blind)
        self.joint_: JointDeviation = clone(self.joint or JointDeviation()).fit(X, self.deviation_)
        self.habits_: LineHabits = clone(self.habits or LineHabits()).fit(lines, labels)
        self.services_, self.metrics_ = self.deviation_.services_, self.deviation_.metrics_
        self.center_: Floats = self.deviation_.center_
        self.highest_: Floats = self.deviation_.highest_
        self.feature_names_in_, self.n_features_in_ = self.deviation_.feature_names_in_, self.deviation_.n_features_in_
        return self

    def without(self, unsteady: NDArray[np.bool_]) -> ServiceModel:
        """The same model, blind to the (service, metric) pairs that are true in `unsteady`."""
        found = copy(self)
        found.deviation_ = self.deviation_.without(unsteady)
        services: NDArray[np.bool_] = np.any(unsteady, axis=1)
        found.joint_ = self.joint_.without(services)
        found.center_ = found.deviation_.center_
        return found

    def blind_jointly(self, services: NDArray[np.bool_]) -> ServiceModel:
        """The same model, which does not look at how metrics go together in the services that are true."""
        found = copy(self)
        found.joint_ = self.joint_.without(services)
        return found

    def codes(self, services: pd.Series) -> NDArray[np.intp]:
        """Row of each service in `center_`, −1 for an unknown one."""
        return self.deviation_.codes(services)

    def measure(self, codes: NDArray[np.intp], columns: dict[str, Floats]) -> Deviation:
        """How far each row is from normal at its worst metric; see `ServiceDeviation.measure`."""
        check_is_fitted(self)
        return self.deviation_.measure(codes, columns)

    def reaches(self, codes: NDArray[np.intp], columns: dict[str, Floats]) -> Floats:
        """How far each metric of each row is from normal; shape (n_rows, n_metrics), 0 where unknown."""
        check_is_fitted(self)
        return self.deviation_.reaches(codes, columns)

    def jointly(self, codes: NDArray[np.intp], columns: dict[str, Floats]) -> Deviation:
        """How far the metrics of each row are from going together; see `JointDeviation.measure`."""
        check_is_fitted(self)
        values = np.full((len(codes), len(self.metrics_)), np.nan)
        for index, name in enumerate(self.metrics_):
            if name in columns:
                values[:, index] = columns[name]
        return self.joint_.measure(codes, values)

    def score_samples(self, X: pd.DataFrame) -> Floats:
        """By metrics; lower is more abnormal, −1 is the edge of normal; shape (n_rows,)."""
        check_is_fitted(self)
        columns = {name: X[name].to_numpy(float) for name in self.metrics_}
        codes = self.codes(X[SERVICE])
        return -np.maximum(self.measure(codes, columns).reach, self.jointly(codes, columns).reach)

    def predict(self, X: pd.DataFrame) -> NDArray[np.int_]:
        """By metrics: 1 for normal rows, −1 for outliers; shape (n_rows,)."""
        return np.where(self.score_samples(X) < -1, -1, 1)
