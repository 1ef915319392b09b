"""Rows and findings that `sre why` answers from, for its tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from domain.findings import MinuteFinding
from domain.minutes import Measured
from domain.whys import Rules

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = int(NOON.timestamp()) // 60
RULES = Rules()


def an_alert(**changes: Any) -> dict[str, Any]:
    alert = {
        "service": "web",
        "template": "disk failed",
        "logs": 3,
        "detector": "rules",
        "relation": "first",
        "related_to": "",
        "recent": ["a", "b"],
        "incident_id": 4,
        "state": "open",
        "confirmed_at": NOON,
        "page_key": "",
        "playbook": "",
    }
    return alert | changes


def a_finding(**changes: Any) -> MinuteFinding:
    found = MinuteFinding("web", Measured.METRIC, "queue", MINUTE, MINUTE, 10, "high", 40.0, 5.0, 1.0, 1e-7, True, 0.8)
    return replace(found, **changes)
