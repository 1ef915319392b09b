"""What the scorers of log sessions and of log lines call: `sessions` and `lines`, each a factory for one stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ml.sessions import SessionModel

Answer = dict[str, float | bool]


def sessions(meta: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Answer]:
    """Learn from the sessions `train`, and score one session after the other."""
    model = SessionModel().fit([session["events"] for session in meta["train"]])

    def score(session: Mapping[str, Any]) -> Answer:
        found = model.find(session["events"])
        return {"score": found.score, "anomaly": found.anomaly}

    return score
