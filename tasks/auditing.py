"""Every minute: each incident that nobody acknowledged has a next step, or is given one; only then a sign of life.

Where what is due is taken by nobody, there is none: giving it a next step helps nobody then.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from adapters.heartbeat import Heartbeat
from adapters.store import escalations
from adapters.store.database import transaction
from adapters.store.escalations import Escalation, Phase, Unattended
from adapters.store.ledger_rows import note
from adapters.store.outbox import read_pages
from adapters.store.own_incidents import open_own_incident
from domain.errors import Unavailable
from domain.escalation import Progress
from domain.ledger import LedgerKind
from domain.muting import labels_of
from tasks.paging import Pager

log = logging.getLogger(__name__)

# What was due so long ago was forgotten, or whoever does it is stuck.
SLACK = timedelta(seconds=90)
# What is due is taken within a second; by the next look of the auditor it must be.
TAKEN_WITHIN = timedelta(seconds=45)
STUCK = "withheld: a page or a next step is due, and nobody takes it"
PART = "heartbeat"
MENDED = "an incident had no next step"


def audit(pager: Pager, heartbeat: Heartbeat | None) -> list[Unattended]:
    """Mend what has no next step, tell people of it, then give a sign of life; what was mended."""
    now = pager.clock()
    overdue = escalations.unattended(pager.engine, overdue_since=now - SLACK)
    wanting = [*overdue, *escalations.too_far(pager.engine, now=now)]
    found = [one for one in wanting if mend(pager, one)]
    if found:
        named = ", ".join(f"incident {one.incident_id} ({one.why})" for one in found[:20])
        message = f"Nobody would have been told any more of {named}; its policy begins anew."
        open_own_incident(pager.engine, MENDED, message, now=now)
    if heartbeat is not None:
        _give(pager, heartbeat)
    return found


def _give(pager: Pager, heartbeat: Heartbeat) -> None:
    if escalations.untaken(pager.engine, due_before=pager.clock() - TAKEN_WITHIN):
        log.error("heartbeat.withheld", extra={"why": STUCK})
        pager.report(PART, STUCK)
        return
    try:
        heartbeat.beat(pager.clock())
    except Unavailable as error:
        pager.report(PART, str(error))
    else:
        pager.report(PART, "")


def mend(pager: Pager, one: Unattended) -> bool:
    """Its policy begins anew, at once; False when somebody else gave it a next step since."""
    now = pager.clock()
    roster, _ = pager.roster()
    with transaction(pager.engine) as connection:
        before = escalations.read(connection, one.incident_id, lock=True)
        if one.due_at != (before.due_at if before else None):
            return False
        (page,) = read_pages(connection, [one.page_id])
        labels = [labels_of(page.incident, pager.inventory)]
        fired = before.progress.fired if before else 0
        progress = Progress(pager.policy(labels, roster, now), fired=fired)
        fixed = (one.incident_id, page.incident.episode, one.page_id, progress, "")
        escalations.save(connection, Escalation(*fixed, Phase.RUNNING, now, now, why=one.why))
        note(connection, LedgerKind.MENDED, one.incident_id, {"why": one.why}, now=now)
    log.error("escalation.mended", extra={"incident": one.incident_id, "why": one.why})
    return True
