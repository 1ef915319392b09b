"""Whether a page that is due waits after all: for the end of a rule, of what it came of, or for more to join it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.store.database import Engine, transaction
from adapters.store.mutes import mutes_now
from adapters.store.outbox import QueuedPage
from adapters.store.standing import Standing, open_troubles, trouble_of
from domain.holding import GATHERING, Gathering, depended_on, gathers_until, inhibited_by
from domain.incidents import Kind, Severity, State
from domain.inventory import Inventory
from domain.muting import in_words, muting
from domain.pages import PageReason
from domain.paging_settings import PagingSettings
from domain.shown_texts import printable
from domain.told import Told, labels_told, over_since, over_untold

# What is held back is looked at this often.
LOOK_AGAIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a page does not go out yet."""

    until: datetime  # when to look again
    rule: str = ""  # what holds it back, in words; empty: more may join its incident


@dataclass(frozen=True, slots=True)
class Holding:
    """What pages are held back by; asked of the store anew for each page."""

    engine: Engine
    inventory: Inventory
    paging: PagingSettings

    def hold(self, queued: QueuedPage, stands: Standing, *, now: datetime) -> Hold | None:
        """Why it waits, or None; that something is over is always told, and our own test goes its way."""
        if queued.reason is PageReason.RESOLVED or queued.incident.kind is Kind.CANARY:
            return None
        if rule := self.rules(stands.told, now) or self._origin(queued, stands):
            return Hold(now + LOOK_AGAIN, rule)
        return self._gathering(queued, stands, now)

    def rules(self, told: Sequence[Told], now: datetime) -> str:
        """The silences and maintenance windows that hold back what a page tells of, in words, or nothing."""
        with transaction(self.engine) as connection:
            mutes = mutes_now(connection, now)
        found = muting(labels_told(told, self.inventory), mutes, now=now) if mutes else ()
        return "; ".join(in_words(mute, now) for mute in found)

    def over_untold(self, queued: QueuedPage, told: Sequence[Told]) -> str:
        """Why nobody is told of what was over while it was held back, or nothing."""
        if queued.reason is PageReason.RESOLVED or not told:
            return ""
        if queued.reason is PageReason.APPROVAL and queued.muted_by and told[0].state is not State.WAITING:
            return f"its plan does not wait for a person any more: held back by {queued.muted_by}"
        ended = over_since(told)
        return over_untold(told, queued.muted_by or self.rules(told, ended)) if ended else ""

    def _origin(self, queued: QueuedPage, stands: Standing) -> str:
        """The open incident that this one came of, in words, or nothing."""
        services = tuple(dict.fromkeys(one for told in stands.told if not told.silence for one in told.services))
        below = depended_on(services, self.inventory)
        if not below:
            return ""
        own = trouble_of(stands.told[0], queued.incident.route, services, is_told=False)
        ours = {told.id for told in stands.told}
        others = [one for one in open_troubles(self.engine, below) if one.id not in ours]
        origin = inhibited_by(own, others, self.inventory)
        if origin is None:
            return ""
        return f"its likely origin, incident {origin.id} ({origin.services[0]}: {printable(origin.what)})"

    def _gathering(self, queued: QueuedPage, stands: Standing, now: datetime) -> Hold | None:
        if queued.reason not in GATHERING or queued.incident.severity >= Severity.CRITICAL:
            return None
        waits = Gathering(timedelta(seconds=self.paging.settle_seconds), timedelta(seconds=self.paging.group_seconds))
        until = gathers_until(waits, made_at=queued.created_at, joined_at=stands.joined_at, now=now)
        return Hold(until) if until else None
