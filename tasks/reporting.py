"""The report on pages: what became of them, and what a replay says would have saved some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.store import outbox
from adapters.store.database import Engine, transaction
from adapters.store.digest import is_queued
from adapters.store.noise_reports import keep_report
from adapters.store.noise_rows import pages_told
from adapters.store.resolved_cases import cases_like
from domain.autonomy import Autonomy
from domain.drafting import Draft, draft
from domain.noise_report import Report, headline, in_words, sections
from domain.noise_trials import Candidate, Trial, came_again, candidates, derived, playbook_for, tried
from domain.pages import PageReason
from domain.settings import Settings
from domain.told_pages import Told
from tasks.recalling import Changes
from tasks.replaying import Replayed
from tasks.side_by_side import run_each

Again = Callable[[Sequence[Changes]], Sequence[Replayed]]  # a replay of the time with each of these changes


def report(
    engine: Engine, tree: Settings, since: datetime, until: datetime, again: Again, tell: Callable[[str], None]
) -> Report:
    """The pages of a time; each change that may have saved some is tried by `again`, and told of before.

    Raises Unavailable, Refused.
    """
    pages = pages_told(engine, since, until)
    wanted = candidates(pages, tree, _drafted(engine, pages))
    for one in wanted:
        tell(one.told)
    asked = [_changes(one) for one in wanted if one.replayed]
    found = again(asked) if asked else ()
    doubts = dict.fromkeys(doubt for one in found for doubt in one.doubts)
    following = iter(found)
    trials = [_trial(one, pages, next(following) if one.replayed else None) for one in wanted]
    return Report(since, until, pages, trials, list(doubts))


def _drafted(engine: Engine, pages: Sequence[Told]) -> Iterator[Candidate]:
    """Playbooks that act, drafted from what people did about what came again."""
    for page in came_again(pages):
        found = cases_like(engine, page.incident)
        made = found and draft(*found)
        if isinstance(made, Draft) and made.playbook.actions:
            yield playbook_for(page, replace(made.playbook, autonomy=Autonomy.ACT))


def _changes(candidate: Candidate) -> Changes:
    beside = (candidate.playbook,) if candidate.playbook else ()
    return Changes(branches=candidate.branches, beside=beside)


def _trial(candidate: Candidate, pages: Sequence[Told], found: Replayed | None) -> Trial:
    """What a change comes to: by its replay, or where no batch decides otherwise by what is stored."""
    if found is None:
        return derived(candidate, pages)
    return tried(candidate, pages, found.stored.decisions, found.decided.decisions)


def replayed(tree: Settings, since: datetime, until: datetime, *, workers: int = 0) -> Again:
    """Replays of a time over several processes."""
    return lambda asked: run_each(tree, asked, since, until, workers=workers)


def keep_made(engine: Engine, found: Report, *, now: datetime) -> int:
    """Keep a report for those who look at the pages; its number."""
    return keep_report(engine, found.since, found.until, headline(found), sections(found), now=now)


def queue_report(engine: Engine, found: Report, *, now: datetime) -> bool:
    """Queue its short form for those who read the digest; False where it was queued before."""
    key = f"report {found.since:%Y-%m-%dT%H} to {found.until:%Y-%m-%dT%H}"
    said = [f"REPORT on pages: {headline(found)}", *(in_words(one) for one in found.trials if one.recommended)]
    with transaction(engine) as connection:
        if is_queued(connection, key):
            return False
        about = outbox.no_incident(now)
        return outbox.queue(connection, about, PageReason.DIGEST, key=key, lines=said, now=now)
