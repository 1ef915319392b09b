"""The whole chain in one process: one log in, decisions out; the same steps as in the other flows."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import orjson

from adapters.encryption_keys import keyring_of
from adapters.executing import wall_clock
from adapters.log_files import as_batch
from adapters.store import action_log, step_queue
from adapters.store.analyses import SETTLING
from adapters.store.batches import BatchStore, Judged
from adapters.store.database import Engine, connect, transaction
from adapters.store.look_ups import one_incident
from adapters.store.migrate import migrate
from adapters.store.opening import archive_at, with_archive, with_keyring
from adapters.store.outbox import QueuedPage
from adapters.store.positions import read_positions, start_positions, topic_number
from domain.analysis_words import headline
from domain.correlation import Folded
from domain.encryption_settings import EncryptionSettings
from domain.errors import BadInput, OffsetLost, SreError, Unavailable
from domain.execution import Executor
from domain.incidents import Incident, Route
from domain.pages import Channel
from domain.settings import Settings, StoreSettings
from domain.steps import Answer, Step, StepKind
from domain.verdicts import Reason
from tasks import bootstrap
from tasks.analysing import Analyst
from tasks.answer import run_steps
from tasks.delivering import run as deliver_now
from tasks.held import Held, Means
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.paging import Pager
from tasks.retrieval import Library
from tasks.storing import store_batch
from tasks.templates import Templates

log = logging.getLogger(__name__)

SOURCE = "process_log"
CHANNEL = "python"
FILES = StoreSettings().files
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that was decided about a log, with its reason and the numbers compared."""

    what: str
    reason: str
    numbers: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.numbers.items())
        return f"{self.what}: {self.reason}" + (f" ({told})" if told else "")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one log."""

    decisions: tuple[Decision, ...]
    actions_taken: tuple[str, ...]
    incident_id: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What one call decides and acts with."""

    knowledge: Knowledge
    executor: Executor | None = None
    channel: Channel | None = None


def open_store(url: str, encryption: EncryptionSettings | None = None, files: str = FILES) -> Engine:
    """The database at `url`; one in memory when that cannot be had, so that logs are still judged."""
    keyring = keyring_of(encryption or EncryptionSettings())
    try:
        engine = connect(url)
        if ":memory:" in url:
            raise Unavailable("asked for memory")
        migrate(url)
    except SreError as error:
        log.warning("store.in-memory", extra={"error": str(error)})
        engine = connect("sqlite:///:memory:")
        from adapters.store.tables.schema import metadata  # noqa: PLC0415 - only where there is nothing to migrate

        metadata.create_all(engine)
    return with_archive(with_keyring(engine, keyring), archive_at(files))


class Chain:
    """Judges logs one by one; acts only through what each call gives."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.store = BatchStore(engine)
        self.memory, self.templates = MinuteMemory(), Templates.of(engine)
        self.counts: Counter[str] = Counter()
        self.lock = Lock()
        self.analysing = Lock()  # a model may take minutes, for which nobody's page waits
        self.given: Given | None = None  # of the last call
        self.analyst: Analyst | None = None  # with the settings of the last call
        self.library: Library | None = None  # of the playbooks of the last call
        self.topic_id, _ = topic_number(engine, SOURCE, SOURCE, now=datetime.now(UTC))
        self.place = (self.topic_id, 0)
        self.next = start_positions(engine, {self.place: 0}, now=datetime.now(UTC))[self.place]

    def process(self, log_entry: Mapping[str, Any], given: Given) -> Result:
        """Judge, store and answer one log; one at a time. Raises BadInput when it cannot be read."""
        with self.lock:
            self.given = given
            try:
                found = self._judge(log_entry, given)
            except OffsetLost:
                # Another process that uses the same file stored a log since.
                self.next = read_positions(self.engine, [self.place])[self.place]
                found = self._judge(log_entry, given)
        if found.incident_id is None:
            return found
        # Whoever called waits for the result, and nothing comes of waiting for more logs here.
        analysed = self._looked_into(given, wall_clock() + SETTLING)
        return replace(found, decisions=(*found.decisions, *analysed))

    def run_due(self, now: datetime | None = None) -> list[Decision]:
        """Take every step that is due by `now`, and send the pages that come of it."""
        with self.lock:
            if self.given is None:
                return []
            decisions, _ = self._steps(self.given, now=now)
            given, paged = self.given, self._page(self.given, now=now)
        return [*decisions, *paged, *self._looked_into(given, now or wall_clock(), now=now)]

    def _judge(self, log_entry: Mapping[str, Any], given: Given) -> Result:
        now = datetime.now(UTC)
        raw = as_batch([_json(log_entry)], self.next, self.topic_id)
        judged = judge(raw, given.knowledge, Stopwatch(), now=now, templates=self.templates)
        memory, self.memory = self.memory, MinuteMemory()
        folded, self.memory = store_batch(
            self.store, judged, given.knowledge, memory, now=now, templates=self.templates
        )
        self.next += 1
        if judged.rejected:
            self.counts["rejected"] += 1
            raise BadInput(f"the log cannot be read: {judged.rejected[0].reason}")
        return self._result(judged, folded, given)

    def _result(self, judged: Judged, folded: Folded, given: Given) -> Result:
        self.counts["logs"] += 1
        decisions = [_verdict(judged)]
        if not judged.verdicts.anomalous[0]:
            return Result(tuple(decisions), ())
        self.counts["anomalies"] += 1
        incident = folded.of_row[0]
        self.counts["incidents"] += sum(note.kind == "incident.opened" for note in folded.notes)
        answered, taken = self._steps(given, incident_id=incident.id)
        if not answered:
            answered = _waiting(incident, given.knowledge)
        told = [*decisions, _about(incident), *answered, *self._page(given)]
        return Result(tuple(told), tuple(taken), incident.id)

    def _steps(
        self, given: Given, *, now: datetime | None = None, incident_id: int | None = None
    ) -> tuple[list[Decision], list[str]]:
        """The steps that are due, of one incident or of all."""
        means = Means(self.engine, given.knowledge, given.executor, wall_clock if now is None else lambda: now)
        claims = step_queue.claim(
            self.engine, token=SOURCE, lease=means.lease, now=means.clock(), limit=AT_ONCE, incident_id=incident_id
        )
        decisions: list[Decision] = []
        taken: list[str] = []
        for claimed in claims:
            held = Held(means, claimed)
            before = held.read()
            steps = run_steps(held)
            after = self._after(before)
            decisions += _told(before, after, steps, self._objections(before.incident.id))
            taken += [record.told for record in after.actions if record.id not in {old.id for old in before.actions}]
        self.counts["actions"] += len(taken)
        return decisions, taken

    def _looked_into(self, given: Given, until: datetime, *, now: datetime | None = None) -> list[Decision]:
        """What is due to be looked into by `until`, and the pages that come of it; other logs are taken meanwhile."""
        alone = self.engine.url.database in (None, "", ":memory:")  # one connection for all threads
        with self.lock if alone else self.analysing:
            analysed = self._analyse(given, until)
            if alone:
                return [*analysed, *self._page(given, now=now)]
        with self.lock:
            return [*analysed, *self._page(given, now=now)]

    def _analyse(self, given: Given, now: datetime) -> list[Decision]:
        """Look into what is due to be looked into: by the model of the settings, or without one."""
        means = Means(self.engine, given.knowledge, given.executor, lambda: now, library=self._library(given.knowledge))
        if self.analyst is None or self.analyst.means.settings.llm != means.settings.llm:
            self.analyst = bootstrap.analyst(means)
        self.analyst.means = means
        decisions = []
        while (task := self.analyst.claim()) is not None:
            if (found := self.analyst.work(task)) is not None:
                numbers = {"confidence": found.confidence, "struck_out": len(found.struck), "calls": found.usage.calls}
                decisions.append(Decision(f"analysis of incident {task.incident_id}", headline(found), numbers))
        return decisions

    def _library(self, known: Knowledge) -> Library:
        if self.library is None or (self.library.known, self.library.settings) != (known.playbooks, known.settings):
            self.library = Library(known.settings, known.playbooks)
        return self.library

    def _after(self, before: Answer) -> Answer:
        with transaction(self.engine) as connection:
            records = action_log.of_incident(connection, before.incident.id, episode=before.incident.episode)
        done = tuple(record for record in records if record.started_at is not None)
        return replace(before, actions=done)

    def _objections(self, incident_id: int) -> list[str]:
        found = one_incident(self.engine, incident_id)
        return list(found["objections"]) if found else []

    def _page(self, given: Given, *, now: datetime | None = None) -> list[Decision]:
        """Queued pages go out through the channel that was given; without one they stay queued."""
        if given.channel is None:
            return []
        clock = wall_clock if now is None else lambda: now
        pager = Pager(at_once(given.knowledge.settings), self.engine, given.knowledge.inventory, clock, given.channel)
        return [self._told_of(queued, outcome) for queued, outcome in deliver_now(pager, SOURCE)]

    def _told_of(self, queued: QueuedPage, outcome: str) -> Decision:
        what, _, message_id = outcome.partition("sent: ")
        if what or not message_id:
            return Decision("page waits", outcome)
        self.counts["pages"] += 1
        return Decision("paged", queued.reason, {"message_id": message_id})


def at_once(tree: Settings) -> Settings:
    """The same, but that no page waits for more to join its incident: whoever called waits for the result."""
    paging = tree.paging.model_copy(update={"settle_seconds": 0.0, "group_seconds": 0.0})
    return tree.model_copy(update={"paging": paging})


def _json(log_entry: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(dict(log_entry))
    except TypeError as error:
        raise BadInput(f"the log cannot be read: {error}") from error


def _verdict(judged: Judged) -> Decision:
    verdicts = judged.verdicts
    what = "anomaly" if verdicts.anomalous[0] else "normal"
    return Decision(what, Reason(int(verdicts.reason[0])).name.lower(), verdicts.numbers(0))


def _about(incident: Incident) -> Decision:
    numbers = {"logs": incident.logs, "severity": incident.severity.name.lower()}
    return Decision(f"incident {incident.id}", f"{incident.service}, {incident.template}", numbers)


def _waiting(incident: Incident, knowledge: Knowledge) -> list[Decision]:
    """Who will answer, and why nobody does yet."""
    route = "common" if incident.route is Route.PLAYBOOK else "uncommon"
    answer = Decision(route, f"playbook:{incident.playbook}" if incident.playbook else "no playbook fits")
    needed = knowledge.settings.incidents.confirm_logs
    if incident.logs < needed:
        return [answer, Decision("waiting", "not confirmed yet", {"logs": incident.logs, "at_least": needed})]
    return [answer, Decision("waiting", f"the incident is {incident.state}", {"logs": incident.logs})]


def _told(before: Answer, after: Answer, steps: list[Step], objections: list[str]) -> list[Decision]:
    """What the steps came to, each with its reason."""
    told = [Decision(step.name, step.why) for step in steps]
    if any(step.kind is StepKind.PLAN for step in steps):
        told.insert(0, Decision("common", f"playbook:{before.incident.playbook}"))
    elif any(step.why is step.why.UNCOMMON for step in steps):
        told.insert(0, Decision("uncommon", "no playbook fits; a human is needed"))
    told += [Decision("objection", objection) for objection in objections]
    return [*told, *(Decision("action", record.told) for record in after.actions if record not in before.actions)]
