"""Rules, a champion, and what they make of logs together; each log is judged from its own row alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from adapters.formats.decoding import decode
from adapters.parts_file import PROJECT
from adapters.playbook_files import load
from domain.correlation import Fold
from domain.evidence_words import because
from domain.folded import Known, Name
from domain.incidents import Incident, Kind, Severity
from domain.logs import LogBatch
from domain.settings import Settings
from domain.verdicts import Reason, Verdicts
from ml.anomalies import anomalies
from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from ml.outlier_model import AnyOutlierModel
from ml.rules import FAILURE_WORDS, LIMITS, word_of
from ml.scoring import Champion, score
from tasks.judging import Knowledge
from tests.parts.logs_part import a_batch, a_log

THRESHOLD = 0.7


def batch_of(*values: bytes) -> LogBatch:
    return decode(a_batch(values), max_bytes=1_000_000)


def verdict(champion: Champion | None = None, **fields: Any) -> tuple[bool, Reason, float]:
    found = score(batch_of(a_log(**fields)), champion, threshold=THRESHOLD)
    return bool(found.anomalous[0]), Reason(int(found.reason[0])), round(float(found.confidence[0]), 3)


def a_champion(**columns: list[float]) -> Champion:
    """A model of the service `web` with 200 normal rows around the given values."""
    wave = np.linspace(-1, 1, 200)
    frame = pd.DataFrame({SERVICE: "web"} | {name: np.mean(values) + wave for name, values in columns.items()})
    return Champion(ServiceDeviation().fit(frame), 3)


@pytest.mark.parametrize(
    ("level", "message", "confidence"),
    [
        ("INFO", "all is well", 0.0),
        ("INFO", "connection refused", 0.0),
        ("DEBUG", "fatal error", 0.0),
        ("WARN", "slow", 0.2),
        ("WARN", "request timed out", 0.75),
        ("ERROR", "odd", 0.5),
        ("ERROR", "Connection REFUSED", 0.9),
        ("CRITICAL", "odd", 0.6),
        ("CRITICAL", "out of memory", 0.95),
        ("ERROR", "no healthy upstream", 0.9),
        ("WARN", "no healthy upstream", 0.2),
        ("ERROR", "Kubelet: node web is NotReady", 0.9),
        ("CRITICAL", "BUG: soft lockup", 0.95),
        ("PURPLE", "connection refused", 0.0),
        ("WARN", "backup finished, 0 errors", 0.2),
        ("ERROR", "scan done: errors=0, failed: 0", 0.5),
        ("ERROR", "0 errors, 3 timeouts", 0.9),
        ("WARN", "cache holds 512 entries", 0.2),
        ("WARN", "query took 541 ms", 0.2),
        ("ERROR", "response of 512 bytes", 0.5),
        ("ERROR", "upstream returned status 503", 0.9),
        ("ERROR", "GET /pay: 502 Bad Gateway", 0.9),
        ("ERROR", "worker exited with code 137", 0.9),
        ("WARN", "worker exited with code 0", 0.2),
        ("ERROR", "Verbindung fehlgeschlagen", 0.9),
        ("ERROR", "数据库连接失败", 0.9),
    ],
)
def test_words_and_levels(level: str, message: str, confidence: float) -> None:
    expected = (confidence >= THRESHOLD, Reason.WORDS if confidence else Reason.NOTHING, confidence)
    assert expected == verdict(level=level, message=message)


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("upstream returned 503", "503"),
        ("java.lang.NullPointerException: x", "Exception"),
        ("no space left on device", "no space left"),
        ("memory leak in worker, connection refused", "refused"),
        ("memory leak in worker", "leak"),
        ("it went well", ""),
        ("5030 items", ""),
    ],
)
def test_the_word_of_failure(message: str, word: str) -> None:
    assert word in word_of(message)
    assert bool(word) == bool(word_of(message))
    assert FAILURE_WORDS.count("(?:")  # no group that captures: Arrow's engine takes the same pattern


@pytest.mark.parametrize("name", LIMITS)
def test_a_metric_beyond_its_fixed_limit(name: str) -> None:
    limit = LIMITS[name]
    just_under, far = limit.doubtful * 0.999, limit.certain * 2
    assert (False, Reason.NOTHING, 0.0) == verdict(metrics={name: just_under})
    assert (True, Reason.LIMIT, 0.7) == verdict(metrics={name: limit.doubtful})
    assert (True, Reason.LIMIT, 1.0) == verdict(metrics={name: far})


def test_a_metric_that_no_rule_knows_says_nothing() -> None:
    assert (False, Reason.NOTHING, 0.0) == verdict(metrics={"queue": 1e9})


def test_without_a_champion_the_detector_says_so() -> None:
    """Fault 14: a missing model was replaced by one that flags everything."""
    batch = batch_of(a_log(level="ERROR", message="refused"), a_log())
    found = replace(score(batch, None, threshold=THRESHOLD), fallback=Knowledge(Settings(), (), None).without)
    assert (0, [True, False]) == (found.model, found.anomalous.tolist())
    assert ["rules, no model is registered"] == [one.detector for one in anomalies(batch, found)]


def test_what_the_champion_knows_replaces_the_fixed_limit() -> None:
    busy = a_champion(cpu_usage=[95.0])
    assert (False, Reason.DEVIATION) == verdict(busy, metrics={"cpu_usage": 96.0})[:2]
    assert (True, Reason.LIMIT) == verdict(metrics={"cpu_usage": 96.0})[:2]
    assert (True, Reason.LIMIT) == verdict(busy, service="unknown", metrics={"cpu_usage": 96.0})[:2]
    assert (True, Reason.LIMIT) == verdict(busy, metrics={"cpu_usage": 95.0, "memory_usage": 99.0})[:2]


def test_a_fixed_limit_says_something_where_no_normal_value_was_ever_beyond_it() -> None:
    """A metric that varies much was normal up to three times of what it can be, and 98 % of memory said nothing."""
    wide = pd.DataFrame({SERVICE: "web", "memory_usage": np.linspace(20, 80, 200)})
    varying = Champion(ServiceDeviation().fit(wide), 3)
    assert (True, Reason.LIMIT) == verdict(varying, metrics={"memory_usage": 98.0})[:2]
    assert (False, Reason.DEVIATION) == verdict(varying, metrics={"memory_usage": 85.0})[:2]
    assert (True, Reason.TOGETHER) == verdict(varying, message="Memory limit exceeded", metrics={"memory_usage": 89.0})[
        :2
    ]


def test_the_champion_finds_what_no_rule_knows() -> None:
    champion = a_champion(queue=[100.0])
    anomalous, reason, confidence = verdict(champion, metrics={"queue": 10_000.0})
    assert (True, Reason.DEVIATION) == (anomalous, reason)
    assert confidence > 0.99
    batch = batch_of(a_log(metrics={"queue": 10_000.0}))
    (found,) = anomalies(batch, score(batch, champion, threshold=THRESHOLD))
    assert (Name(Kind.METRIC, "queue high", "queue", "high"), "model 3") == (found.called, found.detector)
    assert 100.0 == found.evidence().numbers["normal"]


def test_the_edge_of_normal_is_the_threshold() -> None:
    champion = a_champion(queue=[100.0])
    detector = champion.detector
    edge = detector.center_[0, 0] + detector.spread_[0, 0] * detector.reach_[0, 0]  # type: ignore[attr-defined]
    assert not verdict(champion, metrics={"queue": edge * 0.999})[0]
    assert verdict(champion, metrics={"queue": edge * 1.001})[0]


@pytest.mark.parametrize(
    ("level", "message", "metrics", "anomalous"),
    [
        pytest.param(
            "INFO", "Memory limit exceeded", {"memory_usage": 86.0}, True, id="a word beside a strained metric"
        ),
        pytest.param(
            "DEBUG", "read timeout", {"request_latency_ms": 2_100.0, "error_rate": 0.06}, True, id="beside two"
        ),
        pytest.param("INFO", "Memory limit exceeded", {"memory_usage": 60.0}, False, id="beside a metric that is well"),
        pytest.param("INFO", "request was served", {"memory_usage": 86.0}, False, id="without a word"),
        pytest.param("INFO", "read timeout", {"request_latency_ms": 1_500.0}, False, id="beside one that says little"),
    ],
)
def test_a_word_at_a_low_level_counts_beside_metrics_that_are_strained(
    level: str, message: str, metrics: dict[str, float], *, anomalous: bool
) -> None:
    found = verdict(level=level, message=message, metrics=metrics)
    assert (anomalous, anomalous) == (found[0], found[1] is Reason.TOGETHER and found[2] >= THRESHOLD)


def test_it_is_told_with_the_word_and_the_metric() -> None:
    batch = batch_of(a_log(message="Memory limit exceeded", metrics={"memory_usage": 88.0}))
    (found,) = anomalies(batch, score(batch, None, threshold=THRESHOLD))
    kept = found.evidence()
    assert "the word “exceeded” in its message beside memory_usage 88" in because(kept.reason, kept.numbers)


def test_switched_off_is_not_normal() -> None:
    """Fault 13: what nobody scored was stored as normal."""
    found = score(batch_of(a_log(level="CRITICAL", message="fatal")), None, threshold=THRESHOLD, enabled=False)
    assert [Reason.UNSCORED] == found.reason.tolist()


def test_a_row_that_no_number_came_of_is_no_anomaly_and_no_crash() -> None:
    champion = a_champion(queue=[100.0])
    assert (False, Reason.NOTHING, 0.0) == verdict(champion, metrics={"queue": None})


def test_any_outlier_model_may_be_champion() -> None:
    rng = np.random.default_rng(0)
    model = IsolationForest(n_estimators=20, random_state=0).fit(pd.DataFrame({"cpu": rng.normal(50, 1, 300)}))
    champion = Champion(AnyOutlierModel(model), 1)
    assert (True, Reason.DEVIATION) == verdict(champion, metrics={"cpu": 99.0})[:2]
    assert (False, Reason.NOTHING) == verdict(champion, metrics={"cpu": 50.0})[:2]
    assert (False, Reason.NOTHING) == verdict(champion)[:2]


def test_an_empty_batch_has_no_verdicts() -> None:
    for champion in (None, a_champion(queue=[1.0])):
        assert 0 == len(score(batch_of(), champion, threshold=THRESHOLD).confidence)


LOGS = st.lists(
    st.builds(
        a_log,
        service=st.sampled_from(["web", "db"]),
        level=st.sampled_from(["INFO", "WARN", "ERROR", "CRITICAL"]),
        message=st.sampled_from(["fine", "refused", "timed out"]),
        metrics=st.dictionaries(st.sampled_from(["cpu_usage", "queue", "other"]), st.floats(-1e3, 1e5), max_size=3),
    ),
    min_size=1,
    max_size=12,
)


def told(batch: LogBatch, found: Verdicts) -> list[tuple[Any, ...]]:
    rows = range(len(batch))
    return [(found.confidence[row], found.reason[row], sorted(found.numbers(row).items())) for row in rows]


@pytest.mark.parametrize("champion", [None, a_champion(cpu_usage=[50.0], queue=[100.0])], ids=["rules", "champion"])
@given(logs=LOGS, cut=st.integers(0, 12))
def test_where_a_batch_ends_changes_no_verdict(champion: Champion | None, logs: list[bytes], cut: int) -> None:
    whole = batch_of(*logs)
    parts = [batch_of(*part) for part in (logs[:cut], logs[cut:]) if part]
    scored = [one for part in parts for one in told(part, score(part, champion, threshold=THRESHOLD))]
    assert told(whole, score(whole, champion, threshold=THRESHOLD)) == scored


# --- what an incident is called, and how bad it is ----------------------------------------------

POOL = "POST /pay failed: could not check out a connection: 10 of 10 in use, waited 0.25 s"
PLAYBOOKS = load(PROJECT / "playbooks")


def opened(champion: Champion | None, **fields: Any) -> Incident:
    """The incident that one log opens, with the playbooks that come with the agent."""
    knowledge = Knowledge(Settings(), PLAYBOOKS, champion)
    batch = batch_of(a_log(**fields))
    found = anomalies(batch, score(batch, champion, threshold=THRESHOLD))
    folded = Fold(Known(), rules=knowledge.rules, classify=knowledge.classify, now=None).run(found)
    return folded.of_row[0]


BUSY = {"pool_in_use": 10.0, "error_rate": 1.0, "request_latency_ms": 30_000.0}
KNOWING = a_champion(pool_in_use=[2.0], error_rate=[0.0], request_latency_ms=[20.0])


@pytest.mark.parametrize("champion", [None, KNOWING], ids=["rules", "champion"])
@pytest.mark.parametrize("metrics", [None, BUSY, {"error_rate": 1.0}], ids=["alone", "pool", "rate"])
def test_the_same_fault_finds_its_playbook_with_and_without_metrics(
    champion: Champion | None, metrics: dict[str, float] | None
) -> None:
    """N3: real pool exhaustion with metrics beside it became "request_latency_ms high", and nothing was done."""
    found = opened(champion, level="ERROR", message=POOL, metrics=metrics)
    assert (Kind.LOG, "connection-pool-exhausted", Severity.HIGH) == (found.kind, found.playbook, found.severity)


def test_any_abnormal_metric_finds_its_playbook() -> None:
    """N3: the surest one hid the others."""
    found = opened(KNOWING, message="slow", metrics=BUSY)
    assert (Kind.METRIC, "pool_in_use high", "connection-pool-exhausted") == (
        found.kind,
        found.template,
        found.playbook,
    )
    assert "pool_in_use high" in str(found.evidence[0].numbers["abnormal"])


@pytest.mark.parametrize(
    ("fields", "template"),
    [
        pytest.param({"level": "ERROR", "message": "billing failed"}, "billing failed", id="words-of-failure"),
        pytest.param({"level": "WARN", "message": "billing failed"}, "error_rate high", id="words-at-warn"),
        pytest.param({"level": "ERROR", "message": "odd"}, "error_rate high", id="no-words"),
    ],
)
def test_without_a_playbook_words_of_failure_name_it_or_the_surest_metric(
    fields: dict[str, str], template: str
) -> None:
    assert template == opened(None, metrics={"error_rate": 1.0, "cpu_usage": 91.0}, **fields).template


@pytest.mark.parametrize(
    ("level", "metrics", "severity"),
    [
        ("CRITICAL", None, Severity.CRITICAL),
        ("CRITICAL", {"cpu_usage": 100.0}, Severity.CRITICAL),
        ("ERROR", {"cpu_usage": 100.0}, Severity.HIGH),
        ("INFO", {"cpu_usage": 100.0}, Severity.MEDIUM),
    ],
)
def test_severity_comes_from_the_level(level: str, metrics: dict[str, float] | None, severity: Severity) -> None:
    """A12: a CRITICAL log with a metric beside it became MEDIUM, and waited."""
    assert severity == opened(None, level=level, message="out of memory", metrics=metrics).severity


def test_words_at_warn_find_no_playbook() -> None:
    """A6: whoever writes the words to the topic restarted a service."""
    said = {"level": "WARN", "message": "login failed for user java heap space"}
    assert ("", "memory-leak") == (
        opened(None, **said).playbook,
        opened(None, metrics={"memory_usage": 99.0}, **said).playbook,
    )


@pytest.mark.parametrize("text", ["(storm)", "metric cpu_usage high", "cpu_usage high"])
def test_a_log_with_such_a_text_is_just_a_log(text: str) -> None:
    """A14: kinds are columns, not texts."""
    assert (Kind.LOG, "") == (
        opened(None, level="ERROR", message=f"failed {text}").kind,
        opened(None, level="ERROR", message=f"failed {text}").metric,
    )


def test_the_reaches_of_all_metrics_agree_with_the_worst() -> None:
    """None of a log's metrics hides another, and the worst is the same either way."""
    detector = KNOWING.detector
    codes = np.array([0, 0, -1])
    columns = {
        "pool_in_use": np.array([10.0, np.nan, 10.0]),
        "error_rate": np.array([1.0, 0.0, 1.0]),
        "request_latency_ms": np.array([20.0, 500.0, np.nan]),
    }
    assert detector.measure(codes, columns).reach.tolist() == detector.reaches(codes, columns).max(axis=1).tolist()
