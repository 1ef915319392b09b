"""The whole chain in one process: one log in, decisions out; the same functions as in the flows."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any

import orjson

from adapters.log_files import as_batch
from adapters.store import incident_queue, outbox
from adapters.store.action_log import of_incident
from adapters.store.batches import BatchStore, Judged
from adapters.store.database import Engine, connect
from adapters.store.migrate import migrate
from adapters.store.outbox import QueuedPage
from adapters.store.positions import read_positions, start_positions, topic_number
from domain.correlation import Folded
from domain.errors import BadInput, OffsetLost, Refused, SreError, Unavailable
from domain.execution import Executor
from domain.incidents import Incident, Route, State
from domain.pages import Channel, PageReason
from domain.verdicts import Reason
from tasks.case import LEASE_SLACK, Case
from tasks.paging import page_of
from tasks.steps import Knowledge, Stopwatch, correlate, judge

log = logging.getLogger(__name__)

SOURCE = "process_log"
CHANNEL = "python"


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


def open_store(url: str) -> Engine:
    """The database at `url`; one in memory when that cannot be had, so that logs are still judged."""
    try:
        engine = connect(url)
        if ":memory:" in url:
            raise Unavailable("asked for memory")
        migrate(url)
    except SreError as error:
        log.warning("store.in-memory", extra={"error": str(error)})
        engine = connect("sqlite:///:memory:")
        from adapters.store.tables import metadata  # noqa: PLC0415 - only where there is nothing to migrate

        metadata.create_all(engine)
    return engine


class Chain:
    """Judges logs one by one; acts only through what it is given."""

    def __init__(
        self,
        knowledge: Knowledge,
        engine: Engine,
        executor: Executor | None = None,
        channel: Channel | None = None,
    ) -> None:
        self.knowledge = knowledge
        self.engine = engine
        self.executor = executor
        self.channel = channel
        self.store = BatchStore(engine, [CHANNEL])
        self.counts: Counter[str] = Counter()
        self.lock = Lock()
        self.topic_id, _ = topic_number(engine, SOURCE, SOURCE, now=datetime.now(UTC))
        positions = read_positions(engine, self.topic_id, [0])
        self.next = positions.get(0) or start_positions(engine, self.topic_id, {0: 0}, now=datetime.now(UTC))[0]

    def process(self, log_entry: Mapping[str, Any]) -> Result:
        """Judge, store and answer one log; one at a time. Raises BadInput when it cannot be read."""
        with self.lock:
            return self._process(log_entry)

    def _process(self, log_entry: Mapping[str, Any]) -> Result:
        try:
            return self._judge(log_entry)
        except OffsetLost:
            # Another process that uses the same file stored a log since.
            self.next = read_positions(self.engine, self.topic_id, [0])[0]
            return self._judge(log_entry)

    def _judge(self, log_entry: Mapping[str, Any]) -> Result:
        now = datetime.now(UTC)
        raw = as_batch([_json(log_entry)], self.next)
        raw = type(raw)(self.topic_id, raw.partitions, raw.offsets, raw.values, raw.expected, raw.following)
        judged = judge(raw, self.knowledge, Stopwatch())
        fold = partial(correlate, judged, self.knowledge, now=None)
        folded = self.store.save(judged, lambda found, late: fold(open_incidents=found, late_paged=late), now=now)
        self.next += 1
        if judged.rejected:
            self.counts["rejected"] += 1
            raise BadInput(f"the log cannot be read: {judged.rejected[0].reason}")
        return self._result(judged, folded)

    def _result(self, judged: Judged, folded: Folded) -> Result:
        self.counts["logs"] += 1
        decisions = [_verdict(judged)]
        if not judged.verdicts.anomalous[0]:
            return Result(tuple(decisions), ())
        self.counts["anomalies"] += 1
        incident = folded.of_row[0]
        self.counts["incidents"] += sum(note.kind == "incident.opened" for note in folded.notes)
        decisions.append(_about(incident))
        met, taken = self._respond(incident)
        decisions += met
        decisions += self._page()
        return Result(tuple(decisions), tuple(taken), incident.id)

    def _respond(self, incident: Incident) -> tuple[list[Decision], list[str]]:
        lease = timedelta(seconds=self.knowledge.settings.calls.timeout_seconds) + LEASE_SLACK
        claims = incident_queue.claim(
            self.engine, token=SOURCE, lease=lease, now=datetime.now(UTC), limit=1, incident_id=incident.id
        )
        decisions: list[Decision] = []
        taken: list[str] = []
        for claimed in claims:
            case = Case(claimed, self.knowledge.settings, self.engine, self.knowledge.playbooks, self.executor)
            met, done = self._answer(case)
            decisions += met
            taken += done
        if not claims:
            decisions += self._waiting(incident)
        return decisions, taken

    def _waiting(self, incident: Incident) -> list[Decision]:
        """Who will answer, and why nobody does yet."""
        route = "common" if incident.route is Route.PLAYBOOK else "uncommon"
        answer = Decision(route, f"playbook:{incident.playbook}" if incident.playbook else "no playbook fits")
        needed = self.knowledge.settings.incidents.confirm_logs
        if incident.logs < needed:
            return [answer, Decision("waiting", "not confirmed yet", {"logs": incident.logs, "at_least": needed})]
        return [answer, Decision("waiting", f"the incident is {incident.state}", {"logs": incident.logs})]

    def _answer(self, case: Case) -> tuple[list[Decision], list[str]]:
        plan = case.make_plan()
        if plan is None:
            case.escalate(PageReason.UNCOMMON, [])
            return [Decision("uncommon", "no playbook fits; a human is needed")], []
        decisions = [Decision("common", plan.source, {"confidence": plan.confidence, "risk": plan.risk.name.lower()})]
        if case.incident.state is not State.OPEN:
            return decisions, []
        if met := case.objected(plan):
            case.escalate(PageReason.OBJECTED, met)
            return [*decisions, *(Decision("objection", objection) for objection in met)], []
        try:
            met = case.act(plan)
        except (Refused, Unavailable) as error:
            case.escalate(PageReason.FAILED, [str(error)])
            return [*decisions, Decision("failed", str(error))], []
        done = [
            f"{row.kind} {row.target}: pids {list(row.before.pids)} to {list(row.after.pids) if row.after else []}"
            for row in of_incident(self.engine, case.incident.id)
        ]
        self.counts["actions"] += len(done)
        return [*decisions, *(Decision("objection", objection) for objection in met)], done

    def _page(self) -> list[Decision]:
        """Queued pages go out through the channel that was given; without one they stay queued."""
        if self.channel is None:
            return []
        now = datetime.now(UTC)
        queued = outbox.claim_pages(self.engine, token=SOURCE, lease=timedelta(minutes=1), now=now, due_before=now)
        return [self._send(self.channel, page) for page in queued]

    def _send(self, channel: Channel, queued: QueuedPage) -> Decision:
        now = datetime.now(UTC)
        try:
            receipt = channel.send(page_of(queued, []))
        except (Refused, Unavailable) as error:
            outbox.mark_retry(self.engine, queued, str(error), due_at=now + timedelta(seconds=5), now=now)
            return Decision("page waits", str(error))
        outbox.mark_sent(self.engine, queued, receipt, now=now)
        self.counts["pages"] += 1
        return Decision("paged", queued.reason, {"message_id": receipt.message_id})


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
    return Decision(f"incident {incident.id}", f"{incident.service}, {incident.signature}", numbers)
