"""N2: what a demonstration that fails says, and what it begins with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.demo_story import Story
from console.demo_summary import why_not
from console.demo_view import told
from domain.ledger import LedgerKind


def an_incident(**changes: object) -> dict[str, Any]:
    found = {"id": 4, "template": "pool_in_use high", "state": "open", "objections": [], "actions": [], "ledger": []}
    return found | changes


@pytest.mark.parametrize(
    ("incidents", "expected"),
    [
        ([], "no incident of web was opened since the fault"),
        (
            [an_incident(state="escalated", objections=["the target was acted on lately"])],
            "incident 4 (pool_in_use high) is escalated; not carried out: the target was acted on lately",
        ),
        (
            [
                an_incident(
                    state="escalated",
                    actions=[
                        {"kind": "restart", "target": "web", "state": "done", "outcome": "ineffective", "error": None}
                    ],
                )
            ],
            "incident 4 (pool_in_use high) is escalated; restart web: ineffective",
        ),
        (
            [an_incident(ledger=[{"kind": LedgerKind.CONFIRMED, "fields": {"logs": 3}}])],
            "incident 4 (pool_in_use high) is open; last of all: confirmed by 3 anomalous logs",
        ),
    ],
)
def test_the_end_of_a_failing_demonstration_names_the_cause(incidents: list[dict[str, Any]], expected: str) -> None:
    """N2: the second within 15 minutes failed, and its last message did not say that the target was acted on lately."""
    assert expected == why_not("web", incidents)


def test_each_demonstration_begins_with_an_empty_home(tmp_path: Path) -> None:
    """N2: the budgets of an earlier one told in the next."""
    story = Story(tmp_path, normal_seconds=20, debug=False)
    (story.home / "mails").mkdir(parents=True)
    (tmp_path / "kept").touch()
    story.begin_anew()
    assert not story.home.exists()
    assert (tmp_path / "kept").exists()
    assert tmp_path in story.home.parents


def test_n7_a_decision_is_a_line_in_words() -> None:
    entry = {
        "at": datetime(2026, 1, 5, 13, 22, 42, tzinfo=UTC),
        "incident_id": 3,
        "kind": LedgerKind.PAGE_QUEUED,
        "fields": {"reason": "critical", "late": False, "key": "0" * 40},
    }
    assert "13:22:42 incident 3: page queued: critical" == told(entry)
