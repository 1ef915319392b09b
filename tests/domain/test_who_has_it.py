"""Who has an incident, as everybody is shown it: nothing is due of one that is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.ledger import LedgerKind
from domain.page_sentences import escalation
from domain.who_has_it import OVER, as_it_stands, owner

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=4)


def found(state: str, phase: str, *, acked: bool = True, resolution: str = "human", page: str = "sent") -> Any:
    by = "ann" if phase in ("acknowledged", "reminded", "snoozed") else ""
    timer = {"page_id": 5, "state": phase, "due_at": LATER, "by": by, "why": ""}
    kind = LedgerKind.SNOOZED if phase == "snoozed" else LedgerKind.ACKED
    return {
        "state": state,
        "resolution": resolution,
        "acked_at": NOON if acked else None,
        "escalation": [timer],
        "pages": [{"id": 5, "state": page}],
        "ledger": [{"kind": kind, "fields": {"by": "ann"}}] if acked else [],
    }


@pytest.mark.parametrize("phase", ["running", "acknowledged", "reminded", "snoozed", "exhausted"])
def test_nothing_is_due_of_what_is_over(phase: str) -> None:
    stands = as_it_stands(found("resolved", phase, acked=phase == "acknowledged"))
    (timer,) = stands["escalation"]
    assert ("over", None, None) == (timer["state"], timer["due_at"], stands["snoozed_until"])
    assert f"nobody else is told: {OVER}" == escalation(timer)
    assert owner(stands).startswith(f"nobody: {OVER}")


def test_what_went_quiet_before_anybody_was_reached_is_told_still() -> None:
    kept = found("resolved", "running", acked=False, resolution="quiet", page="sending")
    assert kept["escalation"] == as_it_stands(kept)["escalation"]


@pytest.mark.parametrize(
    ("state", "phase", "acked", "expected"),
    [
        ("open", "running", False, "nobody yet"),
        ("open", "acknowledged", True, "ann, since 12:00:00 UTC"),
        ("open", "snoozed", True, "nobody: ann snoozed it until 2026-01-05 16:00 UTC"),
        ("resolved", "acknowledged", True, f"nobody: {OVER}; ann had it"),
        ("resolved", "running", False, f"nobody: {OVER}"),
    ],
)
def test_who_has_it(state: str, phase: str, acked: bool, expected: str) -> None:  # noqa: FBT001 - a table
    stands = as_it_stands(found(state, phase, acked=acked))
    assert expected == owner(stands)
    assert (phase == "snoozed") == (stands["snoozed_until"] is not None) == (acked and stands["acked_at"] is None)
