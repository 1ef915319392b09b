"""What comes next when nobody acknowledged, or when whoever did was not heard of for long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.store import deliveries, escalations, outbox
from adapters.store.closing import acknowledgement_ends, incident_in
from adapters.store.database import Connection, transaction
from adapters.store.escalations import Escalation, Phase
from adapters.store.ledger_rows import note
from adapters.store.outbox import QueuedPage
from adapters.store.standing import Standing, standing
from domain.calls import again_after
from domain.errors import Unavailable
from domain.escalation import Fired, in_words
from domain.ledger import LedgerKind
from domain.pages import PageReason
from domain.told import Told, answered_by_now, plan_is_answered, unwanted, unwanted_news
from tasks.calling import call
from tasks.expanding import NOBODY, NOBODY_PAUSE, after
from tasks.holding import LOOK_AGAIN
from tasks.paging import LEASE_SLACK, Pager

log = logging.getLogger(__name__)

AT_ONCE = 50
CAME_BACK = "it came back since: that has pages of its own"


def fire_due(pager: Pager, token: str) -> list[str]:
    """Do what is due next for every incident that somebody was told of; what it was, in a word."""
    now = pager.clock()
    claimed = escalations.claim(pager.engine, token=token, lease=LEASE_SLACK, limit=AT_ONCE, now=now)
    return [_look(pager, one) for one in claimed]


def _look(pager: Pager, one: Escalation) -> str:
    try:
        with transaction(pager.engine) as connection:
            found = outbox.read_pages(connection, [one.page_id])
        if not found:
            return _end(pager, one, "its page is gone")
        return DUE[one.phase](pager, one, found[0])
    except Unavailable as error:  # its lease ends, and somebody looks again
        log.warning("escalation.not-looked-at", extra={"incident": one.incident_id, "error": str(error)})
        return f"not looked at: {error}"


def _end(pager: Pager, one: Escalation, why: str) -> str:
    escalations.end(pager.engine, one, why, now=pager.clock())
    return f"over: {why}"


def _next(pager: Pager, one: Escalation, page: QueuedPage) -> str:
    """Tell those who come next, unless it is over or held back."""
    now, stands = pager.clock(), standing(pager.engine, page)
    if why := _is_over(pager, one, page, stands):
        return _end(pager, one, why)
    if why := _waits(pager, page, stands):
        escalations.put_off(pager.engine, one, due_at=now + LOOK_AGAIN, why=why)
        return why
    roster, _ = pager.roster()
    with transaction(pager.engine) as connection:
        if not escalations.still_ours(connection, one):
            return "somebody else has it by now"
        fired = call(pager, connection, page, pager.circumstances(connection, roster), progress=one.progress)
        return _tell(pager, connection, one, page, fired)


def _is_over(pager: Pager, one: Escalation, page: QueuedPage, stands: Standing) -> str:
    """Why nobody else need be told. That it went quiet is a reason only where somebody knows of it."""
    told = _told_still(one, page, stands)
    if stands.told and not told:
        return CAME_BACK
    if page.state == "sent" and told and all(each.state.closed for each in told):
        return "it is over"
    if page.state == "sent" and told and all(each.state.closed or each.acked for each in told):
        return "what is open of it was acknowledged"
    return unwanted(told, enabled=True) or pager.holding.over_untold(page, told)


def _told_still(one: Escalation, page: QueuedPage, stands: Standing) -> tuple[Told, ...]:
    """What this escalation is about: its own incident not any more once that came back."""
    came_back = page.incident.episode != one.episode
    return tuple(each for each in stands.told if not (came_back and each.id == page.incident.id))


def _waits(pager: Pager, page: QueuedPage, stands: Standing) -> str:
    """Why the next ones are not told yet, or an empty text; it may end, so the next step stays due."""
    if why := unwanted_news(enabled=pager.settings.paging.enabled):
        return why
    if not page.late and (why := answered_by_now(page.reason, page.incident)):
        return why
    rule = pager.holding.rules(stands.told, pager.clock())
    return f"held back by {rule}" if rule else plan_is_answered(page.reason, page.incident)


def _tell(pager: Pager, connection: Connection, one: Escalation, page: QueuedPage, fired: Fired) -> str:
    now = pager.clock()
    if not fired.notices:
        pause = NOBODY_PAUSE if page.state != "sent" else (again_after(pager.settings.paging) or NOBODY_PAUSE)
        escalations.save(connection, replace(one, progress=one.progress.begin_again(), due_at=now + pause, why=NOBODY))
        return f"not accepted: {NOBODY}"
    critical = page.is_critical
    deliveries.insert(connection, page, fired.notices, step=fired.step, at_once=critical, now=now)
    outbox.send_on(connection, page)
    phase, due_at = after(fired, now, again_after(pager.settings.paging))
    escalations.save(connection, replace(one, progress=fired.then, phase=phase, due_at=due_at, why="", by=""))
    told = in_words(fired.notices, at_once=critical)
    note(connection, LedgerKind.STEP_FIRED, one.incident_id, {"step": fired.step, "to": told}, now=now)
    return f"step {fired.step}: {', '.join(told)}"


def _remind(pager: Pager, one: Escalation, page: QueuedPage) -> str:
    """Ask whoever acknowledged it whether that still holds."""
    now = pager.clock()
    if why := _is_closed(pager, one, page):
        return _end(pager, one, why)
    grace = timedelta(seconds=pager.settings.paging.ack_remind_seconds)
    said = f"{one.by} acknowledged it, and it is open still; in {_minutes(grace)} others are told, unless: sre ack"
    with transaction(pager.engine) as connection:
        incident_in(connection, one.incident_id)  # locked first, as whoever acknowledges does
        if not escalations.still_ours(connection, one):
            return "somebody else has it by now"
        key = f"{page.thread} {PageReason.REMINDER} {_stamp(one.due_at)}"
        about = {"kind": "user", "name": one.by}
        lines = [f"{said} {page.incident.id}"]
        outbox.queue(connection, page.incident, PageReason.REMINDER, key=key, lines=lines, about=about, now=now)
        escalations.save(connection, replace(one, phase=Phase.REMINDED, due_at=now + grace))
    return f"reminded {one.by}"


def _is_closed(pager: Pager, one: Escalation, page: QueuedPage) -> str:
    told = _told_still(one, page, standing(pager.engine, page))
    return "it is over" if all(each.state.closed for each in told) else ""


def _stamp(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:g} minutes"


def _expire(pager: Pager, one: Escalation, page: QueuedPage) -> str:
    """Nobody has it any more: its policy begins anew."""
    now = pager.clock()
    if why := _is_closed(pager, one, page):
        return _end(pager, one, why)
    with transaction(pager.engine) as connection:
        incident_in(connection, one.incident_id)  # locked first, as whoever acknowledges does
        if not escalations.still_ours(connection, one):
            return "somebody else has it by now"
        acknowledgement_ends(connection, one.incident_id)
        note(connection, LedgerKind.ACK_EXPIRED, one.incident_id, {"by": one.by, "was": one.phase}, now=now)
        again = replace(one, progress=one.progress.begin_again(), phase=Phase.RUNNING, due_at=now, by="")
        escalations.save(connection, again)
    return f"what {one.by} said is void"


DUE: Mapping[Phase, Callable[[Pager, Escalation, QueuedPage], str]] = {
    Phase.RUNNING: _next,
    Phase.EXHAUSTED: _next,
    Phase.ACKNOWLEDGED: _remind,
    Phase.REMINDED: _expire,
    Phase.SNOOZED: _expire,
    Phase.OVER: lambda pager, one, _page: _end(pager, one, one.why),
}
