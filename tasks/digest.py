"""Once a day: what did not deserve a page is queued as one message for those who want to read it."""

from __future__ import annotations

from adapters.store import outbox
from adapters.store.database import transaction
from adapters.store.digest import is_queued, not_paged
from domain.digest import DAY, digest_lines, due, key_of
from domain.pages import PageReason
from tasks.paging import Pager


def queue_digest(pager: Pager) -> bool:
    """Queue the digest that is due, of the day before its moment; False when none is, or nothing is to tell."""
    now = pager.clock()
    moment = due(pager.settings.paging.digest_at, now)
    if moment is None or not pager.roster()[0].digest:
        return False
    key = key_of(moment)
    with transaction(pager.engine) as connection:
        if is_queued(connection, key):
            return False
        lines = digest_lines(not_paged(connection, since=moment - DAY, until=moment), moment)
        if not lines:
            return False
        about = outbox.no_incident(now)
        return outbox.queue(connection, about, PageReason.DIGEST, key=key, lines=lines, now=now)
