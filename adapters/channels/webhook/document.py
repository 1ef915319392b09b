"""The JSON document of an incident, as `docs/guides/channels.md` tells it; a change of meaning is a new version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.page_sections import clean, is_link
from domain.page_text import MEANING
from domain.pages import Page

VERSION = "1"


def incident_document(page: Page) -> dict[str, Any]:
    """Everything that a page says, for a machine."""
    return {
        "version": VERSION,
        "key": page.key,
        "thread": page.thread,
        "kind": page.kind.value,
        "reason": page.reason.value,
        "because": MEANING[page.reason],
        "created_at": _at(page.created_at),
        "late": page.late,
        "person": clean(page.person),
        "summary": clean(page.summary),
        "asked": clean(page.asked),
        "incident": _incident(page),
        "evidence": _lines(page.evidence),
        "done": _lines(page.done),
        "lines": _lines(page.lines),
        "degraded": _lines(page.degraded),
        "also": _lines(page.also),
        "plan": page.plan_digest or None,
        "links": [{"label": clean(link.label), "url": link.url} for link in page.links if is_link(link.url)],
    }


def _incident(page: Page) -> dict[str, Any]:
    return {
        "id": page.incident_id or None,
        "episode": page.episode,
        "service": clean(page.service),
        "severity": clean(page.severity),
        "since": _at(page.since) if page.since else None,
        "suffers": clean(page.suffers),
        "origin": clean(page.origin),
    }


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _lines(lines: tuple[str, ...]) -> list[str]:
    return [clean(line) for line in lines]
