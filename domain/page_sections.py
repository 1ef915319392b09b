"""A page as a list of sections, once for all channels that show text: each row is one line, cleaned."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from domain.amounts import clock
from domain.page_text import MEANING
from domain.pages import Page

LONGEST_LINE = 2_000
MOST_LINES = 500
WORD_JOINER = "\N{WORD JOINER}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a section; its text may be a stranger's."""

    text: str
    label: str = ""
    url: str = ""  # where the line leads; only ours

    def __str__(self) -> str:
        """As text in which only the address of the row itself can become a link."""
        return ": ".join(filter(None, (self.label, unlinked(self.text), self.url)))


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a title; the facts at the head have none."""

    title: str
    rows: tuple[Row, ...]


def clean(text: str, longest: int = LONGEST_LINE) -> str:
    """`text` as one line of at most `longest` characters, without control and formatting characters.

    Formatting characters go, as they can reverse the direction of what a human reads; unpaired surrogates
    go, as they cannot be sent.
    """
    kept = (" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: 4 * longest])
    line = " ".join("".join(kept).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def unlinked(text: str) -> str:
    """`text` of which no reader makes a link by itself: an invisible sign parts what would be one."""
    return text.replace("://", f":{WORD_JOINER}//").replace("www.", f"www{WORD_JOINER}.")


def sections(page: Page) -> list[Section]:
    """What a page says below its summary, the most urgent first; sections without rows are left out."""
    found = [
        Section("", tuple(facts(page))),
        Section("Links", tuple(Row(clean(link.label), url=link.url) for link in page.links if is_link(link.url))),
        Section("Evidence", _rows(page.evidence)),
        Section("Done", _rows(page.done)),
        Section("Also told of here", _rows(page.also)),
        Section("Down right now", _rows(page.degraded)),
        Section("More", _more(page)),
    ]
    return [section for section in found if section.rows]


def facts(page: Page) -> list[Row]:
    """The head of the page: what is asked, how bad, since when, where, why."""
    given = (
        ("Asked of you", page.asked),
        ("Service", page.service),
        ("Severity", page.severity),
        ("Since", _moment(page)),
        ("Who suffers", page.suffers),
        ("Likely origin", page.origin),
        ("Told because", MEANING[page.reason]),
        ("For", page.person),
        ("Late", "the evidence was already old when this page was made" if page.late else ""),
        ("Incident", str(page.incident_id) if page.incident_id else ""),
    )
    return [Row(cleaned, label) for label, text in given if (cleaned := clean(text))]


def is_link(url: str) -> bool:
    """Whether a link may be shown as one."""
    return urlsplit(url).scheme in ("http", "https") and url.isprintable() and " " not in url


def _moment(page: Page) -> str:
    """When it began; with its day where that is not the day of the page."""
    if page.since is None:
        return ""
    same_day = page.since.date() == page.created_at.date()
    return clock(page.since) if same_day else f"{page.since:%Y-%m-%d %H:%M:%S} UTC"


def _rows(lines: Iterable[str]) -> tuple[Row, ...]:
    return tuple(Row(clean(line)) for line in lines)


def _more(page: Page) -> tuple[Row, ...]:
    """The page's other lines; the last one says when there are more."""
    rows = _rows(page.lines[:MOST_LINES])
    if (left := len(page.lines) - MOST_LINES) > 0:
        return (*rows, Row(f"… and {left} lines more: sre incident {page.incident_id}"))
    return rows


def as_text(page: Page) -> str:
    """The page below its summary for readers without markup."""
    blocks = (
        [section.title, *(f"- {row}" for row in section.rows)] if section.title else [str(row) for row in section.rows]
        for section in sections(page)
    )
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"
