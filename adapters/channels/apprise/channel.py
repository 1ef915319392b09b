"""The long tail of receivers through `apprise`: SMS, phone, Telegram, ntfy, Opsgenie and a hundred more.

It knows no key for a page, so a receiver may get one twice, and it tells no more than whether it worked;
the reason is read off its log.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import apprise

from adapters.channels.apprise.text import body, title
from adapters.channels.calls import SETTING, must_be_usable
from adapters.deadline import within
from domain.errors import Unavailable
from domain.page_sections import clean
from domain.pages import Page, PageKind, Receipt
from domain.paging_settings import PagingSettings
from domain.quoted import MASK, mask_quoted

LOGGER = logging.getLogger("apprise")
# What it says goes into our errors, masked, and not into any log: it may quote the address.
LOGGER.propagate = False
LOGGER.addHandler(logging.NullHandler())
# A redirect is not followed, as it would take the page, and a password, to somebody else.
ASSET = apprise.AppriseAsset(app_id="SRE Agent", secure_logging=True, http_redirects=False)
LONGEST_REASON = 300
SHORTEST_SECRET = 4
PARTS = re.compile(r"[:/?&=@,;#]+")


class AppriseChannel:
    """Tells the receivers that `paging.apprise` names."""

    name = "apprise"

    def __init__(self, paging: PagingSettings) -> None:
        self.paging = paging

    def send(self, page: Page, before: Receipt | None = None) -> Receipt:
        """The receipt once the service has taken the message."""
        must_be_usable(page.to, self.paging)
        url = self.paging.apprise[page.to.to].get_secret_value()
        within(self.paging.send_seconds, lambda: notify(page, url), str(page.to), SETTING)
        return Receipt(self.name, page.to.to, page.key, datetime.now(UTC))


def notify(page: Page, url: str) -> None:
    """Send it. Raises Unavailable with what apprise logged."""
    service, setting = apprise.Apprise(asset=ASSET), f"paging.apprise.{page.to.to}"
    with logged() as lines:
        known = service.add(url)
        kind = apprise.NotifyType.SUCCESS if page.kind is PageKind.RESOLVE else apprise.NotifyType.WARNING
        plain = apprise.NotifyFormat.TEXT
        sent = known and service.notify(body(page), title=title(page), notify_type=kind, body_format=plain)
    if not sent:
        why = without(url, "; ".join(lines)) or ("it gave no reason" if known else "apprise knows no such address")
        raise Unavailable(f"{page.to}: {clean(why, LONGEST_REASON)} (see {setting})")


@contextmanager
def logged() -> Iterator[list[str]]:
    """What apprise says in this thread."""
    lines: list[str] = []
    handler = _Lines(lines, threading.get_ident())
    LOGGER.addHandler(handler)
    try:
        yield lines
    finally:
        LOGGER.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, lines: list[str], thread: int) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines
        self._thread = thread

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, if it is about this delivery."""
        if record.thread == self._thread:
            self._lines.append(record.getMessage())


def without(url: str, text: str) -> str:
    """`text` without the address and without any piece of it, as each may be a token."""
    scheme, _, rest = url.partition("://")
    pieces = {url, rest, *PARTS.split(rest)} - {scheme}
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= SHORTEST_SECRET:
            text = text.replace(piece, MASK)
    return mask_quoted(text)
