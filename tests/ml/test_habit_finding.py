"""Habits in the verdicts on a batch: they take the place of what level and words say by themselves, and are told of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.evidence_words import because
from domain.logs import Level
from domain.verdicts import Reason
from ml import habit_finding
from ml.anomalies import anomalies
from ml.detectors.service_deviation import SERVICE
from ml.detectors.service_model import ServiceModel
from ml.lines import Line
from ml.rules import words
from ml.scoring import Champion, encoded, score, service_codes
from tests.ml.test_scoring import THRESHOLD, batch_of, told
from tests.parts.logs_part import a_log

LOAD = np.random.default_rng(1).normal(100, 20, 2_000)
METRICS = pd.DataFrame({SERVICE: "web", "load": LOAD, "latency_ms": 2 * LOAD})
REFUSED = "connection to 10.0.0.7 refused"


def a_model() -> ServiceModel:
    """Web serves, and said 312 times that a connection was refused, which people called false alarms; db serves."""
    lines = [
        Line(service, "INFO", f"request {number} served", at=10.0 * number)
        for number in range(3_000)
        for service in ("web", "db")
    ]
    false = [Line("web", "ERROR", REFUSED, at=30_000 + 100.0 * number) for number in range(312)]
    return ServiceModel().fit(METRICS, lines=lines + false, labels=[None] * len(lines) + [0] * len(false))


MODEL = a_model()


def champion() -> Champion:
    return Champion(MODEL, 3)


def why(**fields: Any) -> tuple[bool, str]:
    batch = batch_of(a_log(**fields))
    found = score(batch, champion(), threshold=THRESHOLD)
    assert "" == found.fallback
    kept = [one.evidence() for one in anomalies(batch, found)]
    numbers = kept[0].numbers if kept else found.numbers(0)
    return bool(found.anomalous[0]), because(Reason(int(found.reason[0])).name, numbers)


@pytest.mark.parametrize(
    ("fields", "anomalous", "words_of_it"),
    [
        pytest.param(
            {"level": "CRITICAL", "message": "the moon is full"},
            True,
            "CRITICAL, which this service never logged in 3,312 lines; its text is new",
            id="a-level-it-never-comes-to",
        ),
        pytest.param(
            {"level": "ERROR", "message": REFUSED},
            False,
            "called a false alarm before: 312 times in training",
            id="false-alarm",
        ),
        pytest.param(
            {"level": "ERROR", "message": REFUSED, "service": "db"},
            True,
            "ERROR, which this service never logged in 3,000 lines; its text is new, with the word “refused”",
            id="the-same-of-another-service",
        ),
        pytest.param(
            {"level": "ERROR", "message": REFUSED, "service": "unknown"},
            True,
            "the word “refused” in its message",
            id="rules-where-habits-are-not-known",
        ),
        pytest.param(
            {"message": "slow", "metrics": {"load": 60.0, "latency_ms": 280.0}},
            True,
            "latency_ms 280 ms, where 122 ms would go with its other metrics",
            id="jointly",
        ),
        pytest.param(
            {"message": "fast", "metrics": {"load": 140.0, "latency_ms": 280.0}}, False, "", id="together-normal"
        ),
    ],
)
def test_a_verdict_and_its_words(fields: dict[str, Any], anomalous: bool, words_of_it: str) -> None:  # noqa: FBT001
    found, said = why(**fields)
    assert anomalous == found
    assert said.startswith(words_of_it)


def test_what_does_not_go_together_names_its_incident_by_the_metric() -> None:
    batch = batch_of(a_log(message="slow", metrics={"load": 60.0, "latency_ms": 280.0}))
    (found,) = anomalies(batch, score(batch, champion(), threshold=THRESHOLD))
    assert ("model 3", Reason.JOINTLY.name) == (found.detector, found.evidence().reason)
    assert "latency_ms high" == found.called.template


LOGS = st.lists(
    st.builds(
        a_log,
        service=st.sampled_from(["web", "db", "unknown"]),
        level=st.sampled_from(["INFO", "WARN", "ERROR", "CRITICAL"]),
        message=st.sampled_from(["fine", REFUSED, "connection to 10.0.0.9 refused", "timed out", "the moon is full"]),
        metrics=st.fixed_dictionaries({"load": st.floats(50, 150), "latency_ms": st.floats(100, 300)}),
    ),
    min_size=1,
    max_size=12,
)


@given(logs=LOGS, cut=st.integers(0, 12))
@settings(max_examples=50, deadline=None)
def test_where_a_batch_ends_changes_no_verdict(logs: list[bytes], cut: int) -> None:
    """Nor does what the model was asked before."""
    whole, asked = batch_of(*logs), champion()
    score(whole, asked, threshold=THRESHOLD)
    parts = [batch_of(*part) for part in (logs[:cut], logs[cut:]) if part]
    scored = [one for part in parts for one in told(part, score(part, asked, threshold=THRESHOLD))]
    assert told(whole, score(whole, champion(), threshold=THRESHOLD)) == scored


def test_of_a_flood_the_first_are_judged_and_rules_judge_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(habit_finding, "MOST_JUDGED", 3)
    batch = batch_of(*(a_log(level="ERROR", message=f"refused by {name}") for name in "abcde"), a_log(level="ERROR"))
    codes = service_codes(encoded(batch), MODEL.habits_.services_)
    said, habit = habit_finding.by_habit(batch, MODEL.habits_, codes, words(batch), {})
    assert habit.note is not None
    assert [0, 1, 2, -1, -1, -1] == habit.note.tolist()
    np.testing.assert_array_equal(said.confidence, words(batch).confidence)
    assert [0.0] * 3 == habit.confidence[3:].tolist()


def test_of_long_lines_fewer_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(habit_finding, "MOST_CHARACTERS", 2_100)
    batch = batch_of(*(a_log(level="ERROR", message=f"refused by {name}" + " x" * 5_000) for name in "abcde"))
    codes = service_codes(encoded(batch), MODEL.habits_.services_)
    _, habit = habit_finding.by_habit(batch, MODEL.habits_, codes, words(batch), {})
    assert habit.note is not None
    assert [0, 1, -1, -1, -1] == habit.note.tolist()


def test_answers_are_kept_by_what_messages_say_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = champion()
    alike = [a_log(level="ERROR", message=f"connection to 10.0.0.{number} refused") for number in range(50)]
    score(batch_of(*alike), asked, threshold=THRESHOLD)
    assert 1 == len(asked.answers)
    monkeypatch.setattr(habit_finding, "MOST_KEPT", 2)
    score(batch_of(*(a_log(level="ERROR", message=f"refused by {name}") for name in "abc")), asked, threshold=THRESHOLD)
    assert len(asked.answers) <= 2


def test_the_model_holds_no_words_of_lines() -> None:
    """It lies in MLflow, where whoever may see models need not be allowed to see logs."""
    stored = skops.io.dumps(MODEL)
    assert b"latency_ms" in stored
    assert not [word for word in (b"refused", b"connection", b"served") if word in stored]


def test_below_warn_no_line_is_looked_at() -> None:
    batch = batch_of(a_log(message=REFUSED), a_log(level="DEBUG", message="fatal"))
    said, habit = habit_finding.by_habit(batch, MODEL.habits_, np.zeros(2, np.intp), words(batch), {})
    assert (None, 0.0) == (habit.note, float(said.confidence.max()))


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"at_level": 1, "lines": 40_000}, "CRITICAL, which this service logs once in 40,000 lines; its text is new"),
        ({"at_level": 4, "lines": 400, "times": 1}, "logs once in 100 lines; its text came 1 time in training"),
        ({"usual": True, "times": 312}, "usual here: 312 times in training"),
        ({"at_level": 9, "lines": 90, "called": "real"}, "once in 10 lines; its text was one of a real incident"),
    ],
)
def test_habits_in_words(numbers: dict[str, object], expected: str) -> None:
    given_numbers = {"level": Level.CRITICAL.name, "times": 0, "usual": False} | numbers
    assert because("HABIT", given_numbers, "model 2").endswith(f"{expected} (model 2)")
