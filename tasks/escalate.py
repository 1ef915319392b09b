"""The step `escalate`: a human gets the incident, with everything that was tried."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from adapters.store import action_log, analyses, answers, step_queue
from adapters.store.batches import late_pages
from adapters.store.database import Connection
from adapters.store.ledger_rows import note
from adapters.store.outbox import queue, tells
from domain.actions import ActionState
from domain.analysis import LOOKED_INTO
from domain.asking import Objected
from domain.correlation import stored_page_key
from domain.errors import SreError
from domain.incidents import State
from domain.ledger import LedgerKind
from domain.pages import PageReason
from domain.playbooks import excerpt
from domain.steps import Answer, Step, Why
from domain.verification import NOT_LOOKED
from tasks.held import Held
from tasks.retrieval import seen_before
from tasks.trust import telling
from tasks.weigh import assess

log = logging.getLogger(__name__)

# What `watch` pages for itself, as soon as it is confirmed.
TOLD_BY_WATCH = frozenset({PageReason.UNCOMMON, PageReason.FLAPPING, PageReason.WIDESPREAD})


def in_words(found: Iterable[Objected]) -> list[str]:
    """Objections as people read them."""
    return [str(objected) for objected in found]


def escalate(held: Held, step: Step) -> None:
    """Give the incident to a human for the step's reason."""
    before = _seen_before(held)
    with held.writing(step) as (connection, answer):
        assess(held, connection, answer.incident)
        reason, lines = step.page or PageReason.UNCOMMON, [*_because(answer, step), *before]
        to_human(held, connection, answer, reason, lines=lines)


def _seen_before(held: Held) -> list[str]:
    """Incidents like it that are over, and what was done about them."""
    library = held.means.library
    if library is None:
        return []
    try:
        return seen_before(held.read().incident, library.past(held.means.engine, now=held.now()))
    except SreError as error:  # a page never waits for what only helps to read it
        log.warning("past.not_searched", extra={"incident": held.claim.incident_id, "error": str(error)})
        return []


def _because(answer: Answer, step: Step) -> list[str]:
    if step.why is Why.GIVEN_UP:
        return [f"Failed {answer.due.tries} times: {answer.due.error}"]
    if step.why is Why.UNREADABLE:
        return [answer.flaw]
    if step.why is Why.REJECTED and answer.approval:
        return [f"{answer.approval.by} refused the plan"]
    if step.why is Why.NOT_TAKEN_BACK:
        return [f"{each.kind} {each.target} {each.undo_told}" for each in answer.actions if each.undo_error]
    return [] if step.page in TOLD_BY_WATCH else [f"Because {step.why}"]


def to_human(
    held: Held,
    connection: Connection,
    answer: Answer,
    reason: PageReason,
    *,
    objected: Iterable[Objected] = (),
    lines: Iterable[str] = (),
) -> None:
    """Escalate within the transaction that decided it: nothing of the plan goes on, and a page is queued."""
    incident, now = answer.incident, held.now()
    told = in_words(objected)
    _end_plan(held, connection, answer)
    answers.move(connection, incident.id, State.ESCALATED, **({"objections": told} if told else {}))
    if told:
        note(connection, LedgerKind.OBJECTED, incident.id, {"objections": told}, now=now)
    step_queue.drop_when_held(connection, held.claim)
    if reason in LOOKED_INTO:
        analyses.queue(connection, incident, now=now)
    late = _is_late(held, answer, reason)
    if _is_told(held, connection, answer, reason, late=late):
        fields = {"reason": reason, "why": "a page told of it before" if incident.page_key else "late"}
        note(connection, LedgerKind.PAGE_SUPPRESSED, incident.id, fields, now=now)
    else:
        said = [*lines, *(f"Objection: {objection}" for objection in told), *tried(connection, answer)]
        queue(
            connection,
            incident,
            reason,
            key=stored_page_key(incident, reason),
            lines=[*said, *_known(held, answer)],
            now=now,
            late=late,
        )
    note(connection, LedgerKind.ESCALATED, incident.id, {"reason": reason}, now=now)


def _end_plan(held: Held, connection: Connection, answer: Answer) -> None:
    """What was not begun is dropped, what has no end failed, and what was not judged never will be."""
    now = held.now()
    action_log.drop_reserved(connection, answer.incident.id, "the incident was escalated", now=now)
    with telling(held, connection, answer.incident):
        for record in answer.actions:
            if record.state is ActionState.STARTED:
                action_log.fail(connection, record, f"its end is not known: {answer.due.error}", now=now)
        if unjudged := [record for record in answer.of_episode(ActionState.DONE) if record.outcome is None]:
            action_log.judge(connection, answer.incident.id, unjudged, NOT_LOOKED, now=now)


def tried(connection: Connection, answer: Answer) -> list[str]:
    """What was done and what came of it, one fact a line."""
    found = action_log.of_incident(connection, answer.incident.id, episode=answer.incident.episode)
    done = [f"Done: {record.told}" for record in found if record.state is not ActionState.DROPPED]
    return [*done, *action_log.proof_lines(connection, answer.incident.id, answer.incident.episode)]


def _known(held: Held, answer: Answer) -> list[str]:
    known = (book for book in held.means.knowledge.playbooks if book.id == answer.incident.playbook)
    playbook = next(known, None)
    if playbook is None:
        return []
    text = excerpt(playbook.body, held.means.settings.playbooks.max_context_length)
    return [f"Playbook: {playbook.title} ({playbook.path}), owner {playbook.owner}", *text.splitlines()]


def _is_late(held: Held, answer: Answer, reason: PageReason) -> bool:
    """Whether this is old news; what came of an action, or of a question to people, is news in any case."""
    if answer.incident.state is State.WAITING:
        return False
    limit = timedelta(seconds=held.means.settings.paging.late_seconds)
    return held.now() - answer.incident.last_at > limit and reason in (PageReason.UNCOMMON, PageReason.OBJECTED)


def _is_told(held: Held, connection: Connection, answer: Answer, reason: PageReason, *, late: bool) -> bool:
    """Whether a human knows: by this incident's page, or by the one late page of its service."""
    key = answer.incident.page_key
    if reason in TOLD_BY_WATCH and key and tells(connection, key, answer.incident):
        return True
    return late and bool(late_pages(connection, [answer.incident.service], now=held.now()))
