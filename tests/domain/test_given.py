"""What people and `on-call` did is done again to an incident that is decided again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.given import CHANGES, apply, by_then, is_late_page
from domain.incidents import Incident, Kind, Resolution, Route, Severity, State
from domain.ledger import Entry, LedgerKind
from tests.parts.logs_part import NOON

LATER = NOON + timedelta(minutes=3)


def incident(**changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "id": 1,
        "service": "web",
        "kind": Kind.LOG,
        "template": "disk is full",
        "metric": "",
        "direction": "",
        "detector": "rules",
        "route": Route.PLAYBOOK,
        "playbook": "disk-full",
        "opened_at": NOON,
        "last_at": NOON,
        "severity": Severity.HIGH,
    }
    return Incident(**(fields | changes))


def entry(kind: LedgerKind, **fields: object) -> Entry:
    return Entry(9, LATER, kind, 1, fields)


CASES = [
    (LedgerKind.ACKED, {"by": "ann"}, {}, {"acked_at": LATER, "told": 3}),
    (LedgerKind.SNOOZED, {"by": "ann"}, {"told": 4}, {"acked_at": LATER, "told": 4}),
    (LedgerKind.ACK_EXPIRED, {}, {"acked_at": NOON}, {"acked_at": None}),
    (LedgerKind.ASSIGNED, {}, {"acked_at": NOON}, {"acked_at": None}),
    (LedgerKind.ASKED, {}, {}, {"state": State.WAITING}),
    (LedgerKind.APPROVED, {}, {"state": State.WAITING, "acked_at": NOON}, {"state": State.WAITING, "acked_at": NOON}),
    (LedgerKind.APPROVED, {}, {"state": State.ESCALATED, "acked_at": NOON}, {"state": State.WAITING, "acked_at": None}),
    (LedgerKind.ACTION_RESERVED, {}, {"state": State.WAITING}, {"state": State.ACTING}),
    (LedgerKind.ESCALATED, {}, {"state": State.ACTING}, {"state": State.ESCALATED}),
    (
        LedgerKind.RESOLVED,
        {"resolution": "verified"},
        {"state": State.VERIFYING},
        {"state": State.RESOLVED, "resolved_at": LATER, "resolution": Resolution.VERIFIED},
    ),
    (LedgerKind.ASSESSED, {"severity": "medium"}, {}, {"severity": Severity.MEDIUM}),
    (LedgerKind.CLASSIFIED, {"common": False}, {}, {"route": Route.HUMAN}),
    (LedgerKind.CLASSIFIED, {"common": True}, {}, {"route": Route.PLAYBOOK}),
    (LedgerKind.PAGE_QUEUED, {"reason": "objected", "key": "k"}, {}, {"page_key": "k", "told": 3}),
    (LedgerKind.PAGE_QUEUED, {"reason": "objected", "key": "k"}, {"page_key": "first"}, {"page_key": "first"}),
    (LedgerKind.PAGE_QUEUED, {"reason": "resolved", "key": "k"}, {}, {"page_key": "", "told": 0}),
]


@pytest.mark.parametrize(("kind", "fields", "before", "expected"), CASES)
def test_each_entry_changes_what_it_is_about(
    kind: LedgerKind, fields: dict[str, object], before: dict[str, Any], expected: dict[str, object]
) -> None:
    found = incident(**before)
    assert apply(found, entry(kind, **fields))
    assert expected == {name: getattr(found, name) for name in expected}


def test_every_change_is_tried() -> None:
    assert CHANGES.keys() == {kind for kind, *_ in CASES}


@pytest.mark.parametrize("state", [State.RESOLVED, State.MERGED])
def test_what_is_over_stays_as_it_is(state: State) -> None:
    """With other settings it may have ended earlier."""
    found = incident(state=state)
    assert not apply(found, entry(LedgerKind.ACKED, by="ann"))
    assert found.acked_at is None


@pytest.mark.parametrize(
    ("after_entry", "now", "expected"),
    [
        pytest.param(9, NOON, True, id="the-batch-saw-it"),
        pytest.param(8, LATER, False, id="it-came-while-the-batch-was-stored"),
        pytest.param(None, LATER, True, id="by-time-where-the-batch-does-not-say"),
        pytest.param(None, NOON, False, id="later-by-time"),
    ],
)
def test_a_batch_knows_what_was_there_when_it_looked(after_entry: int | None, now: Any, *, expected: bool) -> None:
    assert expected == by_then(entry(LedgerKind.ACKED), after_entry=after_entry, now=now)


def test_late_pages_are_told_apart() -> None:
    assert is_late_page(entry(LedgerKind.PAGE_QUEUED, late=True))
    assert not is_late_page(entry(LedgerKind.PAGE_QUEUED, late=False))
