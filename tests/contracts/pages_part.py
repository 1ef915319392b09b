"""Pages for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.contacts import Contact, ContactKind
from domain.pages import NEWS, Link, Page, PageKind, PageReason

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ANN = Contact(ContactKind.EMAIL, "ann@example.org")

PAGE = Page(
    key="incident 17 page 1",
    kind=PageKind.TRIGGER,
    incident_id=17,
    episode=1,
    thread="incident 17 page 1",
    service="web",
    severity="critical",
    summary="CRITICAL web: disk is full; disk usage 97 %, normally 41 %",
    reason=PageReason.CRITICAL,
    created_at=NOON,
    to=ANN,
    since=NOON - timedelta(minutes=1),
    suffers="1 service: web",
    evidence=("11:59:12 no space left on device",),
    asked="Look at it, and take it: sre ack 17",
    lines=("12 logs since 11:59", "no space left on device"),
)

FULL = replace(
    PAGE,
    person="ann",
    service="payments",
    summary="CRITICAL payments: connection pool exhausted; error rate 34 %, normally 0.2 %",
    suffers="3 services: payments, checkout, web; 34 % of their logs are errors",
    origin="incident 16 (database: disk full), on which payments depends",
    evidence=(
        "11:59:12 [req-7] connection pool exhausted, 40 of 40 in use (pool in use 40, normally 6)",
        "11:59:14 checkout: payment timed out after 3 s <b>not bold</b> *nor here* <!channel>",
        "11:59:20 web: 502 from payments https://evil.example/x @here",
    ),
    done=("restart payments: done, it did not help", "Verification: ineffective, 31 % in 275 fresh logs"),
    lines=(
        "Objection: the service was restarted 3 times within an hour",
        "Also seen in checkout, web:",
        "checkout: payment timed out; it depends on payments",
        "Seen: 1,204 logs from 2026-01-05 11:59:00 to 2026-01-05 11:59:58 UTC",
        "Detector: model 3",
        "Playbook: Connection pool exhausted (playbooks/connection-pool-exhausted.md), owner payments-team",
    ),
    degraded=("kafka: lag of 20,412 logs",),
    links=(
        Link("Acknowledge", "https://sre.example.org/a/eyJ0b2tlbiI6MX0?verb=ack&x=1"),
        Link("Incident", "https://sre.example.org/incidents/17"),
    ),
)

SEVERITIES = {
    PageReason.UNCOMMON: "high",
    PageReason.DIGEST: "low",
    PageReason.COMMENTED: "medium",
    PageReason.REMINDER: "high",
}


def a_page(**changes: Any) -> Page:
    return replace(PAGE, **changes)


def a_page_for(reason: PageReason) -> Page:
    """A page of that reason with all that one can say."""
    kind = NEWS.get(reason, PageKind.TRIGGER)
    severity = SEVERITIES.get(reason, "critical")
    head = {PageKind.RESOLVE: "RESOLVED", PageKind.ACKNOWLEDGE: "TAKEN"}.get(kind, severity.upper())
    summary = FULL.summary.replace("CRITICAL", head)
    page = replace(FULL, reason=reason, kind=kind, severity=severity, summary=summary, key=f"incident 17 {reason}")
    return replace(page, **CHANGES.get(reason, {}))


NOTHING: dict[str, Any] = {"asked": "Nothing: this is to let you know"}
OVER: dict[str, Any] = {"evidence": (), "degraded": (), **NOTHING}
CHANGES: dict[PageReason, dict[str, Any]] = {
    PageReason.REMINDER: {"asked": "Say that you still have it: sre ack 17; else others are told of it again"},
    PageReason.APPROVAL: {
        "asked": "Approve or reject the plan: sre approve 17 3f9a, or sre reject 17 3f9a",
        "plan_digest": "3f9a",
        "done": (),
    },
    PageReason.RESOLVED: OVER,
    PageReason.ACKNOWLEDGED: {**NOTHING, "lines": ("ann acknowledged it until 14:00 UTC",)},
    PageReason.COMMENTED: {**NOTHING, "lines": ("ann: the disk is being swapped",)},
    PageReason.UNCOMMON: {"late": True, "also": ("HIGH mail: bounces; 3 logs", "LOW cache: evictions")},
    PageReason.DIGEST: {
        **OVER,
        "incident_id": 0,
        "service": "",
        "summary": "DIGEST of 2026-01-04: 3 incidents deserved no page of their own",
        "suffers": "",
        "origin": "",
        "since": None,
        "done": (),
        "links": (),
        "lines": ("web: 4 slow requests, over by itself", "cache: evictions, a playbook helped"),
    },
}
