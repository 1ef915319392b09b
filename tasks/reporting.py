"""The report on pages: what became of them, and what a replay says would have saved some."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from adapters.store import outbox
from adapters.store.database import Engine, transaction
from adapters.store.digest import is_queued
from adapters.store.noise_rows import pages_told
from domain.noise_report import Candidate, Report, Told, Trial, candidates, headline, in_words, silenced, tried
from domain.pages import PageReason
from domain.settings import Settings
from tasks.recalling import Changes
from tasks.replaying import Replayed
from tasks.side_by_side import run

Again = Callable[[Changes], Replayed]  # a replay of the time with these changes


def report(
    engine: Engine, tree: Settings, since: datetime, until: datetime, again: Again, tell: Callable[[str], None]
) -> Report:
    """The pages of a time; each change that may have saved some is tried by `again`, and told of before.

    Raises Unavailable, Refused.
    """
    pages = pages_told(engine, since, until)
    wanted = candidates(pages, threshold=tree.detection.confidence_threshold, confirm_logs=tree.incidents.confirm_logs)
    trials, doubts = [], dict[str, None]()
    for one in wanted:
        tell(one.told)
        trial, why = _trial(one, pages, again)
        trials.append(trial)
        doubts |= dict.fromkeys(why)
    return Report(since, until, pages, trials, list(doubts))


def _trial(candidate: Candidate, pages: list[Told], again: Again) -> tuple[Trial, list[str]]:
    if candidate.silenced:  # it is derived when a page is delivered, so nothing is decided otherwise
        return silenced(candidate, pages), []
    found = again(Changes(branches=candidate.branches))
    return tried(candidate, pages, found.stored.decisions, found.decided.decisions), list(found.doubts)


def replayed(tree: Settings, since: datetime, until: datetime, *, workers: int = 0) -> Again:
    """Replays of a time over several processes."""
    return lambda asked: run(tree, asked, since, until, workers=workers)


def queue_report(engine: Engine, found: Report, *, now: datetime) -> bool:
    """Queue its short form for those who read the digest; False where it was queued before."""
    key = f"report {found.since:%Y-%m-%dT%H} to {found.until:%Y-%m-%dT%H}"
    said = [f"REPORT on pages: {headline(found)}", *(in_words(one) for one in found.trials if one.recommended)]
    with transaction(engine) as connection:
        if is_queued(connection, key):
            return False
        about = outbox.no_incident(now)
        return outbox.queue(connection, about, PageReason.DIGEST, key=key, lines=said, now=now)
