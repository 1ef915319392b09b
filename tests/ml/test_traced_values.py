"""Investigations as traces: in a real store of MLflow's, and nothing where no model answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.llm import NOTHING, Usage
from ml.tracing import EXPERIMENT, Tracer

TURNS = [
    {
        "kind": "explored",
        "text": "",
        "calls": [{"id": "call_0_0", "name": "logs", "arguments": "{}"}],
        "usage": {"in": 900, "out": 20, "seconds": 0.5},
        "at": "2026-01-05T12:00:01+00:00",
    },
    {"kind": "tool", "name": "logs", "answers": "call_0_0", "text": "{}", "asked": ["logs {}"], "calls": [],
     "at": "2026-01-05T12:00:02+00:00"},
    {"kind": "answered", "text": "{}", "calls": [], "usage": {"in": 950, "out": 50, "seconds": 0.7},
     "at": "2026-01-05T12:00:01+00:00"},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MLflow writes the address that it is given into the environment, where later tests would find it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path)


def test_where_no_model_answered_there_is_no_trace(tmp_path: Path) -> None:
    Tracer(f"sqlite:///{tmp_path}/traces.db").write(7, [], {"source": "deterministic"}, Usage(1, 0, 0, 0.0, 5.0))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_each_turn_is_a_span_even_where_the_clock_was_set_back(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/traces.db"
    Tracer(uri).write(7, TURNS, {"source": "llm:gpt-4"}, NOTHING)
    import mlflow  # noqa: PLC0415 - seconds, for this test only

    experiment = mlflow.get_experiment_by_name(EXPERIMENT)
    (trace,) = mlflow.search_traces(locations=[experiment.experiment_id], return_type="list")
    assert ["analysis of incident 7", "answered", "explored", "logs"] == sorted(span.name for span in trace.data.spans)
