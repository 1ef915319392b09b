"""What a page looks like as an e-mail. All of its text is untrusted: it came out of logs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template

from domain.page_sections import as_text, clean, sections, unlinked
from domain.pages import Page, PageKind
from domain.paging_settings import EmailSettings

DOMAIN = "sre-agent"  # right-hand side of our Message-IDs
LONGEST_SUBJECT = 200
# What SMTP allows: a subject that is folded before its first word begins with a blank for some readers.
LONG_LINES = SMTP.clone(max_line_length=998)
# Read on white and on black; the kind of a page wins over how bad it is.
COLOURS = {"critical": "#d32f2f", "high": "#e65100", "medium": "#b8860b", "low": "#5f7d95"}
KIND_COLOURS = {PageKind.RESOLVE: "#2e8b57", PageKind.ACKNOWLEDGE: "#4a7fc1"}


def message_id(key: str) -> str:
    """The Message-ID of the page `key`: the same key always has the same one."""
    digest = hashlib.sha256(key.encode(errors="backslashreplace")).hexdigest()
    # Half of it is unique enough, and a header that fits one line is never folded.
    return f"<{digest[:32]}@{DOMAIN}>"


def brief(page: Page) -> Page:
    """The same page without anything that came out of logs, for a server that refused the whole."""
    lines = ("The mail server refused the whole page, so what was seen is left out here.",)
    summary = f"{page.severity.upper()} incident {page.incident_id}: more by sre incident {page.incident_id}"
    without = replace(page, summary=summary, lines=lines, suffers="", origin="", evidence=(), done=(), also=())
    return replace(without, degraded=())


def message(page: Page, settings: EmailSettings) -> EmailMessage:
    """The whole mail; it answers the first one about its incident."""
    mail = EmailMessage(policy=LONG_LINES)
    mail["Subject"] = subject(page)
    mail["From"] = clean(settings.sender)
    mail["To"] = clean(page.to.to)
    mail["Date"] = format_datetime(page.created_at)
    mail["Message-ID"] = message_id(page.key)
    if page.thread != page.key:
        mail["In-Reply-To"] = message_id(page.thread)
        mail["References"] = message_id(page.thread)
    mail["Auto-Submitted"] = "auto-generated"
    if page.severity == "critical" and page.kind is PageKind.TRIGGER:
        mail["X-Priority"] = "1"
    mail.set_content(text_part(page))
    mail.add_alternative(html_part(page), subtype="html")
    return mail


def subject(page: Page) -> str:
    """The summary, as it is what is read on a locked screen, and the incident's number to find it by."""
    late = "[late] " if page.late else ""
    number = f" [incident {page.incident_id}]" if page.incident_id else ""
    return clean(late + page.summary, LONGEST_SUBJECT - len(number)) + number


def text_part(page: Page) -> str:
    """The page for a reader without HTML."""
    return f"{unlinked(clean(page.summary))}\n\n{as_text(page)}"


def html_part(page: Page) -> str:
    """The same sections as HTML; the template escapes every piece of text."""
    colour = KIND_COLOURS.get(page.kind) or COLOURS.get(page.severity, COLOURS["low"])
    return _template().render(summary=clean(page.summary), sections=sections(page), colour=colour)


def _shown(text: str) -> str:
    """Text of which no reader makes a link, and in which no number is parted from its per cent sign."""
    return unlinked(text).replace(" %", "\N{NO-BREAK SPACE}%")


@lru_cache(maxsize=1)
def _template() -> Template:
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["shown"] = _shown
    return environment.get_template("page.html")
