"""Why a log was an anomaly, as people read it."""

from __future__ import annotations

import pytest

from domain.evidence_words import because


@pytest.mark.parametrize(
    ("reason", "numbers", "detector", "expected"),
    [
        (
            "DEVIATION",
            {"confidence": 1.0, "threshold": 0.7, "metric": "pool_in_use", "value": 10.0, "normal": 0, "spread": 0.02},
            "model 2",
            "pool_in_use 10, normally 0 (model 2)",
        ),
        (
            "DEVIATION",
            {"metric": "request_latency_ms", "value": 251.83, "normal": 12.04},
            "model 2",
            "request_latency_ms 252 ms, normally 12 ms (model 2)",
        ),
        (
            "LIMIT",
            {"metric": "cpu_usage", "value": 95.5, "normal": 90.0},
            "rules",
            "cpu_usage 95.5 %, limit 90 % (rules)",
        ),
        ("WORDS", {"confidence": 0.9, "word": "refused"}, "rules", "the word “refused” in its message (rules)"),
        ("OWN", {}, "", "own"),
    ],
)
def test_evidence_in_words(reason: str, numbers: dict[str, object], detector: str, expected: str) -> None:
    assert expected == because(reason, numbers, detector)
