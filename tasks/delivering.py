"""One delivery through its channel to somebody, and what became of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE
from tenacity import RetryCallState, wait_exponential_jitter

from adapters.store import delivered, deliveries, outbox
from adapters.store.closing import incident_in
from adapters.store.database import transaction
from adapters.store.deliveries import Delivery
from adapters.store.outbox import QueuedPage
from adapters.store.standing import Standing, standing, undelivered
from domain.contacts import OWN_ALERTS, ContactKind
from domain.errors import BadSettings, Later, Refused, Unavailable
from domain.incidents import Severity
from domain.noise import MERGED, Limits, wait
from domain.pages import ALERT, Receipt
from domain.paging_settings import PagingSettings
from domain.told import CAME_BACK
from tasks.expanding import EXPANDED, expand_due, note_nobody_knows
from tasks.holding import LOOK_AGAIN
from tasks.paging import Pager

log = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(seconds=60)
# So long goes what would be given up after all: a page that is refused itself, a receiver who refuses it.
PATIENCE = timedelta(hours=1)
OVER_MEANWHILE = "it was over before its page was accepted"
ASKED = "its receiver says when to come again"
_BACK_OFF = wait_exponential_jitter(initial=1, max=LONGEST_PAUSE.total_seconds(), jitter=1)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many tries, this one not counted; with jitter, so that not all come back at once."""
    tried = RetryCallState(None, None, (), {})  # type: ignore[arg-type]
    tried.attempt_number = min(attempts, 10) + 1
    return timedelta(seconds=min(_BACK_OFF(tried), LONGEST_PAUSE.total_seconds()))


def claim(pager: Pager, channel: str, token: str, room: int) -> list[Delivery]:
    """Due deliveries of one channel, claimed."""
    return deliveries.claim(pager.engine, channel, token=token, lease=pager.lease, limit=room, now=pager.clock())


def run(pager: Pager, token: str) -> list[tuple[QueuedPage, str]]:
    """Expand and deliver whatever is due, one after the other: each page, and what became of it, in a word."""
    waits = [(page, outcome) for page, outcome in expand_due(pager, token) if outcome != EXPANDED]
    claimed = (one for channel in ContactKind for one in claim(pager, channel, token, outbox.AT_ONCE))
    return [*waits, *((one.page, deliver(pager, one)) for one in claimed)]


def deliver(pager: Pager, one: Delivery) -> str:
    """Send one claimed delivery and record the outcome, in a word."""
    now = pager.clock()
    if not deliveries.hold(pager.engine, one, until=now + pager.lease):
        return "somebody else has it by now"
    stands = standing(pager.engine, one.page)
    why = pager.unwanted(one.page, stands)
    if why and not (why == CAME_BACK and one.contact.kind in OWN_ALERTS):
        outbox.mark_suppressed(pager.engine, one.page, why, now=now)
        return f"suppressed: {why}"
    if why := _is_reached(pager, one):
        deliveries.mark_suppressed(pager.engine, one, why)
        return f"suppressed: {why}"
    return _held_back(pager, one, stands, now) or _too_many(pager, one, now) or _send(pager, one, stands)


def _is_reached(pager: Pager, one: Delivery) -> str:
    """Why this way is not tried again, or nothing: the person has it by another one."""
    if not one.attempts or not one.person or one.page.is_critical:
        return ""
    by = delivered.taken_by(pager.engine, one)
    return f"{one.person} has it by {by}" if by else ""


def _held_back(pager: Pager, one: Delivery, stands: Standing, now: datetime) -> str:
    """A rule that came since it was expanded holds it back too, as long as nobody has it."""
    held = pager.holding.hold(one.page, stands, now=now) if one.page.state == "sending" else None
    if held is None or not held.rule:
        return ""
    deliveries.hold_back(pager.engine, one, held.rule, due_at=now + LOOK_AGAIN, now=now)
    return f"held back by {held.rule}"


def _too_many(pager: Pager, one: Delivery, now: datetime) -> str:
    """Whoever is told had so many messages that this one comes later, with what else waits."""
    if one.contact.kind in OWN_ALERTS:
        return ""
    limits = limits_of(pager.settings.paging)
    before = delivered.sent_before(pager.engine, one, shift=limits.shift, now=now)
    found = wait(one.page.reason, one.page.incident.severity, before, limits, now)
    if found is None:
        return ""
    deliveries.put_off(pager.engine, one, due_at=found.until, waits=found.why, now=now)
    return f"waits: {found.why}"


def limits_of(paging: PagingSettings) -> Limits:
    """The settings of noise."""
    return Limits(
        per_minute=paging.receiver_per_minute,
        budget=paging.shift_budget,
        shift=timedelta(hours=paging.shift_hours),
        merged_every=timedelta(minutes=paging.merged_minutes),
        interval=timedelta(seconds=paging.group_interval_seconds),
    )


def _send(pager: Pager, one: Delivery, stands: Standing) -> str:
    merged = _merged(pager, one)
    also = tuple(told for _, told in merged)
    first = delivered.first_receipt(pager.engine, one)
    alert = first.details.get(ALERT, "") if first else ""
    page = replace(pager.page(one.page, stands, one.contact, one.person), also=also, alert=alert)
    try:
        receipt = pager.channel(one.contact).send(page, first)
    except (Unavailable, Refused, BadSettings) as error:
        for other, _ in merged:
            deliveries.let_go(pager.engine, other)
        return _not_accepted(pager, one, error)
    return _accepted(pager, one, receipt, [other.id for other, _ in merged])


def _merged(pager: Pager, one: Delivery) -> list[tuple[Delivery, str]]:
    """What waits to be sent with it, each in one line; what nobody wants any more is left out."""
    if not one.waits.startswith(MERGED):
        return []  # what did not wait itself tells of nothing else
    found = []
    for other in deliveries.gather(pager.engine, one, lease=pager.lease, now=pager.clock()):
        stands = standing(pager.engine, other.page)
        if why := pager.unwanted(other.page, stands):
            outbox.mark_suppressed(pager.engine, other.page, why, now=pager.clock())
        elif _held_back(pager, other, stands, pager.clock()):
            continue
        else:
            found.append((other, pager.page(other.page, stands, one.contact, one.person).summary))
    return found


def _accepted(pager: Pager, one: Delivery, receipt: Receipt, merged: list[int]) -> str:
    deliveries.mark_sent(pager.engine, one, receipt, merged=merged, now=pager.clock())
    log.info("page.sent", extra={"incident": one.page.incident.id, "channel": one.contact.kind, "to": one.contact.to})
    if one.contact.kind in OWN_ALERTS and not one.page.is_news:
        _end_of_what_is_over(pager, one)
    for part in (one.contact.kind.value, part_of(one)):
        pager.report(part, "")
    return f"sent: {receipt.message_id}"


def _end_of_what_is_over(pager: Pager, one: Delivery) -> None:
    """What was closed while its page was on its way leaves an alert open, which nothing else would end."""
    with transaction(pager.engine) as connection:
        incident = incident_in(connection, one.page.incident.id)
        if incident is not None and incident.state.closed:
            outbox.queue_resolved(connection, incident, [OVER_MEANWHILE], pager.clock(), only="alerts")


def _not_accepted(pager: Pager, one: Delivery, error: Unavailable | Refused | BadSettings) -> str:
    """It goes again, for ever where it is critical and nobody has it; meanwhile the next contact is tried."""
    now, text = pager.clock(), str(error)
    age = now - one.created_at
    log.warning("page.waiting", extra={"incident": one.page.incident.id, "to": str(one.contact), "error": text})
    part = part_of(one) if isinstance(error, Refused) else one.contact.kind.value
    if is_given_up(one, error, age):
        deliveries.mark_failed(pager.engine, one, text, now=now)
        pager.report(part, f"given up: {text}")
        return f"given up: {text}"
    pause = timedelta(seconds=error.seconds) if isinstance(error, Later) else pause_after(one.attempts)
    waits = ASKED if isinstance(error, Later) else ""
    deliveries.mark_retry(pager.engine, one, text, due_at=now + pause, waits=waits, now=now)
    pager.report(part, f"{undelivered(pager.engine, made_before=now, now=now)}; {text}")
    if one.page.state == "sending":
        note_nobody_knows(pager, one.page, text)
    return f"not accepted, again in {pause.total_seconds():.0f} s: {text}"


def part_of(one: Delivery) -> str:
    """What does not work when a receiver refuses it."""
    return f"{one.contact.kind} to {one.contact.to}"


def is_given_up(one: Delivery, error: Unavailable | Refused | BadSettings, age: timedelta) -> bool:
    """Whether this receiver is not tried any more."""
    if age < PATIENCE:
        return False
    somebody_has_it = one.page.state == "sent"
    return somebody_has_it or (isinstance(error, Refused) and one.page.incident.severity < Severity.CRITICAL)


@dataclass(frozen=True, slots=True)
class Pool:
    """Where the deliveries of one channel run, so that a slow server takes the threads of no other."""

    executor: Executor

    async def run(self, work: Callable[[], str]) -> str:
        """Do it in a thread of this pool."""
        return await asyncio.get_running_loop().run_in_executor(self.executor, work)


class Sending:
    """A delivery on its way into its task; no dataclass, because Prefect looks through those."""

    def __init__(self, pager: Pager, one: Delivery, pool: Pool) -> None:
        self.pager = pager
        self.one = one
        self.pool = pool

    def __str__(self) -> str:
        return f"page by {self.one.contact}: incident {self.one.page.incident.id}, {self.one.page.reason}"


@task(retries=0, cache_policy=NO_CACHE, persist_result=False, task_run_name="{sending}")
async def send_page(sending: Sending) -> str:
    """Deliver one page; what the channel did not accept goes again from the outbox."""
    return await sending.pool.run(lambda: deliver(sending.pager, sending.one))
