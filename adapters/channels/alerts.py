"""A page as one of Alertmanager's alerts: for Alertmanager itself, and for receivers of its webhooks."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from domain.outside_alerts import OURS
from domain.page_sections import clean, is_link
from domain.pages import Page, PageKind

NEVER = "0001-01-01T00:00:00Z"  # when a firing alert ends, in webhooks
LONGEST_LABEL = 200


def labels(page: Page, severity: str = "") -> dict[str, str]:
    """What tells the alert from others; it is another one when its severity is another."""
    return {
        "alertname": OURS,
        "service": clean(page.service, LONGEST_LABEL) or "unknown",
        "severity": clean(severity or page.severity, LONGEST_LABEL),
        "incident": page.alert or str(page.incident_id),
        "episode": str(page.episode),
    }


def said_of(page: Page) -> dict[str, str]:
    """What people read of it; Alertmanager takes no empty ones."""
    given = {
        "summary": page.summary,
        "suffers": page.suffers,
        "origin": page.origin,
        "asked": page.asked,
        "reason": page.reason.value,
        "description": "\n".join(clean(line) for line in page.evidence),
        "done": "\n".join(clean(line) for line in page.done),
    }
    lines = {name: "\n".join(clean(line) for line in text.splitlines()) for name, text in given.items()}
    return {name: text for name, text in lines.items() if text}


def rfc3339(at: datetime) -> str:
    """A moment as Alertmanager writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def generator(page: Page) -> str:
    """Where the alert can be looked at, or an empty text."""
    return next((link.url for link in page.links if is_link(link.url)), "")


def begins(page: Page) -> datetime:
    """When the alert began; never after its page was made."""
    return min(page.since or page.created_at, page.created_at)


def webhook_document(page: Page) -> dict[str, Any]:
    """Alertmanager's webhook, version 4, with this one alert."""
    over = page.kind is PageKind.RESOLVE
    named, said = labels(page), said_of(page)
    status = "resolved" if over else "firing"
    alert = {
        "status": status,
        "labels": named,
        "annotations": said,
        "startsAt": rfc3339(begins(page)),
        "endsAt": rfc3339(page.created_at) if over else NEVER,
        "generatorURL": generator(page),
        "fingerprint": fingerprint(named),
    }
    return {
        "version": "4",
        "groupKey": f'{{}}:{{episode="{page.episode}", incident="{named["incident"]}"}}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": clean(page.to.to),
        "groupLabels": {name: named[name] for name in ("incident", "episode")},
        "commonLabels": named,
        "commonAnnotations": said,
        "externalURL": generator(page),
        "alerts": [alert],
    }


def fingerprint(named: dict[str, str]) -> str:
    """16 hexadecimal digits, the same for the same incident and episode, however bad it gets and wherever it began."""
    identity = "\0".join(named[name] for name in ("alertname", "incident", "episode"))
    return hashlib.sha256(identity.encode()).hexdigest()[:16]
