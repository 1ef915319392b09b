"""Who is told now: asked of who is on call, and kept with the answer in the transaction that goes by it."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.store.database import Connection
from adapters.store.knowledge_rows import keep_document
from adapters.store.outbox import QueuedPage
from adapters.store.question_rows import keep_question
from domain.calls import Call, call_answer, call_document, roster_json, unreachable, whom
from domain.escalation import Circumstances, Fired, Progress
from domain.muting import Labels
from domain.questions import Asked, Kind
from tasks.paging import Pager


def call(
    pager: Pager,
    connection: Connection,
    queued: QueuedPage,
    now: Circumstances,
    *,
    labels: Sequence[Labels] = (),
    progress: Progress | None = None,
) -> Fired:
    """The step that is due for what a page tells of: the next one of `progress`, or the first one for these labels."""
    paging = pager.settings.paging
    asked = Call(
        roster=now.roster,
        overrides={name: tuple(shifts) for name, shifts in now.overrides.items()},
        unreachable=unreachable(now.roster, now.usable),
        labels=labels,
        progress=progress,
        at_once=queued.is_critical,
        at=now.at,
    )
    fired = whom(asked, paging)
    if pager.named is not None and fired.notices:  # while nobody is found it is asked every half minute
        document = call_document(asked, roster=keep_document(connection, roster_json(now.roster)))
        kept = Asked(Kind.CALL, document, call_answer(asked, fired, paging))
        keep_question(connection, queued.incident.id, kept, knowledge=pager.named(connection), now=now.at)
    return fired
