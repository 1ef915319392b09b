"""Investigations as traces in a real MLflow store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Unavailable
from domain.llm import Usage
from ml.tracing import EXPERIMENT, Tracer
from tests.parts.logs_part import NOON

TURNS: list[dict[str, Any]] = [
    {
        "kind": "explored",
        "text": "let me look",
        "calls": [{"id": "c1", "name": "logs", "arguments": "{}"}],
        "usage": {"in": 900, "out": 20, "seconds": 1.5},
        "at": (NOON + timedelta(seconds=2)).isoformat(),
    },
    {"kind": "tool", "name": "logs", "text": "L1 it broke", "calls": [], "at": NOON.isoformat(), "asked": ["logs {}"]},
    {
        "kind": "answered",
        "text": '{"inconclusive": true}',
        "calls": [],
        "usage": {"in": 990, "out": 40, "seconds": 2.0},
        "at": (NOON + timedelta(seconds=5)).isoformat(),
    },
]


@pytest.fixture
def _address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever traces sets MLflow's address for the process; the next test has its own."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_address")
@pytest.mark.slow
def test_an_investigation_is_one_trace_with_each_turn_at_its_time(tmp_path: Path) -> None:
    import mlflow  # noqa: PLC0415 - 3 s, for this test alone

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    Tracer(uri).write(7, TURNS, {"source": "llm:m"}, Usage(2, 1_890, 60, 0.06, 3.5))
    mlflow.set_tracking_uri(uri)
    try:
        client = mlflow.MlflowClient(uri)
        experiment = client.get_experiment_by_name(EXPERIMENT)
        assert experiment is not None
        (trace,) = client.search_traces(locations=[experiment.experiment_id])
        spans = {span.name: span for span in trace.data.spans}
        assert {"analysis of incident 7", "explored", "logs", "answered"} == spans.keys()
        assert {"calls": 2, "tokens": 1_950, "cost": 0.06} == {
            name: spans["analysis of incident 7"].get_attribute(name) for name in ("calls", "tokens", "cost")
        }
        assert spans["answered"].end_time_ns - spans["answered"].start_time_ns == 2_000_000_000
        assert spans["logs"].parent_id == spans["analysis of incident 7"].span_id
        assert "7" == trace.info.tags["incident"]
    finally:
        mlflow.set_tracking_uri("")


def test_where_the_model_never_answered_there_is_nothing_to_trace() -> None:
    Tracer("http://127.0.0.1:9", seconds=1).write(7, [], {"source": "deterministic"}, Usage(2, 0, 0, 0.0, 120.0))


@pytest.mark.usefixtures("_address")
def test_a_server_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(Unavailable, match="mlflow at"):
        Tracer("http://127.0.0.1:9", seconds=1).write(7, TURNS, {}, Usage())
