"""Critical pages that `watch` could not store: sent from its spool, store or no store, each under its key."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

from adapters.page_spool import Fate, Mark, PageSpool
from adapters.redaction import redaction
from adapters.store import outbox
from domain.contacts import Contact
from domain.errors import BadSettings, Refused, Unavailable
from domain.escalation import Circumstances, Progress, fire
from domain.going_out import SpooledPage
from domain.muting import labels_of
from domain.page_text import Around, Made, compose
from domain.pages import ALERT, Page
from tasks.paging import Pager

log = logging.getLogger(__name__)

AT_ONCE = 8
AGAIN = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Way:
    """A page to one contact of one person."""

    page: SpooledPage
    person: str
    contact: Contact

    def mark(self, fate: Fate) -> Mark:
        """What became of it."""
        return Mark(self.page.key, fate, person=self.person, contact=self.contact)


def drain(pager: Pager) -> list[str]:
    """Send what waits in the spool and is not in the store: what became of each, in a word. Raises Unavailable."""
    spool = pager.spool
    if spool is None or not spool.pages() or not pager.settings.paging.enabled:
        return []
    spool.forget(pager.clock())
    ways = [way for page in spool.pages() if not _is_done(pager, spool, page) for way in ways_of(pager, page)]
    if not ways:
        return []
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="spool") as pool:
        return [said for said in pool.map(lambda way: _send(pager, spool, way), ways) if said]


def _is_done(pager: Pager, spool: PageSpool, page: SpooledPage) -> bool:
    """Whether nothing is left to do here: each contact has it, or the store delivers it."""
    marks = spool.marks(page.key)
    if any(one.fate is Fate.JOINED for one in marks):
        return True
    sent = {(one.person, one.contact) for one in marks if one.fate is Fate.SENT}
    if all((way.person, way.contact) in sent for way in ways_of(pager, page)):
        return bool(sent)
    try:
        return outbox.is_queued(pager.engine, page.key)
    except Unavailable:
        return False


def ways_of(pager: Pager, page: SpooledPage) -> Iterator[Way]:
    """Whom its policy names first, by every contact at once; what people took over is in the store alone."""
    roster, _ = pager.roster()
    now = Circumstances(roster, pager.clock(), {}, pager.usable)
    policy = pager.policy([labels_of(page.incident, pager.inventory)], roster, now.at)
    for notice in fire(Progress(policy), now).notices:
        for contact in notice.contacts:
            yield Way(page, notice.person, contact)


def _send(pager: Pager, spool: PageSpool, way: Way) -> str:
    """Claim, send, record; whoever dies between leaves a claim that ends, and the same key goes again."""
    now = pager.clock()
    if not spool.claim(replace(way.mark(Fate.CLAIMED), until=now + pager.lease), now=now):
        return ""
    page = told(pager, way)
    try:
        receipt = pager.channel(way.contact).send(page)
    except (Unavailable, Refused, BadSettings) as error:
        log.warning("page.waiting", extra={"key": page.key, "to": str(way.contact), "error": str(error)})
        spool.note(replace(way.mark(Fate.REFUSED), until=pager.clock() + AGAIN))
        return f"not accepted: {error}"
    kept = replace(receipt, details={**receipt.details, ALERT: page.alert}) if page.alert else receipt
    spool.note(replace(way.mark(Fate.SENT), receipt=kept))
    log.info("page.sent", extra={"key": page.key, "channel": way.contact.kind, "to": way.contact.to})
    return f"sent: {receipt.message_id}"


def told(pager: Pager, way: Way) -> Page:
    """What people are told; that the store is down is the first thing that they must know."""
    page = way.page
    made = Made(page.key, page.kind, page.reason, page.thread, (), page.late, page.made_at)
    since = f"{page.since:%Y-%m-%d %H:%M:%S} UTC"
    down = [f"the store does not answer since {since}: nothing is done about this by itself"]
    around, mask = Around(inventory=pager.inventory), redaction(pager.settings.paging.mask)
    composed = compose(page.incident, made, around, down, way.contact, mask=mask)
    # An alert is named by its incident's number, which this one has not got.
    return replace(composed, person=way.person, alert="" if page.incident.id else page.key)
