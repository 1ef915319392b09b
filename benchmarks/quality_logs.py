"""What the scorers of log sessions and of log lines call: `sessions` and `lines`, each a factory for one stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ml.lines import Line, LineDetector
from ml.sessions import SessionModel

Answer = dict[str, float | bool]


def sessions(meta: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Answer]:
    """Learn from the sessions `train`, and score one session after the other."""
    model = SessionModel().fit([session["events"] for session in meta["train"]])

    def score(session: Mapping[str, Any]) -> Answer:
        found = model.find(session["events"])
        return {"score": found.score, "anomaly": found.anomaly}

    return score


def lines(meta: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Answer]:
    """Learn from the lines `train`, from their labels where they have any, and score one line after the other."""
    history = meta.get("train") or []
    detector = LineDetector().fit([_line(each) for each in history], [each.get("label") for each in history])
    state = detector.start()

    def score(record: Mapping[str, Any]) -> Answer:
        found = detector.step(_line(record), state)
        return {"score": found.score, "anomaly": found.alert}

    return score


def _line(record: Mapping[str, Any]) -> Line:
    at = datetime.fromisoformat(record["timestamp"])
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return Line(
        record["service"], record["level"], record["message"], record.get("node") or record.get("host", ""), seconds
    )
