"""Why nobody was paged for a service, as a table from what is stored to sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.ledger import LedgerKind
from domain.minutes import Measured
from domain.why_not import Heard, Said, why_nobody
from domain.whys import Decided, Rules
from tests.parts.whys_part import MINUTE, NOON, RULES, a_finding, an_alert


def a_page(**changes: Any) -> dict[str, Any]:
    page = {
        "id": 17,
        "incident_id": 4,
        "reason": "critical",
        "severity": 4,
        "created_at": NOON,
        "lines": [],
        "muted_by": "",
        "state": "sent",
        "sent_at": NOON,
        "due_at": NOON,
        "error": None,
    }
    return page | changes


def heard(**changes: Any) -> Heard:
    found = Heard("web", NOON, NOON + timedelta(minutes=10), 412, 0, Said("slow reply", "WARN", 0.604, NOON))
    return replace(found, **changes)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            heard(),
            (
                "No log was an anomaly: the surest, “slow reply” at WARN, had 0.60 of 0.7; with"
                " detection.confidence_threshold 0.6 it would have been one."
            ),
        ),
        (
            heard(surest=Said("fine", "INFO", 0.0, NOON)),
            "No log was an anomaly: no rule and no model saw anything in any of them.",
        ),
        (
            heard(logs=0, surest=None),
            "No log of it is stored for then; `sre status` shows what is read, `sre dead-letters` what is not.",
        ),
        (
            heard(anomalous=2, alerts=[an_alert(confirmed_at=None)]),
            (
                "“disk failed”: 2 anomalous logs within 1 min, and 3 are needed; incidents.confirm_logs 2 would have"
                " been enough."
            ),
        ),
        (
            heard(anomalous=3, alerts=[an_alert(playbook="restart")]),
            (
                "“disk failed”: incident 4 is answered by playbook restart, which pages when that does not help; it"
                " is open."
            ),
        ),
        (
            heard(anomalous=3, alerts=[an_alert()], pages=[a_page()]),
            "Somebody was paged: page 17 about incident 4 (critical); `sre why page 17` says why.",
        ),
        (
            heard(pages=[a_page(sent_at=None, state="queued", muted_by="maintenance 2 by ann until 13:00 UTC")]),
            (
                "Nobody got page 17 about incident 4 (critical); `sre why page 17` says why. It is held back:"
                " maintenance 2 by ann until 13:00 UTC; looked at again at 12:00:00 UTC."
            ),
        ),
        (
            heard(pages=[a_page(sent_at=None, state="suppressed", error="it was over")]),
            (
                "Nobody got page 17 about incident 4 (critical); `sre why page 17` says why. It went to nobody, it is"
                " suppressed: it was over."
            ),
        ),
        (
            heard(
                ledger=[{"kind": LedgerKind.PAGE_SUPPRESSED, "at": NOON, "fields": {"why": "late"}, "incident_id": 4}]
            ),
            "Incident 4, 12:00:00 UTC: page not sent: the evidence is old, and the service had its one late page.",
        ),
        (
            heard(findings=[(a_finding(), None)]),
            "12:00:00 UTC: queue 40, normally 5 (0.80 sure); for one minute only, which is listed and opens nothing.",
        ),
        (
            heard(findings=[(a_finding(measured=Measured.LOGS, direction="low", value=7.0), 5)]),
            "12:00:00 UTC: logs a minute 7, normally 5 (0.80 sure); of incident 5.",
        ),
        (
            heard(findings=[(a_finding(measured=Measured.SESSIONS), None)]),
            "12:00:00 UTC: abnormal requests in 100 40, normally 5 (0.80 sure).",
        ),
        (
            heard(findings=[(a_finding(measured=Measured.NEW, name="9", text="odd", since=MINUTE - 9), None)]),
            (
                "12:00:00 UTC: new: “odd” 40, normally 5 (0.80 sure); too little of it, or not for long enough, which"
                " is listed and opens nothing."
            ),
        ),
        (
            heard(judged=Decided(Rules(threshold=0.65), "batch 9", "ab")),
            (
                "No log was an anomaly: the surest, “slow reply” at WARN, had 0.60 of 0.65; with"
                " detection.confidence_threshold 0.6 it would have been one."
            ),
        ),
        (
            heard(judged=Decided(Rules(threshold=0.65), "batch 9", "ab")),
            "It was judged by batch 9, with detection.confidence_threshold 0.65 (today 0.7).",
        ),
        (heard(mutes=["silence 3 by ann"]), "Pages about it are held back by silence 3 by ann."),
    ],
)
def test_why_nobody_was_paged(found: Heard, expected: str) -> None:
    assert expected in why_nobody(found, RULES)
