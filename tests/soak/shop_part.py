"""The shop under traffic and the deployed agent that watches it, as the soak asks them."""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from adapters import postgres
from adapters.channels.email.mail import message_id
from adapters.parts_file import PROJECT
from adapters.store.closing import close_by_hand
from adapters.store.incident_rows import OPEN_STATES
from adapters.store.tables.acting import actions
from adapters.store.tables.chained import ledger
from adapters.store.tables.decided import steps
from adapters.store.tables.found import incidents
from adapters.store.tables.paging import pages
from adapters.store.tables.stored_logs import logs
from benchmarks.stack import Stack
from deployments.shop import control, layout, running
from deployments.shop.control import Injection
from deployments.shop.layout import SERVICES
from domain.actions import ActionState, UndoState
from domain.incidents import State
from domain.ledger import LedgerKind
from domain.logs import Level
from tests.parts.brake_part import Brake, kill_runs, kill_standing

TOPIC = "soak-shop"
# Generous: three people may share the machine, and each death costs a lease and the start of a successor.
PATIENCE_SECONDS = 300.0
# A target may be acted on again as soon as its last action was judged: the cases follow one upon the other.
PAUSE_SECONDS = 60
# How long a person is asked: one case waits for the end of it, the others answer at once.
ASKED_SECONDS = 75
# The lock timeout of those who stand is longer.
COMPANY_SECONDS = 2.0
# Nothing anomalous for so long: the shop has settled.
CALM = timedelta(seconds=8)

Row = dict[str, Any]


def playbooks_for_soak(home: Path) -> Path:
    """The project's playbooks, but for how soon they may run again."""
    folder = home / "playbooks"
    shutil.copytree(PROJECT / "playbooks", folder)
    for file in folder.glob("*.md"):
        cooled = re.sub(r"(?m)^cool_down_seconds: \d+$", f"cool_down_seconds: {PAUSE_SECONDS}", file.read_text())
        file.write_text(cooled)
    return folder


def changed(home: Path) -> dict[str, str]:
    """The settings of the demonstration, budgets that no case reaches, and leases that end soon."""
    return {
        "SRE_MITIGATION__ACTING": "true",
        "SRE_MITIGATION__AUTONOMY__START": "act",
        "SRE_MITIGATION__SUPERVISORD_URL": layout.plan(home, bootstrap="", topic="", rate=1).supervisord,
        "SRE_MITIGATION__INVENTORY": str(layout.write_inventory(home)),
        "SRE_MITIGATION__TARGET_SECONDS": str(PAUSE_SECONDS),
        "SRE_MITIGATION__ACTIONS_PER_HOUR": "1000",
        "SRE_MITIGATION__KIND_PER_HOUR": "1000",
        "SRE_MITIGATION__SERVICE_PER_HOUR": "1000",
        "SRE_MITIGATION__TARGET_PER_DAY": "1000",
        "SRE_MITIGATION__MAX_INEFFECTIVE": "1000",
        "SRE_MITIGATION__APPROVAL_SECONDS": str(ASKED_SECONDS),
        "SRE_CALLS__TIMEOUT_SECONDS": "10",
        "SRE_PLAYBOOKS__PATH": str(playbooks_for_soak(home)),
    }


def until(question: Callable[[], object], what: str, *, seconds: float = PATIENCE_SECONDS, every: float = 0.5) -> None:
    """Return as soon as it holds."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(every)


@dataclass(frozen=True)
class Watched:
    """The shop and the agent."""

    stack: Stack
    engine: sa.Engine
    brake: Brake

    @property
    def home(self) -> Path:
        """Folder of both."""
        return self.stack.home

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        """What is stored."""
        with self.engine.begin() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def count(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        """How many such rows there are."""
        with self.engine.begin() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0)

    def spawned(self) -> Counter[str]:
        """How often the shop's own supervisord started each service: what really happened to it."""
        written = "".join(file.read_text() for file in (self.home / "shop").glob("supervisord.log*"))
        return Counter(re.findall(r"spawned: '(\w+)_\d+'", written))

    def kill(self, *kinds: str) -> None:
        """SIGKILL to `on-call` in the middle of steps of all these kinds, of two incidents if they come together."""
        with self.brake.on(*kinds):
            kill_standing(self.home, self.brake, *kinds, seconds=PATIENCE_SECONDS, company_seconds=COMPANY_SECONDS)

    def kill_under_way(self, is_begun: Callable[[], object], kind: str, seconds: float) -> None:
        """SIGKILL so long after a step's effect was begun; how it ended does not come on record."""
        until(is_begun, f"a begun {kind}", every=0.05)
        with self.brake.on(kind):
            time.sleep(seconds)
            assert kill_runs(self.home)

    # --- a settled shop ---------------------------------------------------------------------------

    def settle(self) -> None:
        """Traffic, no fault, no open incident, and nothing anomalous for a while."""
        running.set_traffic(control.existing(self.home), on=True)
        for service in SERVICES:
            for fault in control.faults.KINDS:
                control.clear(self.home, fault, service)
        self.stop_reserve()
        until(self.is_idle, "an end of every answer")
        until(self.is_calm, "a shop without anomalies")
        for row in self.rows(sa.select(incidents.c.id).where(incidents.c.state.in_(OPEN_STATES))):
            close_by_hand(self.engine, row["id"], by="soak", now=datetime.now(UTC))
        self.forget_returns()
        until(lambda: self.is_idle() and self.is_free(), "an end of every page and of every target's pause")

    def forget_returns(self) -> None:
        """Each case is the first of its kind: what comes back for the next one does not flap."""
        with self.engine.begin() as connection:
            connection.execute(incidents.update().values(returns=0))

    def stop_reserve(self) -> None:
        """Only the first worker of each service runs, as at the beginning."""
        shop = control.existing(self.home)
        first = {f"{service}:{service}_00" for service in SERVICES} | {running.LOAD}
        server = running.server(shop)
        for name in running.running(shop) - first:
            server.stop(name)
        until(lambda: running.running(shop) == first, "one worker of each service")

    def is_idle(self) -> bool:
        """Whether no answer is under way and no page waits but for its likely origin."""
        on_the_way = (pages.c.state.in_(["queued", "sending"]), pages.c.muted_by == "")
        waiting = self.count(steps) + self.count(pages, *on_the_way)
        in_hand = [state for state in State if state.in_hand]
        return not waiting and not self.count(incidents, incidents.c.state.in_(in_hand))

    def is_free(self) -> bool:
        """Whether every target may be acted on again."""
        return not self.count(actions, actions.c.reserved_at > datetime.now(UTC) - timedelta(seconds=PAUSE_SECONDS))

    def is_calm(self, calm: timedelta = CALM) -> bool:
        """Whether logs arrive and none of the last seconds is anomalous."""
        lately = logs.c.arrived_at > datetime.now(UTC) - calm
        return bool(self.count(logs, lately)) and not self.count(logs, lately, logs.c.anomaly)

    def errors(self, service: str, since: datetime, until: datetime) -> float:
        """Share of errors in the logs of a service that arrived in that time; fails where there are none."""
        there = (logs.c.service == service, logs.c.arrived_at > since, logs.c.arrived_at <= until)
        return self.count(logs, *there, logs.c.level >= Level.ERROR) / self.count(logs, *there)


@dataclass(frozen=True)
class Case:
    """What happens from one moment on."""

    shop: Watched
    spawned: Counter[str]
    after_ledger: int
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def begin(cls, shop: Watched, *injections: Injection) -> Case:
        """Faults in a settled shop."""
        shop.settle()
        with shop.engine.begin() as connection:
            newest = int(connection.scalar(sa.select(sa.func.max(ledger.c.id))) or 0)
        case = cls(shop, shop.spawned(), newest)
        for injection in injections:
            control.inject(shop.home, injection)
        return case

    def actions(self) -> list[Row]:
        """Every action since."""
        return self.shop.rows(sa.select(actions).where(actions.c.reserved_at >= self.begun).order_by(actions.c.id))

    def has_begun_action(self) -> bool:
        """Whether an action was begun and has no end on record."""
        return any(row["state"] == ActionState.STARTED for row in self.actions())

    def has_begun_undo(self) -> bool:
        """Whether an undo was begun and has no end on record."""
        return any(row["undo"] == UndoState.STARTED for row in self.actions())

    def asked(self, service: str) -> tuple[int, str]:
        """The incident of a service that waits for a person's word, and its plan, once a page asks."""

        def waiting() -> list[Row]:
            told = {row["incident_id"] for row in self.pages() if (row["reason"], row["state"]) == ("approval", "sent")}
            return [row for row in self.of(service) if row["state"] == State.WAITING and row["id"] in told]

        until(waiting, f"a page that asks about {service}")
        (incident,) = waiting()
        mine = (ledger.c.kind == LedgerKind.ASKED, ledger.c.incident_id == incident["id"])
        asked = self.shop.rows(sa.select(ledger.c.fields).where(*mine).order_by(ledger.c.id))
        return incident["id"], asked[-1]["fields"]["plan"]

    def allow(self, service: str) -> None:
        """A person allows the plan that waits."""
        number, plan = self.asked(service)
        self.shop.stack.sre("approve", str(number), plan)

    def pages(self) -> list[Row]:
        """Every page since."""
        return self.shop.rows(sa.select(pages).where(pages.c.created_at >= self.begun).order_by(pages.c.id))

    def incidents(self) -> list[Row]:
        """Every incident that had an anomalous log since."""
        return self.shop.rows(sa.select(incidents).where(incidents.c.last_at >= self.begun).order_by(incidents.c.id))

    def noted(self, kind: LedgerKind, incident: int) -> int:
        """How often the ledger has this of the incident since."""
        newer = ledger.c.id > self.after_ledger
        return self.shop.count(ledger, newer, ledger.c.kind == kind, ledger.c.incident_id == incident)

    def of(self, service: str) -> list[Row]:
        """The confirmed incidents of a service that a playbook is for."""
        confirmed = [row for row in self.incidents() if row["service"] == service and row["confirmed_at"]]
        return [row for row in confirmed if row["playbook"]]

    def is_over(self, service: str) -> bool:
        """Whether the service's fault was answered to the end, and everything beside it too."""
        ends = (State.RESOLVED, State.ESCALATED)
        mine = [row for row in self.incidents() if row["service"] == service and row["confirmed_at"]]
        return bool(mine) and all(row["state"] in ends for row in mine) and self.shop.is_idle()

    # --- what must hold at the end of each case ------------------------------------------------------

    def flaws(self) -> list[str]:
        """What was doubled, forgotten or lost; empty when nothing was."""
        return [*self._of_incidents(), *self._of_actions(), *self._of_pages()]

    def _of_incidents(self) -> Iterator[str]:
        for row in self.incidents():
            named = f"incident {row['id']} of {row['service']}"
            if row["confirmed_at"] and row["state"] not in (State.RESOLVED, State.ESCALATED, State.MERGED):
                yield f"{named} is {row['state']}: forgotten"
            lives = 1 + self.noted(LedgerKind.REOPENED, row["id"])
            for kind in (LedgerKind.ESCALATED, LedgerKind.PLAN, LedgerKind.RESOLVED):
                if (times := self.noted(kind, row["id"])) > lives:
                    yield f"{named}: {kind} {times} times in {lives} episodes"

    def _of_actions(self) -> Iterator[str]:
        done = [row for row in self.actions() if row["state"] != "dropped"]
        for row in done:
            if row["state"] not in ("done", "failed") or (row["state"] == "done" and row["outcome"] is None):
                yield f"{row['kind']} {row['target']} is {row['state']} with outcome {row['outcome']}: forgotten"
        expected = Counter[str]()
        for row in done:
            expected[row["target"]] += _starts(row)
        real = self.shop.spawned() - self.spawned
        if real != expected:
            yield f"processes were started {dict(real)}, by the actions it should be {dict(expected)}"

    def _of_pages(self) -> Iterator[str]:
        mails = Counter(map(_identity, (self.shop.home / "mails").glob("*.eml")))
        for row in self.pages():
            if row["state"] == "sent" and not mails[message_id(row["key"])]:
                yield f"page {row['id']}, {row['reason']}, counts as sent and was not accepted"
            # What only suffers is told of when its likely origin is over.
            held = row["state"] == "queued" and row["muted_by"]
            if row["state"] not in ("sent", "suppressed") and not held:
                yield f"page {row['id']}, {row['reason']}, is {row['state']}"


def _starts(action: Row) -> int:
    """Processes that carrying the action out once starts."""
    before = Counter(process["state"] for process in action["before"]["processes"])
    if action["kind"] == "scale":
        return int(action["planned"]["parameters"]["workers"]) - before["running"]
    return before.total() - before["stopped"]


def _identity(mail: Path) -> str:
    return str(BytesHeaderParser().parsebytes(mail.read_bytes()).get("Message-ID", "")).strip()


@contextmanager
def watched(home: Path) -> Iterator[Watched]:
    """The agent and the shop, up; all of it ends with the block."""
    stack = Stack(home, "", TOPIC, changed(home))
    del stack.environ["SRE_KAFKA__BOOTSTRAP_SERVERS"]  # the embedded broker
    try:
        stack.sre("up", "--sink")
        running.up(home, bootstrap=stack.settings.kafka.bootstrap_servers, topic=TOPIC, rate=20)
        engine = stack.engine()
        yield Watched(stack, engine, Brake(engine))
        engine.dispose()
    finally:
        running.down(home)
        stack.sre("down")
        postgres.remove(home)
