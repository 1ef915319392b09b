"""`sre why` in words: a model is asked only where its numbers are the reason."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from console.explaining import explain
from domain.detection_settings import DetectionSettings
from domain.verdicts import Reason
from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from ml.detectors.service_model import ServiceModel
from ml.lines import Line
from ml.scoring import Champion

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def a_stored_log(reason: Reason, **changes: Any) -> dict[str, Any]:
    log = {
        "request_id": "r1",
        "service": "web",
        "level": 2,
        "timestamp": AT,
        "arrived_at": AT,
        "topic_id": 1,
        "partition": 0,
        "offset": 7,
        "part": 0,
        "message": "request took 900 ms",
        "measured": [("request_latency_ms", 900.0)],
        "wire": 0,
        "reason": int(reason),
        "anomaly": True,
        "confidence": 0.9,
        "model": 3,
    }
    return log | changes


def reason(log: dict[str, Any], champion: Champion | None) -> str:
    return explain(log, None, DetectionSettings(), champion)[2]


def a_champion() -> Champion:
    rows = [("web", 20.0 + number % 5) for number in range(200)]
    return Champion(ServiceDeviation().fit(pd.DataFrame(rows, columns=[SERVICE, "request_latency_ms"])), 3)


def test_the_numbers_of_a_deviation_are_the_model_s() -> None:
    words = reason(a_stored_log(Reason.DEVIATION), a_champion())
    assert "farthest from what the model learned" in words
    assert "900" in words


def test_a_habit_is_told_with_its_counts() -> None:
    lines = [Line("web", "INFO", f"request took {number} ms", at=60.0 * number) for number in range(300)]
    frame = pd.DataFrame({SERVICE: "web", "request_latency_ms": [20.0 + number % 5 for number in range(200)]})
    champion = Champion(ServiceModel().fit(frame, lines=lines), 3)
    log = a_stored_log(Reason.HABIT, level=5, message="the moon is full", measured=[])
    assert (
        "Reason: CRITICAL, which this service never logged in 300 lines; its text is new (model 3)."
        " Its message: the moon is full" == reason(log, champion)
    )
    usual = a_stored_log(Reason.HABIT, level=3, message="request took 3 s", measured=[], anomaly=False)
    told = "Reason: WARN, which this service never logged in 300 lines; its text is new (model 3)."
    assert f"{told} Its message: request took 3 s" == reason(usual, champion)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (a_stored_log(Reason.HABIT), "Reason: habit; model 3 is not to be had any more, so without numbers."),
        (
            a_stored_log(Reason.DEVIATION),
            "Reason: deviation; model 3 is not to be had any more, so without numbers.",
        ),
        (
            a_stored_log(Reason.WORDS, level=4, message="disk failed"),
            "Reason: its level ERROR, and the word 'failed' in its message: disk failed",
        ),
        (a_stored_log(Reason.NOTHING, anomaly=False), "Reason: no rule and no model saw anything."),
    ],
)
def test_without_the_model_only_its_numbers_are_missing(log: dict[str, Any], expected: str) -> None:
    assert expected == reason(log, None)


def test_why_waits_neither_for_prefect_nor_for_scikit_learn() -> None:
    heavy = "{'prefect', 'sklearn', 'mlflow', 'great_expectations'}"
    imports = (
        f"import sys, console.why, console.explaining, adapters.store.log_look_ups; print({heavy} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", imports], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
