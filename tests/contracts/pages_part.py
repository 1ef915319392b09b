"""Pages for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from domain.pages import Page, PageReason

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)

PAGE = Page(
    key="incident 17 page 1",
    incident_id=17,
    thread="incident 17 page 1",
    service="web",
    severity="critical",
    subject="web: disk is full",
    reason=PageReason.CRITICAL,
    lines=("12 logs since 11:59", "no space left on device"),
    degraded=(),
    late=False,
    created_at=NOON,
)


def a_page(**changes: object) -> Page:
    return replace(PAGE, **changes)
