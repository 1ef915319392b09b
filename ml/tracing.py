"""Investigations as traces in MLflow: what a model said and which tools it used; all of it is masked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.errors import Unavailable
from domain.llm import Usage
from ml.registry import CALL_LIMITS

EXPERIMENT = "sre-agent-analyses"
NANOSECONDS = 1_000_000_000


class Tracer:
    """Writes one trace for each investigation, once it is over.

    Parameters
    ----------
    uri : tracking URI
    seconds : of each call of the server
    """

    def __init__(self, uri: str, seconds: float = 5) -> None:
        self.uri = uri
        self.limits = CALL_LIMITS | {
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(seconds))),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
        }

    def write(
        self, incident_id: int, turns: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], used: Usage
    ) -> None:
        """Write the trace of the stored turns; none where the model never answered. Raises Unavailable."""
        if not any(map(_end, turns)):
            return
        for key, value in self.limits.items():
            os.environ.setdefault(key, value)
        import mlflow  # noqa: PLC0415 - 3 s, only where something is traced
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        try:
            mlflow.set_tracking_uri(self.uri)
            experiment = mlflow.set_experiment(EXPERIMENT)
            begun, ended = _times(turns)
            root = mlflow.start_span_no_context(
                f"analysis of incident {incident_id}",
                span_type="AGENT",
                inputs={"incident": incident_id},
                tags={"incident": str(incident_id), "source": str(answer.get("source", ""))},
                experiment_id=experiment.experiment_id,
                start_time_ns=begun,
            )
            for turn in turns:
                _span(mlflow, root, turn, begun)
            root.set_attributes({"calls": used.calls, "tokens": used.tokens, "cost": used.cost})
            root.end(outputs=dict(answer), end_time_ns=ended)
        except (MlflowException, OSError) as error:
            raise Unavailable(f"mlflow at {self.uri}: {str(error)[:200]}") from error


def _span(mlflow: Any, root: Any, turn: Mapping[str, Any], begun: int) -> None:  # noqa: ANN401 - MLflow brings no types
    is_tool = turn["kind"] == "tool"
    end = _end(turn) or begun
    seconds = float(turn.get("usage", {}).get("seconds", 0.0))
    span = mlflow.start_span_no_context(
        str(turn.get("name", turn["kind"])),
        span_type="TOOL" if is_tool else "CHAT_MODEL",
        parent_span=root,
        inputs={"asked": turn.get("asked", []) or [call["name"] for call in turn["calls"]]},
        start_time_ns=int(end - seconds * NANOSECONDS),
    )
    span.set_attributes(dict(turn.get("usage", {})))
    span.end(outputs={"text": turn["text"], "calls": list(turn["calls"])}, end_time_ns=end)


def _end(turn: Mapping[str, Any]) -> int:
    return int(datetime.fromisoformat(turn["at"]).timestamp() * NANOSECONDS) if turn.get("at") else 0


def _times(turns: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """When the first call began and when the last one ended, in nanoseconds since 1970."""
    ends = [end for turn in turns if (end := _end(turn))]
    first = next((turn for turn in turns if turn.get("at")), None)
    seconds = float(first["usage"]["seconds"]) if first else 0.0
    return int(min(ends) - seconds * NANOSECONDS), max(ends)
