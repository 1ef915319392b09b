"""What labels teach: how the words of lines correct what the signs come to.

A logistic regression, in which what the signs come to is so large a column that it is hardly shrunk, while words are
kept near to no effect unless labels speak for one. Words that no label tells about leave a line to its signs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from ml.lines.features import COLUMNS, place

Floats = NDArray[np.float64]
Features = Mapping[str, float]
FOLDS = 5
# How large the column of the signs is against that of a word.
PRIOR = 3.0
# Log-odds of an alert at the edge, which is the confidence from which on a log is an anomaly: 0.7.
AT_EDGE = log(0.7 / 0.3)
# What is tried for how much a score says.
SLOPES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
# Templates of alerts that say as much about where alerts begin as the signs do.
ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Kinds:
    """Labelled lines alike in all that counts, as one row each."""

    rows: Sequence[Features]
    priors: Floats  # what the signs came to, the mean over the lines; shape (n_rows,)
    templates: Sequence[str]
    labels: NDArray[np.int_]  # shape (n_rows,)
    weights: Floats  # shape (n_rows,)

    def at(self, chosen: NDArray[np.intp]) -> Kinds:
        """Some of the rows."""
        rows, templates = (
            [self.rows[each] for each in chosen.tolist()],
            [self.templates[each] for each in chosen.tolist()],
        )
        return Kinds(rows, self.priors[chosen], templates, self.labels[chosen], self.weights[chosen])

    @property
    def differ(self) -> bool:
        """Whether there are lines that are alerts and lines that are none."""
        return 0 < int(self.labels.sum()) < len(self.labels)


@dataclass(frozen=True, slots=True)
class Opinion:
    """The log-odds of an alert, as a sum."""

    words: Floats  # shape (COLUMNS,)
    prior: float
    base: float

    def odds(self, row: Features, prior: float) -> float:
        """Log-odds of a line by its features and what its signs come to."""
        return (
            self.base + self.prior * prior + sum(float(self.words[place(name)]) * value for name, value in row.items())
        )


def learn(kinds: Kinds, strength: float) -> Opinion:
    """The opinion of labels that differ; `strength` is the inverse of how far words are kept from any effect."""
    x = _matrix(kinds)
    used = np.unique(x.indices)
    model = LogisticRegression(C=strength, max_iter=1000)
    model.fit(x[:, used], kinds.labels, sample_weight=kinds.weights)
    columns = np.zeros(COLUMNS + 1)
    columns[used] = model.coef_[0]
    return Opinion(columns[:COLUMNS], float(columns[COLUMNS]) * PRIOR, float(model.intercept_[0]))


def edge(kinds: Kinds, strength: float, of_signs: float, held: Floats) -> float:
    """The log-odds from which on lines are alerts, the more by the labels the more templates of alerts there are.

    `held`: as of `held_out`. Otherwise it is where the log-odds are those of a line without words whose signs come to
    `of_signs`.
    """
    share = _alerts(kinds) / (_alerts(kinds) + ENOUGH)
    known = ~np.isnan(held)
    by_labels = best_edge(kinds.labels[known], held[known], kinds.weights[known])
    return share * by_labels + (1 - share) * learn(kinds, strength).odds({}, of_signs)


def _alerts(kinds: Kinds) -> int:
    """Templates of alerts."""
    return len({name for name, label in zip(kinds.templates, kinds.labels, strict=True) if label})


def held_out(kinds: Kinds, strength: float) -> Floats:
    """The log-odds of each kind by an opinion that does not know its template; NaN where there is none."""
    names = {name: index for index, name in enumerate(sorted(set(kinds.templates)))}
    fold = np.array([names[template] % FOLDS for template in kinds.templates])
    odds: Floats = np.full(len(fold), np.nan)
    for each in range(FOLDS):
        rest, out = kinds.at(np.flatnonzero(fold != each)), np.flatnonzero(fold == each)
        if rest.differ:
            opinion = learn(rest, strength)
            odds[out] = [opinion.odds(kinds.rows[at], float(kinds.priors[at])) for at in out.tolist()]
    return odds


def slope(kinds: Kinds, scores: Floats) -> float:
    """How much a score of 1 adds to the log-odds that a line is an alert: the likeliest for held-out labels.

    `scores`: shape (n_kinds,), 0 at the edge, NaN where unknown. Of few templates of alerts, or of others, it is 1.
    """
    known = ~np.isnan(scores)
    templates = np.array(kinds.templates, object)
    labels, weights, scores = kinds.labels[known], kinds.weights[known], scores[known]
    if min(len(set(templates[known][labels == label])) for label in (0, 1)) < ENOUGH:
        return 1.0
    signed = np.where(labels == 1, 1.0, -1.0)
    losses = [float(np.sum(weights * np.logaddexp(0, -signed * (AT_EDGE + each * scores)))) for each in SLOPES]
    return SLOPES[int(np.argmin(losses))]


def best_edge(labels: NDArray[np.int_], scores: Floats, weights: Floats) -> float:
    """The score that parts the labels with the best F1, in the middle of the gap it lies in; 0 without alerts."""
    if not labels.any():
        return 0.0
    down = np.argsort(-scores, kind="stable")
    hits = np.cumsum(weights[down] * labels[down])
    best = int(np.argmax(2 * hits / (np.cumsum(weights[down]) + hits[-1])))
    after = scores[down[min(best + 1, len(down) - 1)]]
    return float((scores[down[best]] + after) / 2)


def _matrix(kinds: Kinds) -> csr_matrix:
    """Features, then what the signs come to; shape (n_rows, COLUMNS + 1)."""
    places, values, ends = list[int](), list[float](), [0]
    for row, prior in zip(kinds.rows, kinds.priors, strict=True):
        places += [*map(place, row), COLUMNS]
        values += [*row.values(), PRIOR * float(prior)]
        ends.append(len(places))
    return csr_matrix((np.array(values), np.array(places), np.array(ends)), shape=(len(kinds.rows), COLUMNS + 1))
