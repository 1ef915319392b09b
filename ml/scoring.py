"""From a batch of logs to a verdict on each: rules, and the champion where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.logs import LogBatch
from domain.verdicts import Finding, Reason, Verdicts, combine, silent
from ml.detectors.service_deviation import Deviation
from ml.rules import limits, metric_column, words

# A row at the edge of what the champion calls normal gets the confidence 0.7.
AT_EDGE = 0.3


class Detector(Protocol):
    """What a champion must be able to do."""

    services_: list[str]
    metrics_: list[str]
    center_: NDArray[np.float64]

    def measure(self, codes: NDArray[np.intp], columns: dict[str, NDArray[np.float64]]) -> Deviation: ...


@dataclass(frozen=True, slots=True)
class Champion:
    """The model in use and its version in the registry."""

    detector: Detector
    version: int  # as the registry counts; 1 or more


def service_codes(batch: LogBatch, services: list[str]) -> NDArray[np.intp]:
    """Index of each log's service in `services`, −1 for one that is not there."""
    encoded = batch.frame["service"].combine_chunks().dictionary_encode()
    found = pc.index_in(encoded.dictionary, value_set=pa.array(services, pa.string()))
    table = found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.intp)
    codes: NDArray[np.intp] = table[encoded.indices.to_numpy(zero_copy_only=False)]
    return codes


def deviation(batch: LogBatch, champion: Champion) -> tuple[Finding, Mapping[str, NDArray[np.bool_]]]:
    """What the champion makes of the batch, and for which logs it knows each metric."""
    detector = champion.detector
    codes = service_codes(batch, detector.services_)
    names = [name for name in detector.metrics_ if name in batch.metrics.column_names]
    found = detector.measure(codes, {name: metric_column(batch, name) for name in names})
    confidence = (1 - AT_EDGE**found.reach).astype(np.float32)
    known = (codes >= 0)[:, None] & ~np.isnan(detector.center_[codes])
    covered = {name: known[:, detector.metrics_.index(name)] for name in names}
    finding = Finding(
        confidence,
        Reason.DEVIATION,
        tuple(detector.metrics_),
        found.metric,
        found.value,
        found.center,
        found.spread,
    )
    return finding, covered


def score(batch: LogBatch, champion: Champion | None, *, threshold: float, enabled: bool = True) -> Verdicts:
    """The verdict on every log of `batch`; each depends on its own row alone.

    Without a champion the rules decide alone and the verdicts say so by model 0.
    """
    if not enabled:
        return combine((silent(len(batch), Reason.UNSCORED),), threshold=threshold, model=0)
    if champion is None:
        return combine((words(batch), limits(batch, {})), threshold=threshold, model=0)
    finding, covered = deviation(batch, champion)
    return combine((words(batch), limits(batch, covered), finding), threshold=threshold, model=champion.version)
