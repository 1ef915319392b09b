"""The detector of lines that somebody should be told of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ml.lines import opinions, signs
from ml.lines.features import features
from ml.lines.opinions import Kinds, Opinion
from ml.lines.reading import Line, read
from ml.lines.signs import Signs
from ml.lines.state import LineState

Labels = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class LineFinding:
    """What the detector makes of one line."""

    score: float  # 0 is where an alert begins; in log-odds where labels were learned from
    alert: bool
    signs: Signs


class LineDetector(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Scores log lines by signs of failure, and by what operators called an alert where they said so.

    Parameters
    ----------
    strength : float, default=3.0
        Inverse of how far the words of labelled lines are kept from correcting the signs.
    """

    def __init__(self, strength: float = 3.0) -> None:
        self.strength = strength

    def fit(self, X: Sequence[Line], y: Labels | None = None) -> LineDetector:
        """Learn habits from lines in order of time, none needed; and alerts from labels: 1, 0, None for not said.

        Raises:
            ValueError: there are not as many labels as lines.

        """
        labels = [None] * len(X) if y is None else y
        if len(X) != len(labels):
            raise ValueError(f"{len(X)} lines have {len(labels)} labels")
        self.state_ = LineState()
        kinds = _kinds(X, _replayed(X, self.state_), labels)
        self.opinion_: Opinion | None = None
        self.edge_, self.slope_ = signs.ALERT, 1.0
        if kinds.differ:
            held = opinions.held_out(kinds, self.strength)
            self.opinion_ = opinions.learn(kinds, self.strength)
            self.edge_ = opinions.edge(kinds, self.strength, signs.ALERT, held)
            self.slope_ = opinions.slope(kinds, held - self.edge_)
        return self

    def confidence(self, score: float) -> float:
        """How sure it is that a line of this score is an alert; 0.7 at the edge."""
        check_is_fitted(self)
        return float(expit(opinions.AT_EDGE + self.slope_ * score))

    def start(self) -> LineState:
        """The state to score the first line after the history with."""
        check_is_fitted(self)
        return self.state_.copy()

    def find(self, line: Line, state: LineState) -> LineFinding:
        """Score one line by what was before it; the state stays as it is."""
        check_is_fitted(self)
        reading = read(line.message)
        told = state.signs(line, reading)
        score = signs.total(told)
        if self.opinion_ is not None:
            score = self.opinion_.odds(features(line, reading), score)
        return LineFinding(score - self.edge_, score >= self.edge_, told)

    def step(self, line: Line, state: LineState) -> LineFinding:
        """Score one line, then count it in the state."""
        found = self.find(line, state)
        state.see(line, read(line.message))
        return found


def _replayed(lines: Sequence[Line], state: LineState) -> list[float]:
    """What the signs of each line come to as `state` goes on."""
    totals = []
    for line in lines:
        reading = read(line.message)
        totals.append(signs.total(state.signs(line, reading)))
        state.see(line, reading)
    return totals


def _kinds(lines: Sequence[Line], totals: Sequence[float], labels: Labels) -> Kinds:
    """Lines by service, level, template and label; a kind weighs the root of its lines, for bursts are one opinion."""
    groups: defaultdict[tuple[str, str, str, int], list[int]] = defaultdict(list)
    for at, (line, label) in enumerate(zip(lines, labels, strict=True)):
        if label is not None:
            groups[line.service, line.level, read(line.message).template, label].append(at)
    return Kinds(
        rows=[features(lines[at[0]], read(lines[at[0]].message)) for at in groups.values()],
        priors=np.array([np.mean([totals[each] for each in at]) for at in groups.values()]),
        templates=[template for _, _, template, _ in groups],
        labels=np.array([label for *_, label in groups], np.int_),
        weights=np.array([sqrt(len(at)) for at in groups.values()]),
    )
