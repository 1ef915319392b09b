"""From a row of the outbox to a page, and through its channel to a human."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.channels import CHANNELS
from adapters.executing import wall_clock
from adapters.store import outbox
from adapters.store.database import Engine
from adapters.store.outbox import QueuedPage
from adapters.store.standing import Standing, open_lately, standing, undelivered
from adapters.store.switches import degraded, report_condition
from domain.errors import BadSettings, Refused, Unavailable
from domain.incidents import Severity
from domain.inventory import Inventory
from domain.page_text import Around, headline, page_lines
from domain.pages import UNDELIVERED_AFTER, Channel, Page, PageReason, Receipt
from domain.settings import Settings
from domain.told import answered_by_now, likely_origin, unwanted, unwanted_resolved
from tasks.holding import Holding
from tasks.retrieval import Library, may_help

log = logging.getLogger(__name__)

SEEN_BY = "on-call"
# A page's lease outlasts the time limit of its delivery by this much.
LEASE_SLACK = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(seconds=60)
# What is over is told of after the page before it.
ORDER_PAUSE = timedelta(seconds=5)
# So long goes what would be given up after all: a page that is refused itself, a receiver who refuses it.
PATIENCE = timedelta(hours=1)
ORIGIN_SINCE = timedelta(minutes=10)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many tries, this one not counted."""
    return min(timedelta(seconds=2.0 ** min(attempts, 10)), LONGEST_PAUSE)


def page_of(queued: QueuedPage, down: Sequence[str], around: Around | None = None) -> Page:
    """What the human is told, with what is known around its incident."""
    incident, around = queued.incident, around or Around()
    return Page(
        key=queued.key,
        incident_id=incident.id,
        thread=queued.thread,
        service=incident.service,
        severity=incident.severity.name.lower(),
        subject=headline(incident, queued.reason, around),
        reason=queued.reason,
        lines=page_lines(incident, queued.reason, queued.lines, around),
        degraded=tuple(down),
        late=queued.late,
        created_at=queued.created_at,
        to=queued.to,
    )


# Pages about what the agent does not handle: a human starts from nothing there.
UNKNOWN_TO_US = frozenset({PageReason.UNCOMMON, PageReason.CRITICAL, PageReason.WORSE})


@dataclass(frozen=True, slots=True)
class Pager:
    """Delivers what is in the outbox."""

    settings: Settings
    engine: Engine
    inventory: Inventory = field(default_factory=Inventory)
    clock: Callable[[], datetime] = wall_clock
    given: Channel | None = None  # takes every page; without one each goes by the channel that it was queued for
    library: Library | None = None  # where playbooks are looked up that may help

    @property
    def lease(self) -> timedelta:
        """How long a claimed page is nobody else's."""
        return timedelta(seconds=self.settings.calls.timeout_seconds) + LEASE_SLACK

    @property
    def holding(self) -> Holding:
        """What holds pages back."""
        return Holding(self.engine, self.inventory, self.settings.paging)

    def claim(
        self, token: str, *, incident_id: int | None = None, older_than: timedelta = timedelta()
    ) -> list[QueuedPage]:
        """Due pages, claimed; those that something holds back are put off here, as a look is no delivery."""
        now = self.clock()
        claimed = outbox.claim_pages(
            self.engine, token=token, lease=self.lease, now=now, due_before=now - older_than, incident_id=incident_id
        )
        return [queued for queued in claimed if not self._look(queued)]

    def _look(self, queued: QueuedPage) -> str:
        """Put a claimed page off if something holds it back: what, in a word, or nothing."""
        try:
            stands = standing(self.engine, queued)
            return "" if self._unwanted(queued, stands) else self._put_off(queued, stands, now=self.clock())
        except Unavailable:
            return ""  # whoever delivers it looks again; the others that were claimed must not wait for it

    def deliver(self, queued: QueuedPage) -> str:
        """Send one claimed page and record the outcome, in a word."""
        now = self.clock()
        if not outbox.hold(self.engine, queued, until=now + self.lease):
            return "somebody else has it by now"
        stands = standing(self.engine, queued)
        resolved = queued.reason is PageReason.RESOLVED
        if resolved and stands.waits_before and not stands.sent_before:
            outbox.mark_retry(self.engine, queued, "the page before it waits", due_at=now + ORDER_PAUSE, now=now)
            return "the page before it waits"
        if why := self._unwanted(queued, stands):
            outbox.mark_suppressed(self.engine, queued, why, now=now)
            return f"suppressed: {why}"
        return self._put_off(queued, stands, now=now) or self._send(queued, self.page(queued, stands, now=now))

    def _put_off(self, queued: QueuedPage, stands: Standing, *, now: datetime) -> str:
        held = self.holding.hold(queued, stands, now=now)
        if held is None:
            return ""
        outbox.put_off(self.engine, queued, due_at=held.until, muted_by=held.rule, now=now)
        return f"held back by {held.rule}" if held.rule else "waits for more to join its incident"

    def _unwanted(self, queued: QueuedPage, stands: Standing) -> str:
        enabled = self.settings.paging.enabled
        if queued.reason is PageReason.RESOLVED:
            return unwanted_resolved(stands.told, enabled=enabled, told_before=stands.sent_before)
        why = unwanted(stands.told, enabled=enabled) or self.holding.over_untold(queued, stands.told)
        # An old one is the only page of its service for a while.
        return why or ("" if queued.late else answered_by_now(queued.reason, queued.incident))

    def page(self, queued: QueuedPage, stands: Standing, *, now: datetime) -> Page:
        """What the human is told. That this channel was down until now is no news to whoever reads it."""
        down = [text for text in degraded(self.engine, now=now) if not text.startswith(f"{queued.channel} is down")]
        origin = ""
        if self.inventory.services and queued.reason is not PageReason.RESOLVED:
            others = open_lately(self.engine, since=now - ORIGIN_SINCE)
            origin = likely_origin(stands.told, others, self.inventory)
        around = Around(stands.told, stands.parts, self.inventory, origin, stands.held_by)
        return page_of(replace(queued, lines=(*queued.lines, *self._helps(queued))), down, around)

    def _helps(self, queued: QueuedPage) -> list[str]:
        """Playbooks that may help whoever is told of what no playbook of ours was followed for."""
        if self.library is None or queued.reason not in UNKNOWN_TO_US:
            return []
        return may_help(queued.incident, self.library.playbooks)

    def _send(self, queued: QueuedPage, page: Page) -> str:
        try:
            channel = self.given or CHANNELS[queued.channel](self.settings.paging, self.settings.calls)
            receipt = channel.send(page)
        except (Unavailable, Refused, BadSettings) as error:
            return self._not_accepted(queued, error, now=self.clock())
        return self._accepted(queued, receipt, now=self.clock())

    def _accepted(self, queued: QueuedPage, receipt: Receipt, *, now: datetime) -> str:
        outbox.mark_sent(self.engine, queued, receipt, now=now)
        log.info("page.sent", extra={"incident": queued.incident.id, "message_id": receipt.message_id})
        self._report(part_of(queued), "", now)
        for receiver, answer in receipt.refused.items():
            self._report(f"{queued.channel} to {receiver}", answer, now)
        left = f", but refused by {', '.join(receipt.refused)}" if receipt.refused else ""
        return f"sent: {receipt.message_id}{left}"

    def _not_accepted(self, queued: QueuedPage, error: Unavailable | Refused | BadSettings, *, now: datetime) -> str:
        """It goes again, for ever if it is critical: only what reached the others, or is itself at fault, ends."""
        text, age = str(error), now - queued.created_at
        log.warning("page.waiting", extra={"incident": queued.incident.id, "error": text})
        if is_given_up(queued, error, age):
            outbox.mark_failed(self.engine, queued, text, now=now)
            self._report(part_of(queued), f"given up: {text}", now)
            return f"given up: {text}"
        pause = pause_after(queued.attempts)
        outbox.mark_retry(self.engine, queued, text, due_at=now + pause, now=now)
        waiting = undelivered(self.engine, made_before=now, now=now)
        self._report(part_of(queued), f"{waiting}; {text}", now)
        if age >= UNDELIVERED_AFTER and queued.incident.severity >= Severity.CRITICAL and not queued.to:
            outbox.note_undelivered(self.engine, queued, text, now=now)
        return f"not accepted, again in {pause.total_seconds():.0f} s: {text}"

    def _report(self, part: str, ailment: str, now: datetime) -> None:
        """Tell people, by `sre status` and by other pages, how the way to them is."""
        report_condition(self.engine, part, seen_by=SEEN_BY, healthy=not ailment, detail=ailment, now=now)


def part_of(queued: QueuedPage) -> str:
    """What does not work when this page is not accepted: the channel, or one receiver."""
    return f"{queued.channel} to {queued.to}" if queued.to else queued.channel


def is_given_up(queued: QueuedPage, error: Unavailable | Refused | BadSettings, age: timedelta) -> bool:
    """Whether a page is not tried any more."""
    if age < PATIENCE:
        return False
    return bool(queued.to) or (isinstance(error, Refused) and queued.incident.severity < Severity.CRITICAL)


class Delivery:
    """A page on its way into its task; no dataclass, because Prefect looks through those."""

    def __init__(self, pager: Pager, queued: QueuedPage) -> None:
        self.pager = pager
        self.queued = queued

    def __str__(self) -> str:
        return f"page by {part_of(self.queued)}: incident {self.queued.incident.id}, {self.queued.reason}"


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="{delivery}")
async def send_page(delivery: Delivery) -> str:
    """Deliver one page; what the channel did not accept goes again from the outbox."""
    return await asyncio.to_thread(delivery.pager.deliver, delivery.queued)
