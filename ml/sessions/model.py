"""The model of a system's sessions: what is normal is learned from a history without labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ml.sessions import core, limits, reasons
from ml.sessions.core import Keep
from ml.sessions.counting import Session
from ml.sessions.findings import SessionFinding


class SessionModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Finds sessions whose templates are new, missing, too many, too few or out of order.

    The history may be of normal sessions only or have failures in it; which of the two is judged from how many of its
    sessions are odd. In the first case what is new is abnormal, in the second what is rare among its kind as well.

    Parameters
    ----------
    most_templates : int, default=1000
        Templates kept, those in the most sessions; another one is new.
    most_rows : int, default=4000
        Distinct vectors of counts kept, those of the most sessions.
    most_pairs : int, default=50000
        Pairs of neighbouring templates kept.
    most_held : int, default=10000
        Sessions that are held out, about, to see where normal ends; up to twice as many.
    """

    def __init__(
        self, most_templates: int = 1000, most_rows: int = 4000, most_pairs: int = 50_000, most_held: int = 10_000
    ) -> None:
        self.most_templates = most_templates
        self.most_rows = most_rows
        self.most_pairs = most_pairs
        self.most_held = most_held

    def fit(self, X: Sequence[Session], y: object = None) -> SessionModel:
        """Learn from a history of sessions, each the template texts of one key in order.

        Raises:
            ValueError: the history is empty.

        """
        if not X:
            raise ValueError("a history of at least one session is needed")
        keep = Keep(self.most_templates, self.most_rows, self.most_pairs, self.most_held)
        self.core_ = core.learn(X, keep)
        self.limits_ = limits.learn(X, self.core_, keep)
        return self

    def find(self, session: Session) -> SessionFinding:
        """How abnormal the session is, whether that is an anomaly, and why."""
        check_is_fitted(self)
        read = self.core_.read(session)
        surprise, pair = self.core_.order.surprise(session)
        score = self.limits_.channels.score(self.core_, read, surprise)
        held = self.limits_.held
        as_high = len(held) - int(np.searchsorted(held, score, side="left"))
        return SessionFinding(
            score=score,
            p_value=(as_high + 1) / (len(held) + 1),
            anomaly=score > 1,
            reasons=reasons.reasons(self.core_, self.limits_.channels, read, (surprise, pair)),
        )

    def score_samples(self, X: Sequence[Session]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Lower is more abnormal, −1 is where normal ends; shape (n_sessions,)."""
        return -np.array([self.find(session).score for session in X])
