"""From a page to deliveries: whom it is for, by route, policy and schedule, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.page_spool import PageSpool
from adapters.store import delivered, deliveries, escalations, outbox
from adapters.store.database import Connection, transaction
from adapters.store.delivered import Reached
from adapters.store.deliveries import Sent
from adapters.store.escalations import Escalation, Phase
from adapters.store.knowledge_rows import keep_document
from adapters.store.ledger_rows import note
from adapters.store.outbox import QueuedPage
from adapters.store.own_incidents import open_own_incident
from adapters.store.standing import Standing, standing
from domain.calls import again_after
from domain.canary import WHY
from domain.contacts import OWN_ALERTS, ContactKind
from domain.errors import Unavailable
from domain.escalation import Circumstances, Fired, Notice, in_words
from domain.incidents import Kind
from domain.ledger import LedgerKind
from domain.muting import Labels, labels_of
from domain.pages import IN_VAIN, UNDELIVERED_AFTER, PageReason
from domain.roster import Policy, Roster, Target, TargetKind
from domain.told import CAME_BACK, labels_told
from tasks.calling import call
from tasks.paging import LEASE_SLACK, Pager

log = logging.getLogger(__name__)

# What is over is told of after the page before it.
ORDER_PAUSE = timedelta(seconds=5)
NOBODY_PAUSE = timedelta(seconds=30)
NOBODY = "nobody can be reached: no channel is set up for anybody who is on call (`sre on-call`, paging.email.host)"
PART = "paging"
NOBODY_HAS_IT = "a critical page reaches nobody"
NO_OTHERS = "nobody else was told of it"
# What is left when there is nobody whom it could be sent to.
NEEDS_NOBODY: Mapping[PageReason, str] = {PageReason.DIGEST: "none of its readers can be reached"}
EXPANDED = "expanded"
OVER_ALREADY = "it was over before the store answered again"
# It got worse than those knew who were told: the policy begins anew.
RISES = frozenset({PageReason.CRITICAL, PageReason.WORSE})
# One's own doing is no news by these.
PERSONAL = frozenset({ContactKind.EMAIL, ContactKind.APPRISE})


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom a page is for, and what comes after it."""

    notices: tuple[Notice, ...]
    step: int
    escalation: Escalation | None = None
    has: tuple[Sent, ...] = ()  # who was told while the store did not answer


def expand_due(pager: Pager, token: str) -> list[tuple[QueuedPage, str]]:
    """Expand every page that is due: each, and what became of it, in a word."""
    claimed = outbox.claim_pages(pager.engine, token=token, lease=LEASE_SLACK, now=pager.clock())
    return [(queued, _look(pager, queued)) for queued in claimed]


def _look(pager: Pager, queued: QueuedPage) -> str:
    try:
        return expand(pager, queued)
    except Unavailable as error:  # its lease ends, and somebody looks again; the others must not wait for it
        log.warning("page.not-expanded", extra={"incident": queued.incident.id, "error": str(error)})
        return f"not expanded: {error}"


def expand(pager: Pager, queued: QueuedPage) -> str:
    """Queue the deliveries of one claimed page, or say why not yet or never."""
    now, stands = pager.clock(), standing(pager.engine, queued)
    if pager.spool is not None and pager.spool.has(queued.key):
        return _join(pager, pager.spool, queued, stands, now)
    if queued.reason is PageReason.RESOLVED and stands.waits_before and not stands.sent_before:
        outbox.put_off(pager.engine, queued, due_at=now + ORDER_PAUSE, muted_by="", now=now)
        return "the page before it waits"
    why = pager.unwanted(queued, stands)
    if why == CAME_BACK:  # people hear of that; an alert of the time before would stay open for ever
        queued = replace(queued, about={**queued.about, "only": "alerts"})
    elif why:
        outbox.mark_suppressed(pager.engine, queued, why, now=now)
        return f"suppressed: {why}"
    if held := pager.holding.hold(queued, stands, now=now):
        outbox.put_off(pager.engine, queued, due_at=held.until, muted_by=held.rule, now=now)
        return f"held back by {held.rule}" if held.rule else "waits for more to join its incident"
    return _address(pager, queued, stands, now)


def _join(pager: Pager, spool: PageSpool, queued: QueuedPage, stands: Standing, now: datetime) -> str:
    """It went out while the store did not answer: whoever has it is not told again, and hears how it goes on."""
    marks = spool.join(queued.key, now=now)
    if marks is None:
        outbox.put_off(pager.engine, queued, due_at=now + ORDER_PAUSE, muted_by="", now=now)
        return "it is being sent"
    has = [Sent(one.person, one.contact, one.receipt) for one in marks if one.contact and one.receipt]
    return _address(pager, queued, stands, now, has)


def _address(pager: Pager, queued: QueuedPage, stands: Standing, now: datetime, has: Sequence[Sent] = ()) -> str:
    roster, text = pager.roster()
    with transaction(pager.engine) as connection:
        found = replace(addressed(pager, connection, queued, roster, stands), has=tuple(has))
        if found.notices or found.has:
            return _queue(connection, queued, found, text, now)
    none_left = CAME_BACK if queued.about.get("only") else NO_OTHERS
    if why := NEEDS_NOBODY.get(queued.reason, none_left if queued.is_news else ""):
        outbox.mark_suppressed(pager.engine, queued, why, now=now)
        return f"suppressed: {why}"
    outbox.nobody_found(pager.engine, queued, NOBODY, due_at=now + NOBODY_PAUSE)
    note_nobody_knows(pager, queued, NOBODY)
    pager.report(PART, NOBODY)
    return f"not accepted: {NOBODY}"


def note_nobody_knows(pager: Pager, page: QueuedPage, why: str) -> None:
    """A critical page that nobody has for long is itself an incident of ours; it never pages about itself."""
    now = pager.clock()
    if now - page.created_at < UNDELIVERED_AFTER or not page.is_critical:
        return
    if outbox.note_undelivered(pager.engine, page, why, now=now):
        message = f"The page about incident {page.incident.id} was accepted by nobody: {why}"
        open_own_incident(pager.engine, NOBODY_HAS_IT, message, now=now, tell=False)


def _queue(connection: Connection, queued: QueuedPage, found: Addressed, text: str, now: datetime) -> str:
    if not outbox.settle(connection, queued, state="sending", expanded_at=now, error=None, muted_by=""):
        return "somebody else has it by now"
    critical = queued.is_critical
    deliveries.insert(connection, queued, found.notices, step=found.step, at_once=critical, now=now)
    for sent in found.has:
        deliveries.insert_sent(connection, queued, sent, step=found.step, now=now)
    if found.has and queued.incident.state.closed:
        outbox.queue_resolved(connection, queued.incident, [OVER_ALREADY], now)
    if found.escalation is not None:
        escalations.save(connection, replace(found.escalation, roster=keep_document(connection, text)))
    fields = {"key": queued.key, "to": in_words(found.notices, at_once=critical)}
    note(connection, LedgerKind.PAGE_EXPANDED, queued.incident.id, fields, now=now)
    return EXPANDED


def addressed(pager: Pager, connection: Connection, queued: QueuedPage, roster: Roster, stands: Standing) -> Addressed:
    """Whom a page is for."""
    now = pager.circumstances(connection, roster)
    told = delivered.reached(connection, queued.thread)
    if queued.is_news:
        return Addressed(_as_news(queued, told, now), 0)
    if queued.incident.kind is Kind.CANARY:
        return Addressed((Notice("", (pager.settings.canary.to,), WHY),), 0)
    if queued.reason is PageReason.DIGEST:
        return Addressed(_readers(now, roster), 0)
    if queued.reason in (PageReason.REMINDER, PageReason.ASSIGNED):
        target = Target(TargetKind(queued.about.get("kind", "user")), queued.about.get("name", ""))
        return Addressed(now.of((target,)) or _again(told, ()), 0)
    labels = labels_told(stands.told, pager.inventory) or [labels_of(queued.incident, pager.inventory)]
    return _by_policy(pager, connection, queued, labels, now, told)


def _readers(now: Circumstances, roster: Roster) -> tuple[Notice, ...]:
    """Who reads the digest, by nothing that would make an alert of it."""
    readers = (
        replace(notice, contacts=tuple(one for one in notice.contacts if one.kind not in OWN_ALERTS))
        for notice in now.of(roster.digest)
    )
    return tuple(notice for notice in readers if notice.contacts)


def _as_news(queued: QueuedPage, told: Sequence[Reached], now: Circumstances) -> tuple[Notice, ...]:
    """Everybody who was told before; whoever did it knows."""
    by = queued.about.get("by", "")
    others = [one for one in told if not (one.person and one.person == by and one.contact.kind in PERSONAL)]
    if queued.about.get("only") == "alerts":
        others = [one for one in others if one.contact.kind in OWN_ALERTS]
    return tuple(notice for notice in _again(others, ()) if now.usable(notice.contacts[0]))


def _again(told: Sequence[Reached], new: Sequence[Notice]) -> tuple[Notice, ...]:
    """Those who were told before, but for those who are told anyway."""
    known = {contact for notice in new for contact in notice.contacts}
    return tuple(
        Notice(one.person, (one.contact,), "was told of it before") for one in told if one.contact not in known
    )


def _by_policy(
    pager: Pager,
    connection: Connection,
    queued: QueuedPage,
    labels: Sequence[Labels],
    now: Circumstances,
    told: Sequence[Reached],
) -> Addressed:
    incident = queued.incident
    before = escalations.read(connection, incident.id, lock=True)
    if before and told and _goes_on(before, queued, pager.policy(labels, now.roster, now.at)):
        follows = replace(before, page_id=queued.id, due_at=_goes_on_at(connection, before, queued, now.at))
        return Addressed(_again(told, ()), before.progress.fired, follows)
    fired = call(pager, connection, queued, now, labels=labels)
    notices = (*fired.notices, *_again(told, fired.notices))
    begun = _begun(queued, fired, now.at, again_after(pager.settings.paging)) if fired.notices else None
    return Addressed(notices, fired.step, begun)


def _goes_on(before: Escalation, queued: QueuedPage, policy: Policy) -> bool:
    """Whether the steps of the page before this one simply go on."""
    same = before.episode == queued.incident.episode and before.progress.policy.name == policy.name
    return same and before.phase is Phase.RUNNING and before.progress.fired > 0 and queued.reason not in RISES


def _goes_on_at(connection: Connection, before: Escalation, queued: QueuedPage, now: datetime) -> datetime | None:
    """When the next ones are told: whoever allowed a plan has as long as ever for what came of it."""
    allowed = queued.reason in IN_VAIN and outbox.reason_of(connection, before.page_id) is PageReason.APPROVAL
    return now + before.progress.wait if allowed else before.due_at


def _begun(queued: QueuedPage, fired: Fired, now: datetime, repeat: timedelta | None) -> Escalation:
    phase, due_at = after(fired, now, repeat)
    incident = queued.incident
    return Escalation(incident.id, incident.episode, queued.id, fired.then, "", phase, now, due_at)


def after(fired: Fired, now: datetime, repeat: timedelta | None) -> tuple[Phase, datetime | None]:
    """What comes after a step, and when."""
    if fired.wait is not None:
        return Phase.RUNNING, now + fired.wait
    return Phase.EXHAUSTED, now + repeat if repeat else None
