"""What a page looks like as an e-mail. All of its text is untrusted: it came out of logs."""

from __future__ import annotations

import hashlib
import html
import unicodedata
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from domain.pages import Page, PageReason
from domain.paging_settings import EmailSettings

DOMAIN = "sre-agent"  # right-hand side of our Message-IDs
LONGEST_SUBJECT = 200
# What SMTP allows: a subject that is folded before its first word begins with a blank for some readers.
LONG_LINES = SMTP.clone(max_line_length=998)
LONGEST_LINE = 2_000
MOST_LINES = 500


def message_id(key: str) -> str:
    """The Message-ID of the page `key`: the same key always has the same one."""
    digest = hashlib.sha256(key.encode(errors="backslashreplace")).hexdigest()
    # Half of it is unique enough, and a header that fits one line is never folded.
    return f"<{digest[:32]}@{DOMAIN}>"


def clean(text: str, longest: int = LONGEST_LINE) -> str:
    """`text` as one line of at most `longest` characters, without control and formatting characters.

    Formatting characters go, as they can reverse the direction of what a human reads; unpaired surrogates
    go, as they cannot be sent.
    """
    kept = (" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: 4 * longest])
    line = " ".join("".join(kept).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def brief(page: Page) -> Page:
    """The same page without anything that came out of logs, for a server that refused the whole."""
    lines = ("The mail server refused the whole page, so what was seen is left out here.",)
    return replace(page, subject=f"incident {page.incident_id}", lines=lines, degraded=())


def message(page: Page, settings: EmailSettings) -> EmailMessage:
    """The whole mail; it answers the first one about its incident."""
    mail = EmailMessage(policy=LONG_LINES)
    mail["Subject"] = subject(page)
    mail["From"] = clean(settings.sender)
    mail["To"] = clean(page.to) if page.to else ", ".join(map(clean, settings.recipients))
    mail["Date"] = format_datetime(page.created_at)
    mail["Message-ID"] = message_id(page.key)
    if page.thread != page.key:
        mail["In-Reply-To"] = message_id(page.thread)
        mail["References"] = message_id(page.thread)
    mail["Auto-Submitted"] = "auto-generated"
    if page.severity == "critical":
        mail["X-Priority"] = "1"
    mail.set_content(text_part(page))
    mail.add_alternative(html_part(page), subtype="html")
    return mail


def subject(page: Page) -> str:
    """Severity first, as it is what is read on a locked screen; whether it is over before that."""
    over = "RESOLVED " if page.reason is PageReason.RESOLVED else ""
    late = " [late]" if page.late else ""
    return clean(f"{over}[{page.severity.upper()}]{late} {page.subject}", LONGEST_SUBJECT)


def facts(page: Page) -> list[tuple[str, str]]:
    """The head of the page, as label and value."""
    found = [
        ("Incident", str(page.incident_id)),
        ("Service", clean(page.service)),
        ("Severity", clean(page.severity)),
        ("Paged because", page.reason.value),
        ("At", page.created_at.isoformat(timespec="seconds")),
    ]
    if page.late:
        found.append(("Late", "the evidence was already old when this page was made"))
    return found + [("Down right now", clean(part)) for part in page.degraded]


def evidence(page: Page) -> list[str]:
    """The page's lines, cleaned; the last one says when there are more."""
    lines = [clean(line) for line in page.lines[:MOST_LINES]]
    if (left := len(page.lines) - MOST_LINES) > 0:
        lines.append(f"… and {left} lines more: sre incident {page.incident_id}")
    return lines


def ways_on(page: Page) -> list[tuple[str, str]]:
    """What the reader may do, as label and command."""
    more = ("More", f"sre incident {page.incident_id}")
    return [more] if page.reason is PageReason.RESOLVED else [more, ("Stop paging", f"sre ack {page.incident_id}")]


def text_part(page: Page) -> str:
    """The page for a reader without HTML."""
    head = [f"{label}: {value}" for label, value in facts(page)]
    foot = [f"{label}: {command}" for label, command in ways_on(page)]
    return "\n".join([clean(page.subject), "", *head, "", *evidence(page), "", *foot, ""])


def html_part(page: Page) -> str:
    """The same facts as HTML; every piece of text passes html.escape."""
    rows = "".join(
        f"<tr><th align='left'>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>"
        for label, value in facts(page)
    )
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in evidence(page))
    foot = "<br>".join(f"{label}: <code>{command}</code>" for label, command in ways_on(page))
    return (
        "<!DOCTYPE html><html><body>"
        f"<h2>{html.escape(clean(page.subject))}</h2><table cellpadding='4'>{rows}</table><ul>{lines}</ul>"
        f"<p>{foot}</p></body></html>\n"
    )
