"""From a batch of logs to a verdict on each: rules, and the champion where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.logs import LogBatch
from domain.verdicts import Abnormal, Finding, Reason, Verdicts, combine, silent
from ml.asking import Asking, Failed
from ml.habit_finding import Answers, by_habit
from ml.rules import LIMITS, beyond, limits, metric_column, together, words

if TYPE_CHECKING:
    from ml.detectors.service_deviation import Deviation
    from ml.lines.habits import LineHabits

# A row at the edge of what the champion calls normal gets the confidence 0.7.
AT_EDGE = 0.3


@runtime_checkable
class Detector(Protocol):
    """What a champion must be able to do."""

    services_: list[str]
    metrics_: list[str]
    center_: NDArray[np.float64]
    highest_: NDArray[np.float64]  # the highest value seen in normal times

    def measure(self, codes: NDArray[np.intp], columns: dict[str, NDArray[np.float64]]) -> Deviation: ...
    def reaches(self, codes: NDArray[np.intp], columns: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]: ...


@runtime_checkable
class WholeDetector(Detector, Protocol):
    """What a champion from the registry must be able to do beside that."""

    habits_: LineHabits

    def jointly(self, codes: NDArray[np.intp], columns: dict[str, NDArray[np.float64]]) -> Deviation: ...


@dataclass(frozen=True, slots=True)
class Champion:
    """The model in use and its version in the registry."""

    detector: Detector
    version: int  # as the registry counts; 1 or more
    asking: Asking = field(default_factory=Asking, compare=False, repr=False)
    answers: Answers = field(default_factory=dict, compare=False, repr=False)  # about lines, so far


def encoded(batch: LogBatch) -> pa.DictionaryArray:
    """The service of each log."""
    found: pa.DictionaryArray = batch.frame["service"].combine_chunks().dictionary_encode()
    return found


def service_codes(encoded: pa.DictionaryArray, services: list[str]) -> NDArray[np.intp]:
    """Index of each log's service in `services`, −1 for one that is not there."""
    found = pc.index_in(encoded.dictionary, value_set=pa.array(services, pa.string()))
    table = found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.intp)
    codes: NDArray[np.intp] = table[encoded.indices.to_numpy(zero_copy_only=False)]
    return codes


def deviation(
    batch: LogBatch, detector: Detector, codes: NDArray[np.intp]
) -> tuple[Finding, Mapping[str, NDArray[np.bool_]]]:
    """What the champion makes of each metric, and for which logs it speaks in the place of fixed limits.

    `codes`: row of each log's service in `services_`, −1 for an unknown one; shape (n_logs,), here and below.
    """
    names = [name for name in detector.metrics_ if name in batch.metrics.column_names]
    found = detector.measure(codes, {name: metric_column(batch, name) for name in names})
    covered = {name: _overrules(detector, codes, name) for name in names if name in LIMITS}
    return _finding(Reason.DEVIATION, detector, found), covered


def _overrules(detector: Detector, codes: NDArray[np.intp], name: str) -> NDArray[np.bool_]:
    """For which logs the champion saw the metric beyond its fixed limit in normal times, so that this says nothing."""
    index = detector.metrics_.index(name)
    center, highest = detector.center_[codes, index], detector.highest_[codes, index]
    found: NDArray[np.bool_] = (codes >= 0) & ~np.isnan(center) & (highest >= LIMITS[name].doubtful)
    return found


def _finding(reason: Reason, detector: Detector, found: Deviation) -> Finding:
    confidence = (1 - AT_EDGE**found.reach).astype(np.float32)
    return Finding(confidence, reason, tuple(detector.metrics_), found.metric, found.value, found.center, found.spread)


def jointly(batch: LogBatch, detector: WholeDetector, codes: NDArray[np.intp]) -> Finding:
    """What the champion makes of the metrics of each log together."""
    names = [name for name in detector.metrics_ if name in batch.metrics.column_names]
    found = detector.jointly(codes, {name: metric_column(batch, name) for name in names})
    return _finding(Reason.JOINTLY, detector, found)


def abnormal(batch: LogBatch, champion: Champion | None, verdicts: Verdicts) -> dict[int, tuple[Abnormal, ...]]:
    """Every abnormal metric of the anomalous logs by row, the surest first: none hides another."""
    rows = np.flatnonzero(verdicts.anomalous)
    if not rows.size or not batch.metrics.num_columns:
        return {}
    chosen = batch.take(pa.array(rows))
    columns = {name: metric_column(chosen, name) for name in chosen.metrics.column_names}
    normal, sure = _by_metric(chosen, champion, columns)
    found: dict[int, list[Abnormal]] = {}
    for name in sorted(columns):
        values = columns[name]
        for at in np.flatnonzero(sure[name] >= np.float32(verdicts.threshold)).tolist():
            direction = "high" if values[at] >= normal[name][at] else "low"
            found.setdefault(int(rows[at]), []).append(Abnormal(name, direction, float(sure[name][at])))
    # Sorting keeps the order of those that are equally sure: by name.
    return {row: tuple(sorted(held, key=lambda one: -one.confidence)) for row, held in found.items()}


def _by_metric(
    batch: LogBatch, champion: Champion | None, columns: dict[str, NDArray[np.float64]]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float32]]]:
    """What each metric of each log is compared with, and how sure it is that it is abnormal."""
    normal = {name: np.full(len(batch), np.nan) for name in columns}
    sure = {name: np.zeros(len(batch), np.float32) for name in columns}
    for name in columns.keys() & LIMITS.keys():
        sure[name], normal[name][:] = beyond(columns[name], LIMITS[name]), LIMITS[name].doubtful
    if champion is None:
        return normal, sure
    detector = champion.detector
    codes = service_codes(encoded(batch), detector.services_)
    reaches = detector.reaches(codes, columns)
    for index, name in enumerate(detector.metrics_):
        if name in columns:
            known = (codes >= 0) & ~np.isnan(detector.center_[codes, index])
            confidence = (1 - AT_EDGE ** reaches[:, index]).astype(np.float32)
            known &= (confidence >= sure[name]) | (_overrules(detector, codes, name) if name in LIMITS else True)
            sure[name] = np.where(known, confidence, sure[name])
            normal[name] = np.where(known, detector.center_[codes, index], normal[name])
    if isinstance(detector, WholeDetector):
        _with_joint(jointly(batch, detector, codes), normal, sure)
    return normal, sure


def _with_joint(found: Finding, normal: dict[str, NDArray[np.float64]], sure: dict[str, NDArray[np.float32]]) -> None:
    """Where the metrics of a log do not go together, the one that fits the others least is as sure as that."""
    for index in np.unique(found.metric[found.metric >= 0]).tolist():
        name = found.metrics[index]
        rows = (found.metric == index) & (found.confidence > sure[name])
        sure[name] = np.where(rows, found.confidence, sure[name])
        normal[name] = np.where(rows, found.normal, normal[name])


def score(batch: LogBatch, champion: Champion | None, *, threshold: float, enabled: bool = True) -> Verdicts:
    """The verdict on every log of `batch`; each depends on its own row alone.

    Without a champion, or where it fails, the rules decide alone; the verdicts say so by model 0, and why.
    """
    if not enabled:
        return combine((silent(len(batch), Reason.UNSCORED),), threshold=threshold, model=0)
    if champion is None:
        return _by_rules(batch, threshold, "")
    try:
        return champion.asking.answer(lambda: _by_model(batch, champion, threshold))
    except Failed as error:
        return _by_rules(batch, threshold, f"model {champion.version}: {error}")


def _by_rules(batch: LogBatch, threshold: float, fallback: str) -> Verdicts:
    sources = (words(batch), limits(batch, {}), together(batch, {}, None))
    found = combine(sources, threshold=threshold, model=0)
    return replace(found, abnormal=abnormal(batch, None, found), fallback=fallback)


def _by_model(batch: LogBatch, champion: Champion, threshold: float) -> Verdicts:
    detector, names = champion.detector, encoded(batch)
    codes = service_codes(names, detector.services_)
    finding, covered = deviation(batch, detector, codes)
    said, more = words(batch), tuple[Finding, ...]()
    if isinstance(detector, WholeDetector):
        of_habits = service_codes(names, detector.habits_.services_)
        said, habit = by_habit(batch, detector.habits_, of_habits, said, champion.answers)
        more = (jointly(batch, detector, codes), habit)
    if not all(np.isfinite(one.confidence).all() for one in (finding, *more)):
        raise Failed("it gave no number for a log")
    sources = (said, limits(batch, covered), finding, together(batch, covered, finding), *more)
    found = combine(sources, threshold=threshold, model=champion.version)
    return replace(found, abnormal=abnormal(batch, champion, found))
