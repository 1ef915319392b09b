"""What paging is done with: who is on call, what still has to be told, what holds it back, what it says."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from adapters.channels import CHANNELS
from adapters.executing import wall_clock
from adapters.page_spool import PageSpool
from adapters.redaction import redaction
from adapters.store import overrides
from adapters.store.database import Connection, Engine
from adapters.store.outbox import QueuedPage
from adapters.store.standing import Standing, open_lately
from adapters.store.switches import degraded, report_condition
from domain.contacts import Contact, ContactKind
from domain.escalation import Circumstances, policy_for
from domain.inventory import Inventory
from domain.muting import Labels
from domain.page_text import Around, Made, compose
from domain.pages import Channel, Page, PageReason
from domain.reachable import configured, contact_problem
from domain.roster import Policy, Roster, default_roster
from domain.settings import Settings
from domain.told import (
    answered_by_now,
    kind_by_now,
    likely_origin,
    unwanted,
    unwanted_news,
    unwanted_reminder,
    unwanted_resolved,
)
from tasks.holding import Holding
from tasks.retrieval import Library, may_help

log = logging.getLogger(__name__)

SEEN_BY = "on-call"
# A lease outlasts the time limit of what is done under it by this much.
LEASE_SLACK = timedelta(seconds=15)
ORIGIN_SINCE = timedelta(minutes=10)
# Pages about what the agent does not handle: a human starts from nothing there.
UNKNOWN_TO_US = frozenset({PageReason.UNCOMMON, PageReason.CRITICAL, PageReason.WORSE})
ABOUT_PEOPLE = frozenset(
    {
        PageReason.ACKNOWLEDGED,
        PageReason.COMMENTED,
        PageReason.ANALYSED,
        PageReason.ASSIGNED,
        PageReason.DIGEST,
    }
)


class Rosters(Protocol):
    """Where who is on call is read from, as it is now."""

    def current(self) -> CurrentRoster:
        """The roster with the text that it was read from."""
        ...


class CurrentRoster(Protocol):
    """One reading of it."""

    @property
    def roster(self) -> Roster: ...
    @property
    def text(self) -> str: ...
    @property
    def flaws(self) -> Sequence[str]: ...


# Puts a link to answer by into the page of one person.
LinkMaker = Callable[[Page], Page]


@dataclass(frozen=True, slots=True)
class Pager:
    """What pages are expanded and delivered with."""

    settings: Settings
    engine: Engine
    inventory: Inventory = field(default_factory=Inventory)
    clock: Callable[[], datetime] = wall_clock
    given: Channel | None = None  # takes every page; without one each goes by its contact's channel
    library: Library | None = None  # where playbooks are looked up that may help
    rosters: Rosters | None = None  # who is on call; without it everybody whom the settings name
    links: LinkMaker | None = None  # where to answer; without it by `sre` alone
    spool: PageSpool | None = None  # what `watch` puts there while the store does not answer
    # Keeps what decides, and names it by its digest; without it what was asked is not kept to be asked again.
    named: Callable[[Connection], str] | None = None

    @property
    def lease(self) -> timedelta:
        """How long a claimed delivery is nobody else's."""
        return timedelta(seconds=self.settings.paging.send_seconds) + LEASE_SLACK

    @property
    def holding(self) -> Holding:
        """What holds pages back."""
        return Holding(self.engine, self.inventory, self.settings.paging)

    def roster(self) -> tuple[Roster, str]:
        """Who is on call, and the text that says so; empty where the settings do."""
        if self.rosters is not None:
            found = self.rosters.current()
            return found.roster, found.text
        return default_roster(self._contacts()), ""

    def _contacts(self) -> tuple[Contact, ...]:
        paging = self.settings.paging
        if self.given is not None:
            return tuple(Contact(ContactKind.EMAIL, address) for address in paging.email.recipients)
        return configured(paging)

    def usable(self, contact: Contact) -> bool:
        """Whether the settings say how to reach it."""
        return self.given is not None or not contact_problem(contact, self.settings.paging)

    def circumstances(self, connection: Connection, roster: Roster) -> Circumstances:
        """Who is behind a target now."""
        now = self.clock()
        return Circumstances(roster, now, overrides.in_force(connection, now) if roster.schedules else {}, self.usable)

    def policy(self, labels: Sequence[Labels], roster: Roster, at: datetime) -> Policy:
        """The policy by which what has these labels goes at that moment."""
        return policy_for(labels, roster, self.settings.paging.escalation_policy, at)

    def channel(self, contact: Contact) -> Channel:
        """The way to a contact. Raises BadSettings where it is not set up."""
        return self.given or CHANNELS[contact.kind](self.settings.paging)

    def unwanted(self, queued: QueuedPage, stands: Standing) -> str:
        """Why nobody is told of it any more, or an empty text."""
        enabled, reason = self.settings.paging.enabled, queued.reason
        if reason is PageReason.RESOLVED:
            return unwanted_resolved(stands.told, enabled=enabled, told_before=stands.sent_before)
        if reason in ABOUT_PEOPLE:
            return unwanted_news(enabled=enabled)
        if reason is PageReason.REMINDER:
            return unwanted_reminder(stands.told, enabled=enabled)
        why = unwanted(stands.told, enabled=enabled) or self.holding.over_untold(queued, stands.told)
        # An old one is the only page of its service for a while.
        return why or ("" if queued.late else answered_by_now(reason, queued.incident))

    def page(self, queued: QueuedPage, stands: Standing, to: Contact, person: str) -> Page:
        """What this person is told. That this channel was down until now is no news to whoever reads it."""
        now = self.clock()
        down = [text for text in degraded(self.engine, now=now) if not text.startswith(f"{to.kind} ")]
        origin = ""
        if self.inventory.services and not queued.is_news:
            others = open_lately(self.engine, since=now - ORIGIN_SINCE)
            origin = likely_origin(stands.told, others, self.inventory)
        around = Around(stands.told, stands.parts, self.inventory, origin, stands.held_by)
        mask = redaction(self.settings.paging.mask)
        page = replace(compose(queued.incident, self._made(queued, stands), around, down, to, mask=mask), person=person)
        return self.links(page) if self.links else page

    def _made(self, queued: QueuedPage, stands: Standing) -> Made:
        lines = (*queued.lines, *self._helps(queued))
        digest = queued.about.get("plan", "")
        kind = kind_by_now(queued.kind, stands.told)
        fixed = (queued.key, kind, queued.reason, queued.thread, lines, queued.late, queued.created_at)
        return Made(*fixed, digest, queued.episode)

    def _helps(self, queued: QueuedPage) -> list[str]:
        """Playbooks that may help whoever is told of what no playbook of ours was followed for."""
        if self.library is None or queued.reason not in UNKNOWN_TO_US:
            return []
        return may_help(queued.incident, self.library.playbooks)

    def report(self, part: str, ailment: str) -> None:
        """Tell people, by `sre status` and by other pages, how the way to them is."""
        now = self.clock()
        report_condition(self.engine, part, seen_by=SEEN_BY, healthy=not ailment, detail=ailment, now=now)
