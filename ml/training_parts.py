"""A fit in parts: services in so many groups, each fitted by itself, and one detector of all of them.

What is learned of a service depends on that service, but for two facts about each metric: whether all of its values
are whole numbers, and whether it wavers anywhere. They are told first, so that the whole is what one fit would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.detectors.service_deviation import SERVICE, Floats, ServiceDeviation

Flags = NDArray[np.bool_]  # shape (n_metrics,)
LEARNED = ("center_", "spread_", "reach_", "highest_")  # arrays of shape (n_services, n_metrics)


@dataclass(frozen=True, slots=True)
class Facts:
    """What of metrics is told over all services."""

    whole: Flags  # all values are whole numbers
    wavers: Flags  # there are different values in some service

    def plus(self, other: Facts) -> Facts:
        """Of both parts."""
        return Facts(self.whole & other.whole, self.wavers | other.wavers)


class PartDeviation(ServiceDeviation):
    """The detector of some of the services, which knows the facts about all of them."""

    def known(self, facts: Facts) -> PartDeviation:
        """Itself, once it was told them."""
        self.facts_ = facts
        return self

    def _counts(self, X: pd.DataFrame, wavers: NDArray[np.bool_], center: Floats) -> NDArray[np.bool_]:
        counts: NDArray[np.bool_] = self.facts_.whole & (wavers | (self.facts_.wavers & (center == 0)))
        return counts


def divided(frame: pd.DataFrame, many: int) -> list[pd.DataFrame]:
    """The rows of the services in at most so many parts with about as many rows each."""
    counts = frame[SERVICE].value_counts()
    load = np.zeros(max(1, min(many, len(counts))), np.int64)
    part_of: dict[str, int] = {}
    for service, rows in counts.items():  # the largest first
        part_of[str(service)] = int(load.argmin())
        load[load.argmin()] += rows
    codes = frame[SERVICE].map(part_of).to_numpy()
    return [frame[codes == part] for part in range(len(load))]


def facts_of(part: pd.DataFrame) -> Facts:
    """Of one part."""
    metrics = [name for name in part.columns if name != SERVICE]
    whole = ((part[metrics] % 1).fillna(0) == 0).all(axis=0).to_numpy(bool)
    wavers: Flags = np.asarray((part.groupby(SERVICE)[metrics].nunique().to_numpy() > 1).any(axis=0))
    return Facts(whole, wavers)


def of_all(facts: Sequence[Facts]) -> Facts:
    """Of all parts together."""
    return reduce(Facts.plus, facts)


def fit_part(part: pd.DataFrame, facts: Facts) -> ServiceDeviation:
    """What is learned of the services of one part."""
    return PartDeviation().known(facts).fit(part)


def merged(parts: Sequence[ServiceDeviation]) -> ServiceDeviation:
    """One detector of all services, as if it had been fitted at once."""
    first = parts[0]
    whole = ServiceDeviation(**first.get_params())
    for name in ("metrics_", "feature_names_in_", "n_features_in_"):
        setattr(whole, name, getattr(first, name))
    services = [service for part in parts for service in part.services_]
    order = np.argsort(np.array(services, object), kind="stable")
    whole.services_ = [services[at] for at in order.tolist()]
    for name in LEARNED:
        setattr(whole, name, np.concatenate([getattr(part, name) for part in parts])[order])
    return whole
