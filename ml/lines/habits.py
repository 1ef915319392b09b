"""What the lines of each service are like in normal times, and what that makes of a line: its words, level and text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import inf

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from domain.logs import Level
from ml.lines.detector import Labels, LineDetector
from ml.lines.reading import Line, Reading, read, severity

# What is usual for a service, and what says nothing by itself: both are surely no anomaly.
USUAL, PLAIN = 0.3, 0.6
# Where more than this share of a level's texts came once, of at least so many lines, one more new text says nothing.
MOST_NEW, LEAST_AT_LEVEL = 0.2, 20


@dataclass(frozen=True)
class Habit:
    """What the habits of a service make of one line."""

    confidence: float  # 0 normal … 1 anomalous, 0.7 where an anomaly begins
    usual: bool  # whether its text is usual, or called a false alarm
    replaces: bool  # whether it stands for what words and level say by themselves, else the surer one counts
    times: int  # so often its text came at this level in training, but in incidents
    real: bool  # whether its text was one of a real incident
    false: bool  # whether people called it a false alarm
    at_level: int  # lines of the service at this level in training, but in incidents
    lines: int  # lines of the service


class LineHabits(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Judges lines of known services by a detector that does not go on learning, and by which texts are usual.

    A line's answer depends on the line and the training alone, so it is the same wherever batches end.

    Parameters
    ----------
    least_lines : int, default=200
        Lines of a service below which its habits are not known.
    usual_times : int, default=5
        So often a text comes that is usual, if it was never one of a real incident; one of a false alarm is at once.
    strength : float, default=3.0
        As of `LineDetector`.
    """

    def __init__(self, least_lines: int = 200, usual_times: int = 5, strength: float = 3.0) -> None:
        self.least_lines = least_lines
        self.usual_times = usual_times
        self.strength = strength

    def fit(self, X: Sequence[Line], y: Labels | None = None) -> LineHabits:
        """Learn from lines in order of time; labels: 1 of a real incident, 0 of a false alarm, None for not said.

        Raises:
            ValueError: there are not as many labels as lines.

        """
        labels = [None] * len(X) if y is None else y
        self.detector_ = LineDetector(self.strength).fit(X, labels)
        told = list(zip(X, map(_key, X), labels, strict=True))
        usual = [(line, key) for line, key, label in told if label != 1]
        real, false = ({key for _, key, label in told if label == said} for said in (1, 0))
        times = Counter(key for _, key in usual)
        keys = np.array(sorted({*times, *real}), np.uint64)
        self.keys_: NDArray[np.uint64] = keys
        self.times_: NDArray[np.int64] = np.array([times[key] for key in keys.tolist()], np.int64)
        self.real_, self.false_ = (np.isin(keys, np.array(sorted(each), np.uint64)) for each in (real, false))
        self._count_levels(usual, times)
        return self

    def _count_levels(self, usual: Sequence[tuple[Line, int]], times: Counter[int]) -> None:
        """Lines by service and level, and those of them whose text came once."""
        lines = Counter(line.service for line, _ in usual)
        self.services_ = sorted(name for name, count in lines.items() if count >= self.least_lines)
        at = {name: row for row, name in enumerate(self.services_)}
        self.lines_: NDArray[np.int64] = np.zeros((len(at), len(Level)), np.int64)
        self.single_: NDArray[np.int64] = np.zeros_like(self.lines_)
        for line, key in usual:
            if (row := at.get(line.service)) is not None:
                self.lines_[row, severity(line.level)] += 1
                self.single_[row, severity(line.level)] += times[key] == 1

    @staticmethod
    def read(message: str) -> Reading:
        """What a message says by itself; `judge` answers alike where it is the same."""
        return read(message)

    def judge(self, row: int, level: Level, message: str) -> Habit:
        """What the habits of the service in `services_[row]` make of a line; it counts as part of no burst."""
        check_is_fitted(self)
        line = Line(self.services_[row], level.name, message, at=inf)
        reading = read(message)
        times, real, false = self._seen(_key(line))
        at_level = int(self.lines_[row, level])
        found = self.detector_.find(line, self.detector_.state_)
        sure = self.detector_.confidence(found.score)
        usual = (false or times >= self.usual_times) and not real
        if usual:
            sure = min(sure, USUAL)
        elif not real and self._says_little(row, level, reading, new=not times):
            sure = min(sure, PLAIN)
        replaces = usual or (times > 0 and not real)
        return Habit(sure, usual, replaces, times, real, false, at_level, int(self.lines_[row].sum()))

    def _says_little(self, row: int, level: Level, reading: Reading, *, new: bool) -> bool:
        """Whether neither words nor novelty of a line can make it an anomaly."""
        if reading.failed:
            return False
        if level < Level.ERROR:
            return True
        many = self.lines_[row, level]
        return bool(new and many >= LEAST_AT_LEVEL and self.single_[row, level] > MOST_NEW * many)

    def _seen(self, key: int) -> tuple[int, bool, bool]:
        """How often a text came, and whether it was one of a real incident, and one of a false alarm."""
        at = int(np.searchsorted(self.keys_, np.uint64(key)))
        if at == len(self.keys_) or int(self.keys_[at]) != key:
            return 0, False, False
        return int(self.times_[at]), bool(self.real_[at]), bool(self.false_[at])


def _key(line: Line) -> int:
    """Of a text at a level in a service, in 64 bits."""
    text = f"{line.service}\0{severity(line.level):d}\0{read(line.message).template}"
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
