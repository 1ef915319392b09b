"""Analyses of uncommon incidents: beside the pages, one step after the other, each from what is stored."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from adapters.log_telemetry import series
from adapters.redaction import redaction
from adapters.store import analyses, outbox
from adapters.store.analyses import Task
from adapters.store.closing import reread
from adapters.store.database import snapshot, transaction
from adapters.store.llm_calls import spent
from adapters.store.outbox import Awaited
from adapters.store.switches import report_condition
from adapters.store.telemetry import part, quoted
from domain.analysis import Analysis, Because
from domain.analysis_documents import document
from domain.analysis_words import page_lines
from domain.breaker import Breaker
from domain.claim_check import Proof
from domain.concluding import Choices, concluded, proof_of, unusable, with_dossier, without_model
from domain.disguise import Disguise
from domain.dossier import Dossier
from domain.errors import Refused, SreError
from domain.exhibits import Exhibit, Exhibits, LogExhibit, MetricExhibit, told_metric
from domain.incidents import Incident
from domain.llm import Model, Usage
from domain.model_answer import AnswerSaid
from domain.options import as_documents, in_words, told
from domain.settings import Settings
from domain.telemetry import Span
from tasks.gathering import Gathering, exhibit
from tasks.held import Means
from tasks.investigating import Investigation
from tasks.tools import Bench

log = logging.getLogger(__name__)

SEEN_BY = "on-call"
PART = "the language model"
LEASE = timedelta(seconds=120)
MOST_TRIES = 5  # of what was interrupted, or failed; after that no model is asked
MOST_LOOKS = 20  # after that nothing more is tried
LONGEST_PAUSE_SECONDS = 60.0
# A page that is held back may go out so much later; its analysis waits as long.
TELL_WITHIN = timedelta(hours=1)
TELL_AGAIN = timedelta(seconds=5)

Trace = Callable[[int, Sequence[Mapping[str, Any]], Mapping[str, Any], Usage], None]


def breaker_of(tree: Settings) -> Breaker:
    """As the settings say."""
    return Breaker(tree.llm.break_after, timedelta(seconds=tree.llm.break_seconds))


@dataclass
class Analyst:
    """What analyses are made with; one for each `on-call` run."""

    means: Means
    model: Model | None
    breaker: Breaker
    trace: Trace | None = None
    flaw: str = ""  # why the model of the settings cannot be asked
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    _counting: Lock = field(default_factory=Lock, repr=False)

    def claim(self) -> Task | None:
        """The analysis to work on next. Raises Unavailable."""
        token = f"{self.token}:{uuid.uuid4().hex}"
        return analyses.claim(self.means.engine, token=token, lease=LEASE, now=self.means.clock())

    def work(self, task: Task) -> Analysis | None:
        """Whatever is due of one analysis; what was found out, if that is new. What fails is due again later."""
        if task.tries > MOST_LOOKS:
            log.error("analysis.given-up", extra={"incident": task.incident_id, "tries": task.tries})
            analyses.drop(self.means.engine, task)
            return None
        try:
            return self._steps(task)
        except SreError as error:
            why = redaction(self.means.settings.paging.mask)(str(error))[:200]
            log.warning("analysis.put-off", extra={"incident": task.incident_id, "why": why})
            pause = timedelta(seconds=min(2.0**task.tries, LONGEST_PAUSE_SECONDS))
            analyses.put_off(self.means.engine, task, due_at=self.means.clock() + pause)
            return None

    def _steps(self, task: Task) -> Analysis | None:
        incident = reread(self.means.engine, task.incident_id)
        if incident is None or incident.episode != task.episode:
            self._finish(task)
            return None
        task = self._with_dossier(task, incident)
        known = task.answer is not None
        task = task if known else self._with_answer(task, incident)
        self._tell(task, incident if known else reread(self.means.engine, task.incident_id))
        if not known and task.answer is not None and task.answer.usage.calls:
            self._traced(task, task.answer)
        return None if known else task.answer

    # --- what is known without a model ----------------------------------------------------------------

    def _with_dossier(self, task: Task, incident: Incident) -> Task:
        if task.dossier is not None:
            return task
        found = Gathering(self.means, incident).gather()
        options = as_documents(found.options)
        until = self.means.clock() + LEASE
        analyses.save_dossier(self.means.engine, task, found.dossier, options, until=until)
        return replace(task, dossier=found.dossier, options=options)

    # --- the answer -----------------------------------------------------------------------------------

    def _with_answer(self, task: Task, incident: Incident) -> Task:
        reused = self._made_before(task)
        found = reused[1] if reused else self._found(task, incident)
        came_from = reused[0] if reused else None
        with transaction(self.means.engine) as connection:
            analyses.answered(connection, task, found, now=self.means.clock(), lease=LEASE, reused_from=came_from)
        return replace(task, answer=found, reused_from=came_from)

    def _traced(self, task: Task, found: Analysis) -> None:
        """The investigation in MLflow, where that is on; nothing waits for it but the next analysis."""
        if self.trace is None:
            return
        with snapshot(self.means.engine) as connection:
            turns = analyses.turns_of(connection, task)
        try:
            self.trace(task.incident_id, turns, document(found), found.usage)
        except SreError as error:
            log.warning("analysis.not-traced", extra={"incident": task.incident_id, "why": str(error)[:200]})

    def _made_before(self, task: Task) -> tuple[int, Analysis] | None:
        """What a model found out about the same fault lately; it costs nothing again."""
        with snapshot(self.means.engine) as connection:
            known = analyses.made_before(connection, task, since=self._lately)
        mine = tuple(one["name"] for one in task.options)
        return (known[0], replace(known[1], usage=Usage(), plans=mine)) if known else None

    def _found(self, task: Task, incident: Incident) -> Analysis:
        dossier = _there(task)
        names = [one["name"] for one in task.options]
        because = self._why_not(task)
        if because is not None or self.model is None:
            return without_model(dossier, names, because or Because.NO_MODEL)
        investigation = self._investigation(task, incident, dossier, self.model)
        said = investigation.run()
        used = self._used(task)
        if isinstance(said, Because):
            return replace(without_model(dossier, names, said), usage=used)
        shown = investigation.bench.exhibits
        proof = Proof(self._read_again(said, shown), _moved(dossier), self._known(dossier), _numbers(dossier))
        choices = Choices(frozenset(names), frozenset(investigation.people), proof.known)
        found = concluded(said, proof, dossier, choices, source=f"llm:{self.model.name}", usage=used)
        because = unusable(found)
        return with_dossier(found, without_model(dossier, names, ""), because) if because else found

    def _why_not(self, task: Task) -> str | None:
        """Why no model is asked."""
        llm = self.means.settings.llm
        if not llm.enabled:
            return Because.OFF
        if self.model is None:
            return self.flaw or Because.NO_MODEL
        if task.tries > MOST_TRIES:
            return Because.INTERRUPTED
        with snapshot(self.means.engine) as connection:
            if analyses.asked_in_vain(connection, task, since=self._lately):
                return Because.AS_BEFORE
        return None if self.breaker.lets_through(self.means.clock()) else Because.BROKEN

    @property
    def _lately(self) -> datetime:
        """From here on what was found out counts for the same fault too."""
        return self.means.clock() - timedelta(hours=self.means.settings.llm.reuse_hours)

    def _investigation(self, task: Task, incident: Incident, dossier: Dossier, model: Model) -> Investigation:
        exhibits = Exhibits(dict(dossier.exhibits))
        disguise = Disguise(redaction(self.means.settings.paging.mask))
        bench = Bench(self.means, incident, dossier, exhibits, disguise)
        plans = {one["name"]: in_words(one) for one in task.options}
        return Investigation(task, bench, model, plans, self._people(dossier), went=self._went)

    def _went(self, well: bool) -> None:  # noqa: FBT001 - as a callback is called
        now = self.means.clock()
        with self._counting:  # two investigations end at once
            self.breaker = self.breaker.went(well=well, now=now)
        detail = "" if well else f"it did not answer {self.breaker.failures} times in a row"
        report_condition(self.means.engine, PART, seen_by=SEEN_BY, healthy=well, detail=detail, now=now)

    def _used(self, task: Task) -> Usage:
        with snapshot(self.means.engine) as connection:
            return spent(connection, task.incident_id, task.episode, now=self.means.clock()).incident

    def _read_again(self, said: AnswerSaid, shown: Exhibits) -> dict[str, Exhibit | None]:
        """Every exhibit that is cited as it is stored now; None for what is not there any more, or differs."""
        cited = {name: shown.named[name] for name in proof_of(said) if name in shown.named}
        logs = {one.log: one.at for one in cited.values() if isinstance(one, LogExhibit)}
        there = quoted(self.means.engine, logs)
        mask = redaction(self.means.settings.paging.mask)
        now = {log: exhibit(found, mask) for log, found in there.items()}
        return {
            name: (one if now.get(one.log) == one else None) if isinstance(one, LogExhibit) else self._measured(one)
            for name, one in cited.items()
        }

    def _measured(self, shown: MetricExhibit) -> MetricExhibit | None:
        """The same window of the same metric as it is stored now."""
        logs = part(self.means.engine, Span(shown.since, shown.until), [shown.service]).logs
        mask = redaction(self.means.settings.paging.mask)
        measured = series([logs], shown.since)
        found = next((one for one in measured if told_metric(one.metric, mask) == shown.metric), None)
        value = found.mean(shown.since, shown.until) if found else None
        return replace(shown, value=value) if value is not None else None

    def _people(self, dossier: Dossier) -> list[str]:
        """Owners of the services that it is about: who may be told."""
        known = self.means.knowledge.inventory.services
        services = dict.fromkeys([*dossier.services, *(one.service for one in dossier.suspects)])
        return list(dict.fromkeys(known[name].owner for name in services if name in known and known[name].owner))

    def _known(self, dossier: Dossier) -> frozenset[str]:
        """Every service whose name may stand in a text."""
        return frozenset(self.means.knowledge.inventory.services) | _moved(dossier)

    # --- telling --------------------------------------------------------------------------------------

    def _tell(self, task: Task, incident: Incident | None) -> None:
        """News in the incident's thread, once somebody has its page."""
        found, now = task.answer, self.means.clock()
        if found is None or incident is None or incident.state.closed or now - task.queued_at > TELL_WITHIN:
            self._finish(task)
            return
        with transaction(self.means.engine) as connection:
            awaited = outbox.awaited(connection, incident)
            if awaited is Awaited.DELIVERED:
                lines = page_lines(found, task.dossier, told(task.options, incident.id), task.reused_from)
                outbox.queue_analysis(connection, incident, lines, now=now)
            if awaited is not Awaited.QUEUED:
                analyses.finish(connection, task)
                return
        analyses.put_off(self.means.engine, task, due_at=now + TELL_AGAIN, tried=False)

    def _finish(self, task: Task) -> None:
        with transaction(self.means.engine) as connection:
            analyses.finish(connection, task)


def _there(task: Task) -> Dossier:
    if task.dossier is None:
        raise Refused(f"the analysis of incident {task.incident_id} has no dossier")
    return task.dossier


def _moved(dossier: Dossier) -> frozenset[str]:
    """The services that the incident touches, and those that moved with it."""
    return frozenset({*dossier.services, *(one.service for one in dossier.suspects)})


def _numbers(dossier: Dossier) -> tuple[float, ...]:
    """Numbers of the incident that every claim may name."""
    return (float(dossier.logs), float(len(dossier.services)), float(dossier.incident_id))
