"""The steps over rows in memory: the same decisions, with deaths at every point between two commits.

The tables are lists of the domain's own types; what a step writes is repeated here in a line or two, so that a
million schedules take minutes. `store_schedules.py` walks the real steps over a real database.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.actions import COUNTED, ActionRecord, ActionState, Approval, UndoState
from domain.asking import Budgets, Counted, History, Objected, Policy, Purpose, Question, Seen
from domain.control import UNREAD, Reading, Traffic
from domain.execution import ProcessState, Progress, Snapshot, TargetState, how_far
from domain.gate import may_be_allowed, objections
from domain.incidents import Incident, State
from domain.inventory import Inventory, Service
from domain.pages import PageReason
from domain.plans import Action, Plan, Risk
from domain.steps import LONGEST_WAIT, LOOK_AGAIN, Answer, Due, Step, StepKind, finished_at, next_step, waiting
from domain.verification import SETTLING, Outcome, Samples, prove
from tests.parts.answers_part import RESTART, SCALE, a_plan
from tests.parts.incidents_part import an_incident
from tests.parts.logs_part import NOON

TRIES = 4
LEASE = timedelta(seconds=45)
LONGEST = timedelta(minutes=10)
ASKED_FOR = timedelta(minutes=30)
PAUSE = timedelta(minutes=15)
OLDEST = timedelta(minutes=2)
HOUR = timedelta(hours=1)
INVENTORY = Inventory({name: Service(name, "model", name) for name in ("web", "db")})
BUDGETS = Budgets(
    target_pause=PAUSE,
    actions_per_hour=6,
    kind_per_hour=4,
    service_per_hour=3,
    target_per_day=6,
    max_share=1.0,
    max_ineffective=2,
)

Walk = Generator[None, None, None]  # each yield is a moment at which the worker may die


class UnreachableError(Exception):
    """The executor did not answer."""


@dataclass
class Row:
    """One incident with everything that is stored about it."""

    incident: Incident
    plan: Plan | None = None
    actions: list[ActionRecord] = field(default_factory=list)
    approval: Approval | None = None
    due: Due | None = None
    lease: tuple[str, datetime] | None = None
    paged: list[PageReason] = field(default_factory=list)
    closed_as: str = ""

    def answer(self) -> Answer:
        mine = tuple(a for a in self.actions if a.episode == self.incident.episode or a.state is ActionState.STARTED)
        return Answer(self.incident, self.plan, mine, self.approval, self.due or Due(NOON, "nothing"))

    def change(self, record: ActionRecord, **values: object) -> None:
        self.actions = [replace(a, **values) if a.id == record.id else a for a in self.actions]  # type: ignore[arg-type]

    def drop_reserved(self) -> None:
        for record in [a for a in self.actions if a.state is ActionState.RESERVED]:
            self.change(record, state=ActionState.DROPPED)

    def close(self, how: str) -> None:
        """What `closing.resolve` does."""
        self.incident.state = State.RESOLVED
        self.closed_as = how
        self.drop_reserved()
        if not any(a.state is ActionState.STARTED for a in self.actions):
            self.due = self.lease = None


@dataclass
class Model:
    """All incidents, one executor, one clock."""

    chance: random.Random
    now: datetime = NOON
    paused: bool = False
    maintenance: str = ""
    rows: list[Row] = field(default_factory=list)
    world: dict[str, ProcessState] = field(default_factory=dict)
    pids: int = 100
    reachable: bool = True
    flaws: list[str] = field(default_factory=list)
    effects: dict[int, int] = field(default_factory=dict)  # action id -> times that it was carried out whole

    def __post_init__(self) -> None:
        for target in ("web", "db"):
            for number, state in enumerate((TargetState.RUNNING, TargetState.STOPPED)):
                name = f"{target}:{target}_{number:02d}"
                self.world[name] = ProcessState(name, state, 0 if number else self._pid(), NOON)

    def _pid(self) -> int:
        self.pids += 1
        return self.pids

    # --- the world ------------------------------------------------------------------------------

    def snapshot(self, target: str) -> Snapshot:
        if not self.reachable:
            raise UnreachableError
        return Snapshot(target, tuple(p for name, p in sorted(self.world.items()) if name.startswith(f"{target}:")))

    def _stop(self, name: str) -> None:
        self.world[name] = replace(self.world[name], state=TargetState.STOPPED, pid=0)

    def _start(self, name: str) -> None:
        self.world[name] = ProcessState(name, TargetState.RUNNING, self._pid(), self.now)

    def carry_out(self, record: ActionRecord) -> Walk:
        action = record.action
        seen = self.snapshot(action.target)
        if action.kind == RESTART.kind:
            for process in seen.wanted:
                self._stop(process.name)
                yield
                self._start(process.name)
        else:
            for process in seen.processes:
                if not process.pid:
                    self._start(process.name)
        self.effects[record.id] = self.effects.get(record.id, 0) + 1
        yield

    def finish(self, action: Action, before: Snapshot) -> Walk:
        self.snapshot(action.target)
        wanted = before.processes if action.kind == SCALE.kind else before.wanted
        for process in wanted:
            if not self.world[process.name].pid:
                self._start(process.name)
                yield

    # --- the queue ------------------------------------------------------------------------------

    def claim(self, token: str) -> Row | None:
        for row in self.rows:
            if row.due is None or not (row.due.at <= self.now or row.due.at > self.now + LONGEST):
                continue
            if row.lease and self.now <= row.lease[1] <= self.now + LONGEST:
                continue
            row.lease = (token, self.now + LEASE)
            return row
        return None

    def work(self, token: str) -> Iterator[None]:
        """A worker's life: claims one incident and takes its steps until it waits."""
        row = self.claim(token)
        if row is None:
            return
        yield
        while True:
            step = next_step(row.answer(), tries=TRIES, now=self.now)
            if step.kind in (StepKind.WAIT, StepKind.REST):
                self._let_go(row, token, step)
                return
            try:
                yield from self._take(row, token, step)
            except UnreachableError:
                if self._holds(row, token) and row.due:
                    tries = row.due.tries + 1
                    pause = timedelta(seconds=min(2.0**tries, 60))
                    row.due = replace(row.due, at=self.now + pause, tries=tries)
                    row.lease = None
                return
            if not self._holds(row, token):
                return

    def _holds(self, row: Row, token: str) -> bool:
        return row.lease is not None and row.lease[0] == token

    def _renew(self, row: Row, token: str) -> bool:
        """What comes right before each effect: whoever lost the lease does not begin it."""
        if not self._holds(row, token):
            return False
        row.lease = (token, self.now + LEASE)
        return True

    def _let_go(self, row: Row, token: str, step: Step) -> None:
        if not self._holds(row, token):
            return
        row.lease = None
        row.due = waiting(row.answer(), step, asked_for=ASKED_FOR, now=self.now)

    def _take(self, row: Row, token: str, step: Step) -> Walk:
        if not self._holds(row, token):
            return
        walks = {
            StepKind.PLAN: self._plan,
            StepKind.BEGIN: self._begin,
            StepKind.ACT: self._act,
            StepKind.FINISH: self._finish,
            StepKind.VERIFY: self._verify,
            StepKind.UNDO: self._undo,
            StepKind.RESOLVE: self._resolve,
            StepKind.ESCALATE: self._escalate,
        }
        yield from walks[step.kind](row, token, step)
        yield

    # --- the steps ------------------------------------------------------------------------------

    def _policy(self) -> Policy:
        return Policy(
            acting=True,
            paused=self.paused,
            max_risk=Risk.LOW,
            min_confidence=0.8,
            max_evidence_age=OLDEST,
            budgets=BUDGETS,
        )

    def _see(self, action: Action) -> Seen:
        seen = self.snapshot(action.target)
        return Seen(action, INVENTORY.owner("model", action.target), seen, seen)

    def _ask(self, row: Row, purpose: Purpose, *seen: Seen) -> list[Objected]:
        assert row.plan is not None
        asked = Question(
            purpose=purpose,
            plan=row.plan,
            incident=row.incident,
            service=INVENTORY.services[row.incident.service],
            seen=seen,
            history=self._history(),
            allowed_at=row.approval.at if row.approval is not None and row.approval.granted else None,
            acted=bool(row.answer().of_episode(ActionState.DONE)),
            maintenance=self.maintenance,
        )
        return objections(asked, self._policy(), now=self.now)

    def _plan(self, row: Row, _token: str, _step: Step) -> Walk:
        actions = self.chance.choice(
            [(RESTART,), (SCALE,), (RESTART, replace(SCALE, target="db")), (replace(RESTART, risk=Risk.MEDIUM),)]
        )
        target = row.incident.service
        bound = (replace(a, target=target if a.target == "web" else "db") for a in actions)
        row.plan = a_plan(*bound, incident_id=row.incident.id, executor="model", target=target)
        yield

    def _history(self) -> History:
        done = [
            Counted(a.budget_key, a.service, a.action.kind, a.reserved_at, a.outcome)
            for row in self.rows
            for a in row.actions
            if a.state in COUNTED
        ]
        going_on = [
            a
            for row in self.rows
            for a in row.actions
            if a.state in (ActionState.RESERVED, ActionState.STARTED)
            or (row.incident.state in (State.ACTING, State.VERIFYING) and a.episode == row.incident.episode)
        ]
        targets, services = {a.budget_key for a in going_on}, {a.service for a in going_on}
        return History(tuple(done), frozenset(targets), frozenset(services))

    def _begin(self, row: Row, token: str, step: Step) -> Walk:
        assert row.plan is not None
        seen = tuple(self._see(action) for action in row.plan.actions)
        yield
        if not self._holds(row, token) or row.incident.state.closed:
            return
        found = self._ask(row, Purpose.BEGIN, *seen)
        if not found:
            self._reserve(row, row.plan, seen)
        elif may_be_allowed(found):
            row.incident.state = State.WAITING
            until = self.now + ASKED_FOR
            row.due = Due(min(until, self.now + LONGEST_WAIT), "approval", until)
            row.paged.append(PageReason.APPROVAL)
        else:
            self._to_human(row, PageReason.OBJECTED)

    def _reserve(self, row: Row, plan: Plan, seen: tuple[Seen, ...]) -> None:
        row.incident.state = State.ACTING
        for ordinal, one in enumerate(seen):
            self.pids += 1
            record = ActionRecord(
                self.pids,
                row.incident.id,
                row.incident.episode,
                ordinal,
                plan.source,
                one.action,
                executor="model",
                budget_key=one.key,
                state=ActionState.RESERVED,
                before=None,
                after=None,
                reserved_at=self.now,
                started_at=None,
                finished_at=None,
                error=None,
                outcome=None,
                service=one.service,
            )
            row.actions.append(record)

    def _record(self, row: Row, step: Step) -> ActionRecord:
        return next(a for a in row.actions if a.id == step.action)

    def _act(self, row: Row, token: str, step: Step) -> Walk:
        record = self._record(row, step)
        seen = self._see(record.action)
        yield
        if not self._holds(row, token):
            return
        if self._ask(row, Purpose.NEXT, seen):
            row.change(record, state=ActionState.DROPPED)
            row.drop_reserved()
            return
        if row.incident.state.closed:
            self.flaws.append(f"action of closed incident {row.incident.id}")
        if (
            not row.answer().of_episode(ActionState.DONE)
            and self.now - (row.incident.fires_at or row.incident.last_at) > OLDEST
        ):
            self.flaws.append(f"action of incident {row.incident.id}, which no longer fires")
        if self.maintenance:
            self.flaws.append(f"action of incident {row.incident.id} under maintenance")
        row.change(record, state=ActionState.STARTED, before=seen.snapshot, started_at=self.now)
        yield
        if self._renew(row, token):
            yield from self.carry_out(record)
            self._done(row, token, record)

    def _finish(self, row: Row, token: str, step: Step) -> Walk:
        record = self._record(row, step)
        before = record.before or Snapshot(record.target, ())
        found = how_far(record.action, before, self.snapshot(record.target))
        yield
        if not self._holds(row, token):
            return
        if found is Progress.UNTOUCHED:
            if row.plan is None or self._ask(row, Purpose.TAKEOVER, self._see(record.action)):
                row.change(record, state=ActionState.DROPPED)
                return
            if self._renew(row, token):
                yield from self.carry_out(record)
        elif found is Progress.HALF:
            yield from self.finish(record.action, before)
        self._done(row, token, record)

    def _done(self, row: Row, token: str, record: ActionRecord) -> None:
        if not self._holds(row, token):
            return
        row.change(record, state=ActionState.DONE, finished_at=self.now, after=record.before)
        left = row.answer().of_episode(ActionState.RESERVED)
        if not left and row.incident.state is State.ACTING:
            row.incident.state = State.VERIFYING
            row.due = Due(self.now + SETTLING, "fresh logs")

    def _verify(self, row: Row, token: str, _step: Step) -> Walk:
        assert row.plan is not None
        answer = row.answer()
        ended = finished_at(answer)
        proof = None
        if self.now > ended + SETTLING:
            logs = self.chance.choice([0, 100])
            bad = self.chance.choice([0, 50])
            before = self.chance.choice([UNREAD, Reading(100, 0.1, 60.0)])
            proof = prove(
                Samples(Traffic(logs, 0, 30), bad, bad, None, before=before),
                row.plan.verification,
                finished_at=ended,
                now=self.now,
            )
        yield
        if not self._holds(row, token) or row.incident.state.closed:
            return
        for record in answer.of_episode(ActionState.DONE):
            if record.finished_at and record.finished_at > self.now:
                row.change(record, finished_at=self.now)
            elif proof is not None:
                row.change(record, outcome=proof.outcome)
        row.incident.state = State.VERIFYING
        row.due = Due(self.now + LOOK_AGAIN, "fresh logs") if proof is None else row.due

    def _undo(self, row: Row, token: str, step: Step) -> Walk:
        record = self._record(row, step)
        if self._ask(row, Purpose.UNDO, self._see(record.action)):
            row.change(record, undo=UndoState.FAILED)
            return
        row.change(record, undo=UndoState.STARTED)
        yield
        for process in record.before.processes if record.before else ():
            if process.state is TargetState.STOPPED:
                self._stop(process.name)
        yield
        if self._holds(row, token):
            row.change(record, undo=UndoState.DONE)

    def _resolve(self, row: Row, token: str, _step: Step) -> Walk:
        if self._holds(row, token) and not row.incident.state.closed:
            row.close("verified")
        yield

    def _escalate(self, row: Row, token: str, step: Step) -> Walk:
        if self._holds(row, token) and not row.incident.state.closed:
            self._to_human(row, step.page or PageReason.UNCOMMON)
        yield

    def _to_human(self, row: Row, reason: PageReason) -> None:
        row.drop_reserved()
        for record in row.answer().actions:
            if record.state is ActionState.STARTED:
                row.change(record, state=ActionState.FAILED, finished_at=self.now)
            elif record.state is ActionState.DONE and record.outcome is None:
                row.change(record, outcome=Outcome.UNKNOWN)
        row.incident.state = State.ESCALATED
        row.due = row.lease = None
        row.paged.append(reason)

    # --- people and logs ------------------------------------------------------------------------

    def fault(self) -> None:
        service = self.chance.choice(["web", "db"])
        incident = an_incident(id=len(self.rows) + 1, service=service, opened_at=self.now, last_at=self.now)
        self.rows.append(Row(incident, due=Due(self.now, "an answer")))

    def reopen(self, row: Row) -> None:
        """The fault came back: what the fold does."""
        incident = row.incident
        if incident.state is State.RESOLVED and row.closed_as in ("verified", "human"):
            incident.state, incident.episode = State.REOPENED, incident.episode + 1
            incident.last_at = incident.fires_at = self.now
            incident.acked_at, row.plan, row.approval = None, None, None
            row.due, row.closed_as = Due(self.now, "an answer"), ""
