"""One scenario on its way through the real chain: a real store, the steps of answers and pages, a clock of its own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from adapters.llm import with_model
from adapters.log_files import as_batch
from adapters.parts_file import PROJECT
from adapters.playbook_files import load as load_playbooks
from adapters.store import changes, outside_alerts, resolution_notes, step_queue
from adapters.store.batches import BatchStore
from adapters.store.closing import close_by_hand
from adapters.store.database import Engine, connect, transaction
from adapters.store.migrate import migrate
from adapters.store.positions import start_positions, topic_number
from adapters.store.tables.analysed import analyses
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import deliveries, pages
from benchmarks.evals.bystanders import Bystander, Mailbox
from benchmarks.evals.scenarios import Alarm, Changed, Line, Past, Scenario
from domain.changes import Change, ChangeKind
from domain.contacts import ContactKind
from domain.llm_settings import LlmSettings
from domain.outside_alerts import OutsideAlert, Status
from domain.plans import Risk
from domain.playbooks import Playbook
from domain.resolution_notes import ResolutionNote, Verdict
from domain.settings import CallSettings, Settings
from domain.settings_acting import AutonomySettings
from flows.in_process import at_once
from tasks.analysing import Analyst, breaker_of
from tasks.answer import run_steps
from tasks.delivering import claim, deliver
from tasks.expanding import expand_due
from tasks.held import Held, Means
from tasks.judging import Knowledge, Stopwatch, judge
from tasks.minutes import MinuteMemory
from tasks.outside_alerts import take
from tasks.paging import Pager
from tasks.retrieval import Library
from tasks.storing import store_batch

ONSET = datetime(2026, 1, 5, 12, 0, 20, tzinfo=UTC)
QUIET_TICK, TICK, LATE_TICK = timedelta(seconds=30), timedelta(seconds=5), timedelta(seconds=15)
EARLY = timedelta(seconds=30)  # after the onset, in which much happens
SETTLED = timedelta(seconds=90)  # by then an analysis is due
# The clock goes on for so long when the last log was read; for longer where somebody is yet to be told of something.
AFTER, LONGEST_AFTER = timedelta(seconds=10), timedelta(minutes=7)
TOKEN = "evals"  # noqa: S105 - names who holds a lease
READERS = ("on-call@example.com",)
SOURCE = "evals"
MOST_CLAIMS = 20


@cache
def playbooks() -> tuple[Playbook, ...]:
    """Those that the agent is shipped with; where acting is on, every one may run unattended."""
    return tuple(load_playbooks(PROJECT / "playbooks"))


@cache
def _searched() -> Library:
    """The playbooks, indexed once."""
    found = Library(Settings(), playbooks())
    found.playbooks.search("connection refused", 1)  # so that copies have the index
    return found


def knowledge_of(scenario: Scenario, llm: LlmSettings) -> Knowledge:
    """What decides: the usual settings; where nothing is acted upon, every incident is looked into."""
    tree = Settings()
    books = playbooks()
    mitigation: dict[str, object] = {"enabled": False}
    if scenario.acting:
        mitigation = {"acting": True, "autonomy": AutonomySettings(start="act")}
        books = tuple(_of_low_risk(one) for one in books)
    paging = tree.paging.model_copy(update={"email": tree.paging.email.model_copy(update={"recipients": READERS})})
    changed = {"mitigation": tree.mitigation.model_copy(update=mitigation), "paging": paging, "llm": llm}
    return Knowledge(tree.model_copy(update=changed), books, None, scenario.inventory)


def _of_low_risk(book: Playbook) -> Playbook:
    return replace(book, risk=Risk.LOW, actions=tuple(replace(one, risk=Risk.LOW) for one in book.actions))


@dataclass
class World:
    """The state of one scenario at one moment; a copy goes on by itself."""

    path: Path  # of its SQLite file
    scenario: Scenario
    llm: LlmSettings = field(default_factory=LlmSettings)
    now: datetime = ONSET
    read: int = 0  # lines of the scenario
    next: int = 0  # offset
    executor: Bystander = field(default_factory=Bystander)
    mailbox: Mailbox = field(default_factory=Mailbox)

    def __post_init__(self) -> None:
        self.engine = _fast(connect(f"sqlite:///{self.path}"))
        self.knowledge = knowledge_of(self.scenario, self.llm)
        library = copy(_searched())  # past incidents are those of this store
        self.means = Means(self.engine, self.knowledge, self.executor, lambda: self.now, library=library)
        model = with_model(self.llm, CallSettings(max_retries=2))
        self.analyst = Analyst(self.means, model, breaker_of(self.knowledge.settings))
        paging = at_once(self.knowledge.settings)
        self.pager = Pager(paging, self.engine, self.scenario.inventory, lambda: self.now, self.mailbox, library)
        self.topic, _ = topic_number(self.engine, SOURCE, SOURCE, now=self.now)
        self.place = (self.topic, 0)
        self.memory = MinuteMemory()
        self.next = start_positions(self.engine, {self.place: 0}, now=self.now)[self.place]
        self.lines = sorted(self.scenario.lines, key=lambda line: line[0])

    @property
    def onset(self) -> datetime:
        """When the fault began."""
        return self.scenario.begins or ONSET

    def branch(self, path: Path, llm: LlmSettings) -> World:
        """The same moment in a store of its own, with another model."""
        self.engine.dispose()
        shutil.copy(self.path, path)
        executor, mailbox = Bystander(list(self.executor.done)), Mailbox(list(self.mailbox.pages))
        return World(path, self.scenario, llm, self.now, self.read, self.next, executor, mailbox)

    # --- what comes in --------------------------------------------------------------------------------

    def begin(self) -> None:
        """What was known before the first log: past incidents, and changes."""
        for past in self.scenario.past:
            self._live_through(past)
        self.now = self.onset + timedelta(seconds=self.lines[0][0]) if self.lines else self.onset
        told = [self._change(one) for one in self.scenario.changes]
        if told:
            changes.keep(self.engine, told, now=self.now)

    def _change(self, one: Changed) -> Change:
        at = self.onset + timedelta(seconds=one.seconds)
        return Change(at=at, service=one.service, kind=ChangeKind.DEPLOY, what=one.what, by="ann")

    def _live_through(self, past: Past) -> None:
        """An incident that a person closed, with a note of what it was."""
        begun = self.onset - timedelta(hours=past.hours)
        self.now = begun + timedelta(seconds=past.lines[-1][0] + 1)
        self._store(past.lines, begun)
        self._answer()
        self.now += SETTLED
        self._deliver()
        self.analyse()
        self._deliver()
        self.mailbox.pages.clear()
        for number in self.open_incidents():
            note = ResolutionNote(number, 1, self.now, "ann", past.cause, "", past.origin, Verdict.RIGHT)
            close_by_hand(self.engine, number, by="ann", now=self.now)
            with transaction(self.engine) as connection:
                resolution_notes.add(connection, note)

    def _alarm(self, alarm: Alarm) -> OutsideAlert:
        return OutsideAlert(
            fingerprint=f"{alarm.service} {alarm.says}",
            group_key=alarm.service,
            status=Status.FIRING,
            labels={"service": alarm.service, "alertname": "Objective", "severity": "high"},
            annotations={"summary": alarm.says},
            starts_at=self.onset + timedelta(seconds=alarm.seconds),
        )

    def _store(self, lines: Sequence[Line], begun: datetime) -> None:
        """One batch of logs through the live steps."""
        values: list[bytes | None] = [_as_json(line, begun) for line in lines]
        if not values:
            return
        raw = as_batch(values, self.next, self.topic)
        judged = judge(raw, self.knowledge, Stopwatch(), now=self.now)
        memory, self.memory = self.memory, MinuteMemory()
        _, self.memory = store_batch(BatchStore(self.engine), judged, self.knowledge, memory, now=self.now)
        self.next += len(values)

    # --- the clock ------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes, and what came has settled."""
        last = self.onset + timedelta(seconds=self.lines[-1][0] if self.lines else 0.0)
        return self.now >= last + LONGEST_AFTER or (self.now >= last + AFTER and not self._is_busy())

    def _is_busy(self) -> bool:
        return self._open_analyses() or self._pages_wait()

    def tick(self) -> None:
        """The next moment: logs are stored, what is due is answered, pages go out; analyses are left alone."""
        since, self.now = self.now, self.now + self._step()
        due = [line for line in self.lines[self.read :] if self.onset + timedelta(seconds=line[0]) <= self.now]
        self.read += len(due)
        self._store(due, self.onset)
        rung = [self._alarm(one) for one in self.scenario.alarms]
        rung = [one for one in rung if since < one.starts_at <= self.now]
        outside_alerts.keep(self.engine, rung, now=self.now)
        take(self.engine, quiet=timedelta(minutes=10), now=self.now)
        self._answer()
        self._deliver()

    def _step(self) -> timedelta:
        """How far the clock goes at once: little around an onset."""
        if self.now + QUIET_TICK <= self.onset or self.read == len(self.lines):
            return QUIET_TICK
        return TICK if self.now < self.onset + EARLY else LATE_TICK

    def _deliver(self) -> None:
        """Pages go out; all readers have a mail address."""
        expand_due(self.pager, TOKEN)
        for one in claim(self.pager, ContactKind.EMAIL, TOKEN, MOST_CLAIMS):
            deliver(self.pager, one)

    def _answer(self) -> None:
        """Every step that is due now."""
        for _ in range(MOST_CLAIMS):
            claims = step_queue.claim(
                self.engine, token=f"{TOKEN} {self.now}", lease=self.means.lease, now=self.now, limit=MOST_CLAIMS
            )
            if not claims:
                return
            for claimed in claims:
                run_steps(Held(self.means, claimed))

    def analyse(self) -> int:
        """Work on whatever analysis is due; how many looks that took."""
        for look in range(MOST_CLAIMS):
            task = self.analyst.claim()
            if task is None:
                return look
            self.analyst.work(task)
        return MOST_CLAIMS

    def analysis_is_due(self) -> bool:
        """Whether `analyse` would have something to do."""
        return self._open_analyses(analyses.c.due_at <= self.now)

    def _pages_wait(self) -> bool:
        with transaction(self.engine) as connection:
            waiting = (sa.select(one.c.id).where(one.c.state == "queued").limit(1) for one in (pages, deliveries))
            return any(connection.execute(query).first() is not None for query in waiting)

    def _open_analyses(self, *where: sa.ColumnElement[bool]) -> bool:
        query = sa.select(analyses.c.id).where(analyses.c.state == "due", *where).limit(1)
        with transaction(self.engine) as connection:
            return connection.execute(query).first() is not None

    def open_incidents(self) -> list[int]:
        """Their ids."""
        query = sa.select(incidents.c.id).where(incidents.c.resolved_at.is_(None))
        with transaction(self.engine) as connection:
            return list(connection.scalars(query))


def _as_json(line: Line, begun: datetime) -> bytes:
    seconds, log = line
    return orjson.dumps({"timestamp": (begun + timedelta(seconds=seconds)).isoformat(), **log})


def _fast(engine: Engine) -> Engine:
    """The store of one eval need not survive a power cut."""

    @sa.event.listens_for(engine, "connect")
    def opened(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's
        connection.execute("PRAGMA synchronous=OFF")

    return engine


def new_store(path: Path) -> Path:
    """An empty store in that file."""
    migrate(f"sqlite:///{path}")
    return path
