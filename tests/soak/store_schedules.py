"""Random schedules of incidents, deaths, clock jumps and people over the real steps and a real database."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.store import answers, outbox
from adapters.store.closing import acknowledge, close_by_hand, close_quiet
from adapters.store.database import Engine, transaction
from adapters.store.outbox import QueuedPage
from adapters.store.switches import set_pause
from adapters.store.tables import metadata
from domain.errors import Refused
from domain.pages import Receipt
from domain.plan_documents import digest
from domain.plans import Risk
from tasks.answer import NOTHING_TO_DO, due_step, let_go, run_steps, take
from tasks.held import Held
from tests.parts.answering_part import BUSY, POOL, World, acting, inventory, risky
from tests.parts.judged_part import NOW, rows
from tests.soak.killing_part import Fate, MortalExecutor

PAUSE = timedelta(minutes=15)
# Enough rounds for every timer, lease and try to come to its end.
DRAIN_ROUNDS = 400
QUIET = timedelta(minutes=15)


def empty(engine: Engine) -> None:
    """Every table without a row."""
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with transaction(engine) as connection:
        connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))


@dataclass
class Schedule:
    """One random run; `flaws` says what must never happen and did."""

    engine: Engine
    seed: int
    fate: Fate
    accepted: list[str] = field(default_factory=list)  # keys of pages that the receiver took
    hands: list[Held] = field(default_factory=list)  # what workers hold between two steps

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        # Deaths that come rarely reach the late steps, frequent ones try the early ones.
        self.fate.chance, self.fate.share = self.chance, self.chance.choice([0.03, 0.06, 0.15])
        self.fate.meanwhile = self._meanwhile
        books = risky(self.chance.choice([Risk.LOW, Risk.MEDIUM]), "overload")
        knowledge = acting(playbooks=books, services=inventory("web", "db"), step_tries=4)
        self.executor = MortalExecutor(self.fate, self.chance)
        self.world = World(self.engine, knowledge=knowledge, executor=self.executor, now=NOW)

    def run(self) -> list[str]:
        """Do it; what was wrong."""
        often = [self._work, self._step_on, self._step_on, self._soon, self._person]
        seldom = [self._fault, self._deliver, self._traffic, self._forward, self._quiet]
        deeds: list[Callable[[], object]] = [*often * 4, *seldom * 2, self._jump]
        self.world.fault(self.chance.choice([POOL, BUSY]), service=self.chance.choice(["web", "db"]))
        for _ in range(self.chance.randint(6, 24)):
            self.chance.choice(deeds)()
        self._drain()
        return self.flaws()

    # --- what happens ---------------------------------------------------------------------------

    def _fault(self) -> None:
        service, message = self.chance.choice(["web", "db"]), self.chance.choice([POOL, BUSY, "disk error: lost"])
        self.world._send(self.chance.randint(2, 5), service=service, message=message)

    def _traffic(self) -> None:
        self.world.traffic(self.chance.randint(1, 30), service=self.chance.choice(["web", "db"]))

    def _soon(self) -> None:
        self.world.forward(self.chance.choice([0.5, 3, 6, 12]))

    def _forward(self) -> None:
        self.world.forward(self.chance.choice([31, 61, 130]))

    def _jump(self) -> None:
        self.world.forward(self.chance.choice([-86_400, -3_600, -90, 3_600, 86_400]))

    def _work(self) -> None:
        """A worker claims what is due and takes its steps, unless it dies."""
        with self.fate.watched():
            held = self.world.claim()
            if held is not None:
                run_steps(held)

    def _step_on(self) -> None:
        """A worker takes one step and goes on later, perhaps after its lease ran out and another took over."""
        with self.fate.watched():
            if len(self.hands) < 3 and (claimed := self.world.claim()) is not None:
                self.hands.append(claimed)
        if not self.hands:
            return
        held = self.chance.choice(self.hands)
        self.hands.remove(held)
        with self.fate.watched():
            if self._one_step(held):
                self.hands.append(held)

    def _meanwhile(self) -> None:
        """The worker in hand is held up for longer than its lease, and another one takes over."""
        self.world.forward(61)
        if (held := self.world.claim()) is not None:
            run_steps(held)

    def _one_step(self, held: Held) -> bool:
        """Whether it goes on; one that has nothing to do, or that lost its lease, does not."""
        try:
            step = due_step(held)
            if step.kind in NOTHING_TO_DO:
                let_go(held, step)
                return False
            return take(held, step)
        except Refused:
            return False

    def _deliver(self) -> None:
        """A page is sent; the sender may die between the receiver's word and the record."""
        with self.fate.watched():
            for queued in outbox.claim_pages(
                self.engine, token=f"{self.chance.random()}", lease=timedelta(seconds=45), now=self.world.now,
                due_before=self.world.now,
            ):  # fmt: skip
                self._send(queued)

    def _send(self, queued: QueuedPage) -> None:
        self.fate.strike()
        if self.fate.armed and self.chance.random() < 0.2:
            again = self.world.now + timedelta(seconds=5)
            outbox.mark_retry(self.engine, queued, "busy", due_at=again, now=self.world.now)
            return
        self.accepted.append(queued.key)
        self.fate.strike()
        receipt = Receipt("email", "memory", queued.key, self.world.now)
        outbox.mark_sent(self.engine, queued, receipt, now=self.world.now)

    def _person(self) -> None:
        known = [row["id"] for row in rows(self.engine, "SELECT id FROM incidents ORDER BY id DESC LIMIT 3")]
        number = self.chance.choice(known or [1])
        deeds: list[Callable[[], object]] = [
            lambda: acknowledge(self.engine, number, by="ann", now=self.world.now),
            lambda: close_by_hand(self.engine, number, by="ann", now=self.world.now),
            lambda: set_pause(self.engine, on=self.chance.random() < 0.5, by="ann", now=self.world.now),
            lambda: self._allow(number),
            lambda: self._allow(number),
        ]
        self.chance.choice(deeds)()

    def _allow(self, number: int) -> None:
        with transaction(self.engine) as connection:
            answer = answers.read(connection, number)
        if answer is None or answer.plan is None:
            return
        try:
            with transaction(self.engine) as connection:
                granted = self.chance.random() < 0.7
                answers.allow(connection, number, digest(answer.plan), granted=granted, by="ann", now=self.world.now)
        except Refused:
            pass

    def _quiet(self) -> None:
        close_quiet(self.engine, quiet=QUIET, now=self.world.now)

    def _drain(self) -> None:
        """From here on nobody dies and everything answers: whatever was begun comes to its end."""
        self.executor.flaky = False
        for _ in range(DRAIN_ROUNDS):
            while (held := self.world.claim()) is not None:
                if not run_steps(held):
                    break
            self._deliver_all()
            if not rows(self.engine, "SELECT 1 FROM steps UNION ALL SELECT 1 FROM pages WHERE state = 'queued'"):
                return
            self.world.forward(30)

    def _deliver_all(self) -> None:
        for queued in outbox.claim_pages(
            self.engine, token="drain", lease=timedelta(seconds=45), now=self.world.now, due_before=self.world.now
        ):
            self._send(queued)

    # --- what must never be ---------------------------------------------------------------------

    def flaws(self) -> list[str]:
        """Everything that is wrong at the end."""
        return [
            *self._forgotten(), *self._doubled(), *self._over_budget(), *self._after_the_end(), *self._lost_pages(),
            *self._without_effect(),
        ]  # fmt: skip

    def _forgotten(self) -> list[str]:
        given_up = {
            row["budget_key"] for row in rows(self.engine, "SELECT budget_key FROM actions WHERE state = 'failed'")
        }
        # What could not be reached for long is a human's, who was told so.
        left = [name for name in self.executor.stopped() if name.partition(":")[0] not in given_up]
        found = [f"left stopped: {name}" for name in left]
        found += [f"still due: {row}" for row in rows(self.engine, "SELECT * FROM steps")]
        found += [
            f"action without an end: {row}"
            for row in rows(self.engine, "SELECT id, state FROM actions WHERE state IN ('started', 'reserved')")
        ]
        open_ones = "SELECT id, state FROM incidents WHERE confirmed_at IS NOT NULL AND state NOT IN"
        found += [
            f"nobody has incident {row['id']}: {row['state']}"
            for row in rows(self.engine, f"{open_ones} ('resolved', 'merged', 'escalated')")
        ]
        return found

    def _doubled(self) -> list[str]:
        records = rows(self.engine, "SELECT target, count(*) AS n FROM actions WHERE started_at IS NOT NULL GROUP BY 1")
        allowed = {row["target"]: row["n"] for row in records}
        done = {target: self.executor.restarts.count(target) for target in set(self.executor.restarts)}
        return [
            f"{target} done {n} times for {allowed.get(target, 0)} actions"
            for target, n in done.items()
            if n > allowed.get(target, 0)
        ]

    def _over_budget(self) -> list[str]:
        query = "SELECT budget_key, reserved_at FROM actions WHERE state <> 'dropped' ORDER BY id"
        last: dict[str, datetime] = {}
        found = []
        for row in rows(self.engine, query):
            before = last.get(row["budget_key"])
            if before is not None and row["reserved_at"] - before < PAUSE:
                found.append(f"{row['budget_key']} again after {row['reserved_at'] - before}")
            last[row["budget_key"]] = row["reserved_at"]
        return found

    def _after_the_end(self) -> list[str]:
        """Ledger order: no action begins once its incident is closed or taken, or while acting is paused."""
        theirs: set[int] = set()
        paused = False
        found = []
        for row in rows(self.engine, "SELECT kind, incident_id FROM ledger ORDER BY id"):
            kind, number = row["kind"], row["incident_id"]
            paused = (paused or kind == "acting.paused") and kind != "acting.resumed"
            if kind in ("incident.resolved", "incident.acknowledged"):
                theirs.add(number)
            elif kind == "incident.reopened":
                theirs.discard(number)
            elif kind in ("action.started", "action.reserved") and (paused or number in theirs):
                found.append(f"{kind} of incident {number}, which is closed, taken or paused")
        return found

    def _without_effect(self) -> list[str]:
        """A restart that counts as done has started something anew."""
        query = "SELECT id, before, after FROM actions WHERE state = 'done' AND kind = 'restart'"
        return [
            f"action {row['id']} counts as done and nothing happened"
            for row in rows(self.engine, query)
            if row["before"]["processes"] == row["after"]["processes"]
        ]

    def _lost_pages(self) -> list[str]:
        found = [
            f"page {row['id']} was never sent: {row['state']}"
            for row in rows(self.engine, "SELECT id, state, key FROM pages WHERE state NOT IN ('sent', 'suppressed')")
        ]
        found += [
            f"page {row['id']} counts as sent and was not accepted"
            for row in rows(self.engine, "SELECT id, key FROM pages WHERE state = 'sent'")
            if row["key"] not in self.accepted
        ]
        untold = (
            "SELECT id FROM incidents WHERE state = 'escalated' AND acked_at IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM pages WHERE pages.incident_id = incidents.id OR pages.key = incidents.page_key)"
            " AND NOT EXISTS (SELECT 1 FROM ledger WHERE ledger.incident_id = incidents.id"
            " AND kind = 'page.suppressed')"
        )
        return found + [f"nobody was told of incident {row['id']}" for row in rows(self.engine, untold)]


def run_one(engine: Engine, seed: int, fate: Fate) -> list[str]:
    """One schedule in an empty database."""
    empty(engine)
    return Schedule(engine, seed, fate).run()
