"""Past incidents that are like one, and the playbooks that may help it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from adapters.store import action_log, experience, resolution_notes
from adapters.store.database import snapshot
from domain.amounts import share
from domain.dossier import Similar
from domain.errors import SreError
from domain.incidents import Incident
from domain.options import Candidate
from domain.quoted import Mask
from domain.resolution_notes import ResolutionNote, newest_cause, newest_cure
from domain.shown_texts import cut, printable
from ml.retrieval import Hit, Retriever
from tasks.held import Means
from tasks.retrieval import question

log = logging.getLogger(__name__)

MOST_ALIKE, MOST_PLAYBOOKS = 3, 5
LONGEST_NOTE = 300  # characters
# How likely a playbook helps that fits and was not sure enough, and one that helped an incident alike.
NOT_SURE, HELPED_BEFORE = 0.7, 0.9
PREFIX = "incident-"


def alike(means: Means, incident: Incident, mask: Mask) -> list[Similar]:
    """Closed incidents that answer what this one shows, with what people wrote and what was proved to help."""
    if means.library is None:
        return []
    try:
        past = means.library.past(means.engine, now=means.clock())
    except SreError as error:  # nothing else waits for it
        log.warning("past.not_searched", extra={"incident": incident.id, "error": str(error)})
        return []
    hits = [hit for hit in _answers(past, question(incident), MOST_ALIKE + 1) if _number(hit) != incident.id]
    return described(means, hits[:MOST_ALIKE], mask)


def described(means: Means, hits: Sequence[Hit], mask: Mask) -> list[Similar]:
    """Hits among past incidents, in words; masked."""
    numbers = [_number(hit) for hit in hits]
    if not numbers:
        return []
    with snapshot(means.engine) as connection:
        notes = resolution_notes.of_incidents(connection, numbers)
        proved = experience.proved(connection, numbers)
    return [_similar(hit, notes.get(_number(hit), []), proved.get(_number(hit)), mask) for hit in hits]


def candidates(means: Means, incident: Incident, similar: Sequence[Similar]) -> list[Candidate]:
    """The playbooks that may help: what helped before, what fits but was not sure enough, what answers its words.

    What was carried out in this episode is left out: it did not help, or nothing shows that it did.
    """
    with snapshot(means.engine) as connection:
        done = action_log.of_incident(connection, incident.id, episode=incident.episode)
    tried = {experience.playbook_of(one.source) for one in done if one.started_at is not None}
    return [one for one in _candidates(means, incident, similar) if one.playbook.id not in tried]


def _candidates(means: Means, incident: Incident, similar: Sequence[Similar]) -> Iterator[Candidate]:
    known = {one.id: one for one in means.knowledge.playbooks}
    for one in similar:
        if one.playbook in known:
            yield Candidate(known[one.playbook], HELPED_BEFORE, f"it helped incident {one.incident_id}, which is alike")
    if incident.playbook in known:
        yield Candidate(known[incident.playbook], NOT_SURE, "it fits, but was not sure enough to be followed")
    if means.library is not None:
        for hit in _answers(means.library.playbooks, question(incident), MOST_PLAYBOOKS):
            if hit.document.id in known:
                why = f"it answers what the incident shows, {share(hit.score)} sure"
                yield Candidate(known[hit.document.id], hit.score, why)


def _answers(retriever: Retriever, text: str, limit: int) -> list[Hit]:
    return [hit for hit in retriever.search(text, limit).hits if hit.answers]


def _number(hit: Hit) -> int:
    return int(hit.document.id.removeprefix(PREFIX))


def _similar(hit: Hit, notes: Sequence[ResolutionNote], proved: experience.Proved | None, mask: Mask) -> Similar:
    cause, helped = newest_cause(notes), newest_cure(notes)
    title = hit.document.text.lstrip().partition("\n")[0].removeprefix("# ")
    return Similar(
        incident_id=_number(hit),
        text=_short(mask(title)),
        cause=_short(mask(cause)),
        helped=_short(mask(helped)) or (proved.told if proved else ""),
        score=round(hit.score, 2),
        playbook=proved.playbook if proved else "",
    )


def _short(text: str) -> str:
    return cut(printable(text), LONGEST_NOTE)
