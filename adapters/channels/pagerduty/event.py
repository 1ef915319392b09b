"""What PagerDuty is told: one event of its Events API v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.page_sections import clean, is_link, sections, unlinked
from domain.page_text import MEANING
from domain.pages import Page, PageKind

LARGEST = 512_000  # bytes of an event
LONGEST_SUMMARY, LONGEST_KEY, LONGEST_NAME = 1_024, 255, 255
CLIENT = "SRE Agent"
SEVERITIES: Mapping[str, str] = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
# News of an open incident goes to its alert: a trigger under the same key.
ACTIONS: Mapping[PageKind, str] = {
    PageKind.TRIGGER: "trigger",
    PageKind.UPDATE: "trigger",
    PageKind.ACKNOWLEDGE: "acknowledge",
    PageKind.RESOLVE: "resolve",
}


def dedup_key(page: Page) -> str:
    """The alert that a page belongs to; the episode is in it, as after a resolve the same key opens another one."""
    if page.alert:
        return f"sre-agent-{clean(page.alert)}"[:LONGEST_KEY]
    if not page.incident_id:
        return f"sre-agent-{clean(page.key)}"[:LONGEST_KEY]
    return f"sre-agent-{page.incident_id}-{page.episode}"


def event(page: Page, routing_key: str) -> dict[str, Any]:
    """The event; only a trigger may carry more than its key."""
    action = ACTIONS[page.kind]
    made: dict[str, Any] = {"routing_key": routing_key, "event_action": action, "dedup_key": dedup_key(page)}
    if action != "trigger":
        return made
    links = [{"href": link.url, "text": clean(link.label)} for link in page.links if is_link(link.url)]
    return made | {"client": CLIENT, "payload": _payload(page)} | _linked(links)


def _linked(links: list[dict[str, str]]) -> dict[str, Any]:
    return {"links": links, "client_url": links[0]["href"]} if links else {}


def _payload(page: Page) -> dict[str, Any]:
    return {
        "summary": clean(page.summary, LONGEST_SUMMARY) or f"incident {page.incident_id}",
        "source": clean(page.service, LONGEST_NAME) or CLIENT,
        "severity": SEVERITIES.get(page.severity, "error"),
        "timestamp": (page.since or page.created_at).isoformat(timespec="milliseconds"),
        "component": clean(page.service, LONGEST_NAME),
        "class": MEANING[page.reason],
        "custom_details": details(page),
    }


def details(page: Page) -> dict[str, str]:
    """The page's sections in words; the facts at its head each under its own name."""
    found: dict[str, str] = {}
    for section in sections(page):
        if section.title:
            found[section.title] = "\n".join(str(row) for row in section.rows)
        else:
            found |= {row.label: unlinked(row.text) for row in section.rows}
    return found
