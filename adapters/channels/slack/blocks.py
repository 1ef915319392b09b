"""A page as Slack's blocks. Text of ours and of logs stands only where Slack parses nothing: plain and rich text.

There no mention, link or markup can come of a text, and nothing needs an escape but what is read as a fallback.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from domain.page_sections import Row, Section, clean, is_link, sections, unlinked
from domain.pages import Page, PageKind
from domain.responses import Verb

LONGEST_HEAD, LONGEST_ROW = 150, 500
LARGEST = 8_000  # characters of text in one message
MOST_LINKS = 6
COLOURS: Mapping[str, str] = {"critical": "#d32f2f", "high": "#e65100", "medium": "#b8860b", "low": "#5f7d95"}
KIND_COLOURS: Mapping[PageKind, str] = {PageKind.RESOLVE: "#2e8b57", PageKind.ACKNOWLEDGE: "#4a7fc1"}
DETAILS = frozenset({"More", "Also told of here"})  # sections that go into the thread
BUTTONS: Mapping[Verb, str] = {
    Verb.ACKNOWLEDGE: "Acknowledge",
    Verb.RESOLVE: "Resolve",
    Verb.ESCALATE: "Escalate",
    Verb.APPROVE: "Approve",
    Verb.REJECT: "Reject",
}
STYLES: Mapping[Verb, str] = {Verb.ACKNOWLEDGE: "primary", Verb.APPROVE: "primary", Verb.REJECT: "danger"}


def head_message(page: Page, *, buttons: bool) -> dict[str, Any]:
    """The incident's one message, which is changed in place."""
    shown = [section for section in sections(page) if section.title not in DETAILS and section.title != "Links"]
    blocks = [_header(page), *_blocks(shown, page), *_links(page), *(_actions(page) if buttons else [])]
    colour = KIND_COLOURS.get(page.kind) or COLOURS.get(page.severity, COLOURS["low"])
    return {"attachments": [{"color": colour, "fallback": _fallback(page), "blocks": blocks}]}


def thread_message(page: Page) -> dict[str, Any] | None:
    """The details of the first page; None where it has none."""
    shown = [section for section in sections(page) if section.title in DETAILS]
    return {"attachments": [_attachment(page, list(_blocks(shown, page)))]} if shown else None


def news_message(page: Page) -> dict[str, Any]:
    """A later page, whole, for the thread."""
    blocks = [_header(page), *_blocks(sections(page), page)]
    return {"attachments": [_attachment(page, blocks)]}


def plain_text(page: Page) -> str:
    """All of it as text, for an incoming webhook."""
    lines = [_unlinked(page.summary)]
    for section in sections(page):
        lines += [section.title, *map(_text_row, section.rows)]
    return "\n".join(filter(None, lines))[:LARGEST]


def _text_row(row: Row) -> str:
    return ": ".join(filter(None, (row.label, _unlinked(row.text), escaped(row.url))))


def _unlinked(text: str) -> str:
    """Text of which Slack makes no link either: an invisible sign parts what would be one."""
    return unlinked(escaped(text))


def escaped(text: str) -> str:
    """Text that Slack would parse, with nothing that it could."""
    cleaned = "\n".join(clean(line) for line in text.split("\n"))
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        cleaned = cleaned.replace(sign, instead)
    return cleaned


def _attachment(page: Page, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"fallback": _fallback(page), "blocks": blocks}


def _fallback(page: Page) -> str:
    """What notifications show."""
    return escaped(page.summary) or f"incident {page.incident_id}"


def _header(page: Page) -> dict[str, Any]:
    text = escaped(clean(page.summary, LONGEST_HEAD)) or f"incident {page.incident_id}"
    # What an escape made too long for Slack is shown as rich text.
    if len(text) > LONGEST_HEAD:
        return _rich([_section([_text(clean(page.summary), bold=True)])])
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _blocks(shown: list[Section], page: Page) -> Iterator[dict[str, Any]]:
    left = LARGEST
    for section in shown:
        rows, left = _fitting(section.rows, left, page)
        elements = [_section([_text(section.title, bold=True)]), _list(rows)] if section.title else _facts(rows)
        yield _rich(elements)
        if left <= 0:
            return


def _fitting(rows: tuple[Row, ...], left: int, page: Page) -> tuple[list[Row], int]:
    """As many rows as there is room for, and how much room there is then."""
    kept: list[Row] = []
    for row in rows:
        left -= min(len(str(row)), LONGEST_ROW)
        if left <= 0:
            return [*kept, Row(f"… more: sre incident {page.incident_id}")], 0
        kept.append(row)
    return kept, left


def _facts(rows: list[Row]) -> list[dict[str, Any]]:
    """Each fact on a line of its own."""
    texts = []
    for row in rows:
        label = [_text(f"{row.label}: ", bold=True)] if row.label else []
        texts += [*label, _text(f"{clean(row.text, LONGEST_ROW)}\n")]
    return [_section(texts)]


def _list(rows: list[Row]) -> dict[str, Any]:
    items = [_section([_text(clean(_as_line(row), LONGEST_ROW) or "–")]) for row in rows]
    return {"type": "rich_text_list", "style": "bullet", "elements": items}


def _as_line(row: Row) -> str:
    return ": ".join(filter(None, (row.label, row.text, row.url)))


def _links(page: Page) -> list[dict[str, Any]]:
    """Our links, as the only ones there are."""
    links = [link for link in page.links[:MOST_LINKS] if is_link(link.url)]
    pieces = [
        piece for link in links for piece in ({"type": "link", "url": link.url, "text": clean(link.label)}, _text("  "))
    ]
    return [_rich([_section(pieces)])] if pieces else []


def _actions(page: Page) -> list[dict[str, Any]]:
    verbs = verbs_for(page)
    return (
        [{"type": "actions", "block_id": "answers", "elements": [_button(page, verb) for verb in verbs]}]
        if verbs
        else []
    )


def verbs_for(page: Page) -> list[Verb]:
    """What somebody may press: nothing on what is over, and no second acknowledgement."""
    if page.kind is PageKind.RESOLVE or not page.incident_id:
        return []
    plan = [Verb.APPROVE, Verb.REJECT] if page.plan_digest else []
    taken = page.kind is PageKind.ACKNOWLEDGE
    return [*plan, *([] if taken else [Verb.ACKNOWLEDGE]), Verb.RESOLVE, Verb.ESCALATE]


def _button(page: Page, verb: Verb) -> dict[str, Any]:
    """Bound to the incident, its episode and the plan, so that a stale press changes nothing."""
    value = {"incident": page.incident_id, "episode": page.episode, "plan": page.plan_digest}
    button = {
        "type": "button",
        "action_id": verb.value,
        "text": {"type": "plain_text", "text": BUTTONS[verb], "emoji": False},
        "value": json.dumps(value, sort_keys=True),
    }
    return button | ({"style": STYLES[verb]} if verb in STYLES else {})


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": text} | ({"style": {"bold": True}} if bold else {})


def _section(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": pieces}


def _rich(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": elements}
