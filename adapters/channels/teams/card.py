"""A page as an Adaptive Card 1.5. Its text stands in text runs only, as everything else there reads Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from domain.page_sections import Row, Section, clean, is_link, sections
from domain.pages import Page, PageKind

LARGEST = 20_000  # characters of text; Teams takes messages of 28 KB
LONGEST_ROW = 500
MOST_LINKS = 6
COLOURS: Mapping[str, str] = {"critical": "attention", "high": "warning", "medium": "warning", "low": "accent"}
KIND_COLOURS: Mapping[PageKind, str] = {PageKind.RESOLVE: "good", PageKind.ACKNOWLEDGE: "accent"}


def message(page: Page) -> dict[str, Any]:
    """What the workflow takes: a message with the card."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "msteams": {"width": "Full"},
        "body": [_head(page), *_within_limit(page)],
        "actions": [
            {"type": "Action.OpenUrl", "title": clean(link.label), "url": link.url}
            for link in page.links[:MOST_LINKS]
            if is_link(link.url)
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _head(page: Page) -> dict[str, Any]:
    colour = KIND_COLOURS.get(page.kind) or COLOURS.get(page.severity, "default")
    return _rich([{**_run(page.summary), "weight": "bolder", "size": "large", "color": colour}])


def _within_limit(page: Page) -> Iterator[dict[str, Any]]:
    """The sections, as long as there is room; the links are buttons."""
    left = LARGEST
    for section in sections(page):
        if section.title == "Links":
            continue
        for block in _blocks(section):
            left -= sum(len(run["text"]) + 60 for run in block["inlines"])
            if left < 0:
                yield _rich([_run(f"… more: sre incident {page.incident_id}")])
                return
            yield block


def _blocks(section: Section) -> Iterator[dict[str, Any]]:
    if section.title:
        yield _rich([{**_run(section.title), "weight": "bolder"}], spacing="medium")
    for row in section.rows:
        yield _rich(_runs(row))


def _runs(row: Row) -> list[dict[str, Any]]:
    label = [{**_run(f"{row.label}: "), "weight": "bolder"}] if row.label else [_run("• ")]
    return [*label, _run(row.text)]


def _run(text: str) -> dict[str, Any]:
    trailing = " " if text.endswith(" ") else ""
    return {"type": "TextRun", "text": clean(text, LONGEST_ROW) + trailing or "–"}


def _rich(runs: list[dict[str, Any]], spacing: str = "small") -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs, "spacing": spacing}
