"""Why a page was made: by what was known then, and never by what came to its incident later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.findings import MinuteFinding
from domain.ledger import LedgerKind
from domain.minutes import Measured
from domain.why_page import Maker, makers, of_page
from domain.whys import Decided, Rules

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
RULES = Rules()
FOUND_BY = {"kind": "log", "template": "disk failed", "detector": "rules", "route": "human"}


def an_entry(number: int, entry: str, at: datetime = NOON, /, **fields: Any) -> dict[str, Any]:
    return {"id": number, "kind": entry, "at": at, "fields": fields, "incident_id": 4}


OPENED = an_entry(1, LedgerKind.OPENED, **FOUND_BY)
CONFIRMED = an_entry(2, LedgerKind.CONFIRMED, logs=3)
QUEUED = an_entry(3, LedgerKind.PAGE_QUEUED, key="k", reason="critical")


def kept(message: str = "disk failed", at: datetime = NOON - SECOND, sure: float = 0.9, **more: Any) -> dict[str, Any]:
    numbers = {"confidence": sure, "word": "failed"} | more.pop("numbers", {})
    return {"message": message, "reason": "WORDS", "at": at.isoformat(), "service": "web", "numbers": numbers} | more


def an_incident(*later: dict[str, Any], **changes: Any) -> dict[str, Any]:
    incident = {
        "id": 4,
        "service": "web",
        "template": "disk failed",
        "alerts": [],
        "ledger": [OPENED, CONFIRMED, QUEUED, *later],
        "evidence": [kept()],
        "deliveries": [],
        "plan": None,
    }
    return incident | changes


def a_page(**changes: Any) -> dict[str, Any]:
    page = {
        "id": 17,
        "key": "k",
        "incident_id": 4,
        "reason": "critical",
        "severity": 4,
        "created_at": NOON,
        "lines": [],
        "muted_by": "",
        "state": "queued",
        "error": None,
        "due_at": NOON + MINUTE,
    }
    return page | changes


def test_a_page_says_what_it_is_about_what_was_sure_and_who_decided() -> None:
    by = Decided(RULES, "batch 9", "ab" * 32, "")
    words = of_page(a_page(), an_incident(), by)
    assert words == [
        "Page 17: critical, about incident 4, web, “disk failed”, made 2026-01-05 12:00:00 UTC: critical.",
        "At 12:00:00 UTC opened by rules: disk failed; no playbook fits.",
        "At 12:00:00 UTC confirmed by 3 anomalous logs.",
        "Most telling: “disk failed”: the word “failed” in its message, 0.90 sure.",
        (
            "0.7 was needed (detection.confidence_threshold); with more than 0.90 no log that is kept of it would have"
            " been an anomaly."
        ),
        "It waits for an earlier page, or for more that may join it; looked at again at 12:01:00 UTC.",
        "Decided by batch 9 with rules alone; settings, playbooks and inventory of abababababab.",
    ]


def a_delivery(**changes: Any) -> dict[str, Any]:
    delivery = {
        "page_id": 17,
        "channel": "email",
        "receiver": "a@b",
        "person": "ann",
        "state": "sent",
        "why": "first on call",
        "waits": "",
        "error": None,
        "due_at": NOON + MINUTE,
    }
    return delivery | changes


@pytest.mark.parametrize(
    ("page", "deliveries", "expected"),
    [
        pytest.param(
            a_page(muted_by="silence 3 by ann until 14:30 UTC"),
            [],
            ("It is held back: silence 3 by ann until 14:30 UTC; looked at again at 12:01:00 UTC."),
            id="held-back-by-a-rule",
        ),
        pytest.param(
            a_page(error="nobody is on call"),
            [],
            "It waits: nobody is on call; looked at again at 12:01:00 UTC.",
            id="nobody-there",
        ),
        pytest.param(
            a_page(due_at=NOON),
            [],
            "It waits for `on-call`, which has not looked at it yet; looked at again at 12:00:00 UTC.",
            id="nobody-looked",
        ),
        pytest.param(
            a_page(state="failed", error="no route"), [], "It went to nobody, it is failed: no route.", id="failed"
        ),
        pytest.param(
            a_page(state="suppressed", muted_by="silence 3", error="it was over"),
            [],
            "It went to nobody, it is suppressed: it was over.",
            id="suppressed",
        ),
        pytest.param(
            a_page(state="sending"),
            [a_delivery(state="queued", waits="more than 2 pages in 12 hours")],
            (
                "To ann by email a@b, queued, it waits: more than 2 pages in 12 hours, tried at 12:01:00 UTC:"
                " first on call."
            ),
            id="budget-of-the-shift",
        ),
        pytest.param(
            a_page(state="sent"), [a_delivery()], "To ann by email a@b, sent: first on call.", id="somebody-has-it"
        ),
    ],
)
def test_a_page_says_who_has_it_or_for_what_it_waits(
    page: dict[str, Any], deliveries: list[dict[str, Any]], expected: str
) -> None:
    assert expected in of_page(page, an_incident(deliveries=deliveries), Decided(RULES))


LATER = NOON + MINUTE
ACKED = an_entry(4, LedgerKind.ACKED, LATER, by="ann")
SNOOZED = an_entry(5, LedgerKind.SNOOZED, LATER, by="ann", until="14:00")
ASKED = an_entry(5, LedgerKind.ASKED, LATER, until="2026-01-05T12:30:00", objections=["its risk is high"])
PROVED = {"resolution": "verified", "value": 0.0, "at_most": 0.05, "samples": 50}
QUIET = {"resolution": "quiet", "quiet_seconds": 300}


@pytest.mark.parametrize(
    ("reason", "entries", "expected", "by"),
    [
        ("acknowledged", [ACKED], ["acknowledged by ann"], ()),
        ("acknowledged", [ACKED, SNOOZED], ["snoozed until 14:00 by ann"], ()),
        ("reminder", [ACKED], ["acknowledged by ann"], ()),
        ("approval", [ASKED], ["a person is asked until 12:30 UTC: its risk is high"], (Maker.STEP,)),
        (
            "resolved",
            [an_entry(4, LedgerKind.RESOLVED, LATER, **PROVED)],
            ["resolved: the action helped; 0 % in 50 fresh logs, at most 5 % allowed"],
            (Maker.STEP,),
        ),
        (
            "resolved",
            [an_entry(4, LedgerKind.RESOLVED, LATER, **QUIET)],
            ["no anomalous log for 5 min"],
            (Maker.BATCH,),
        ),
        (
            "resolved",
            [an_entry(4, LedgerKind.RESOLVED, LATER, resolution="human", by="ann")],
            ["resolved by hand by ann"],
            (),
        ),
        (
            "ineffective",
            [an_entry(4, LedgerKind.VERIFIED, LATER, outcome="ineffective")],
            ["verified: it did not help"],
            (Maker.STEP,),
        ),
        ("worse", [], ["confirmed by 3 anomalous logs"], (Maker.BATCH, Maker.STEP)),
    ],
)
def test_a_page_that_people_or_steps_made_says_what_they_did(
    reason: str, entries: list[dict[str, Any]], expected: list[str], by: tuple[Maker, ...]
) -> None:
    """… and not what the incident was opened by."""
    queued = an_entry(9, LedgerKind.PAGE_QUEUED, LATER, key="k2", reason=reason)
    incident = an_incident(*entries, queued)
    page = a_page(key="k2", reason=reason, created_at=LATER)
    words = of_page(page, incident, Decided(RULES))
    assert all(one in "".join(words) for one in expected)
    assert (reason == "worse") == ("opened by rules" in "".join(words))
    assert by == makers(page, incident["ledger"])


def test_a_step_names_the_batch_that_judged_the_logs_and_its_model() -> None:
    judged = Decided(RULES, "batch 9", "cd" * 32, "Habits version 1")
    words = of_page(a_page(), an_incident(), Decided(RULES, "step begin", "ab" * 32, judged=judged, is_step=True))
    assert words[-2:] == [
        "Decided by step begin; settings, playbooks and inventory of abababababab.",
        "The logs were judged by batch 9 with Habits version 1 and rules.",
    ]


def of_a_minute(at: datetime, **changes: Any) -> dict[str, Any]:
    numbers = {"confidence": 0.99, "metric": "queue", "value": 40, "normal": 5}
    return kept("in the minute", at, reason="MINUTE", numbers=numbers, **changes)


def told(incident: dict[str, Any], **changes: Any) -> str:
    return "\n".join(of_page(a_page(**changes), incident, Decided(RULES)))


def test_a_page_about_a_minute_names_the_promise_and_no_threshold() -> None:
    words = told(an_incident(evidence=[of_a_minute(NOON - MINUTE)]))
    assert "How sure a minute must be follows from detection.false_alarms_per_day." in words
    assert "confidence_threshold" not in words


def test_what_came_later_explains_no_page() -> None:
    """Another fault became its origin, and a minute that was not over when the page was made is surer."""
    later = NOON + 3 * MINUTE
    joined = an_entry(4, LedgerKind.JOINED, later, service="db", template="no worker", relation="order", to="web")
    behind = an_entry(5, LedgerKind.ORIGIN, later, service="db", template="no worker", before="web")
    again = an_entry(6, LedgerKind.CONFIRMED, later, logs=30)
    evidence = [kept(), kept("no worker", later, 0.95, service="db"), of_a_minute(NOON - 28 * SECOND)]
    words = told(an_incident(joined, behind, again, service="db", template="no worker", evidence=evidence))
    assert "about incident 4, web, “disk failed”, made" in words
    assert "Most telling: “disk failed”" in words
    assert "0.7 was needed (detection.confidence_threshold); with more than 0.90" in words
    assert "no worker" not in words
    assert "30 anomalous" not in words


def test_what_was_thought_to_be_behind_it_by_then_counts() -> None:
    behind = an_entry(2, LedgerKind.ORIGIN, service="db", template="no worker", before="web")
    words = told(an_incident(ledger=[OPENED, behind, QUEUED]))
    assert "about incident 4, db, “no worker”, made" in words


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], "What was most telling then is not kept"),
        ([(-2, 16.9, 0.8), (-1, 11.4, 0.75), (0, 99.0, 0.99)], "in the minute from 11:58 on: queue 16.9, normally 5"),
    ],
)
def test_where_its_evidence_made_room_for_other_the_minutes_of_then_tell(findings: list[Any], expected: str) -> None:
    begin = int(NOON.timestamp()) // 60
    found = [
        MinuteFinding("web", Measured.METRIC, "queue", begin + at, begin - 2, 10, "high", value, 5, 1, 1e-7, True, sure)
        for at, value, sure in findings
    ]
    assert expected in told(an_incident(evidence=[kept(at=NOON + MINUTE)], findings=found))


def test_a_page_of_a_later_episode_is_told_by_that_one() -> None:
    again = an_entry(4, LedgerKind.REOPENED, NOON + MINUTE, after_seconds=60)
    queued = an_entry(5, LedgerKind.PAGE_QUEUED, NOON + MINUTE, key="k2", reason="flapping")
    words = told(an_incident(again, queued), key="k2", reason="flapping", created_at=NOON + MINUTE)
    assert "came back 60 s after" in words or "came back 1 min after" in words
    assert "confirmed by 3" not in words


def test_a_page_tells_what_it_said_once() -> None:
    lines = ["Because nothing shows whether it helped", "confirmed by 3 anomalous logs", *map(str, range(20))]
    words = told(an_incident(), lines=lines)
    assert "It said: Because nothing shows whether it helped" in words
    assert "It said: confirmed" not in words
    assert "… and 13 more lines." in words
