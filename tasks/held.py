"""An incident whose step is ours: what a step needs, and the one transaction in which it writes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from adapters.dry_run import DryRun
from adapters.executing import Given, wall_clock
from adapters.executors import EXECUTORS
from adapters.store import answers, step_queue
from adapters.store.database import Connection, Engine, transaction
from adapters.store.knowledge_rows import remember
from adapters.store.step_queue import Claim
from adapters.store.switches import paused
from domain.asking import Policy
from domain.errors import Refused, Unavailable
from domain.execution import Executor
from domain.plans import ActionKind, Plan
from domain.policies import policy_of
from domain.replay import knowledge_digest
from domain.settings import Settings
from domain.steps import Answer, Step
from tasks.judging import Knowledge
from tasks.retrieval import Library

# A step renews the lease before each effect; the longest is one call outside.
LEASE_SLACK = timedelta(seconds=15)


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What every step is taken with; a look into the outside goes through here."""

    engine: Engine
    knowledge: Knowledge
    given: Executor | None = None  # carries out everything; without one the inventory names who does
    clock: Callable[[], datetime] = wall_clock
    home: Path = Path(".sre")  # where executors write down what they did
    library: Library | None = None  # what can be looked up for incidents
    remembered: set[str] = field(default_factory=set)  # digests of knowledge that is surely stored

    @property
    def settings(self) -> Settings:
        """The whole tree."""
        return self.knowledge.settings

    @property
    def lease(self) -> timedelta:
        """How long an incident stays ours without a sign of life."""
        return timedelta(seconds=self.settings.calls.timeout_seconds) + LEASE_SLACK

    def executor(self, name: str) -> Executor:
        """Who carries actions out, while acting is off a dry run. Raises as `finisher`."""
        real = self.finisher(name)
        return real if self.given is not None or self.settings.mitigation.acting else DryRun(real)

    def finisher(self, name: str) -> Executor:
        """Who finishes what was begun, also when acting is off by now: what is half done must not stay so.

        Raises Refused where nothing of that name is set up, BadSettings when wrongly.
        """
        if self.given is not None:
            return self.given
        if name not in EXECUTORS:
            raise Refused(f"there is no executor {name!r}; known are {', '.join(sorted(EXECUTORS))}")
        return EXECUTORS[name](Given(self.settings, self.engine, self.home, self.clock))

    def named(self, connection: Connection) -> str:
        """The digest of what decides, which is stored with the transaction at the latest."""
        digest = knowledge_digest(self.knowledge.texts)
        if digest not in self.remembered:
            remember(connection, *self.knowledge.texts, now=self.clock())
        return digest

    def policy(self, connection: Connection) -> Policy:
        """What may run unattended, as the transaction sees it that would begin something."""
        return policy_of(self.settings.mitigation, stopped=paused(connection))


@dataclass(frozen=True, slots=True)
class Held:
    """One claimed incident."""

    means: Means
    claim: Claim

    def now(self) -> datetime:
        """The clock of the means."""
        return self.means.clock()

    def read(self) -> Answer:
        """What is stored about the incident. Raises Refused when there is nothing any more."""
        with transaction(self.means.engine) as connection:
            return _there(answers.read(connection, self.claim.incident_id), self.claim)

    def renew(self) -> None:
        """A sign of life before something that takes time. Raises Refused when the lease was lost."""
        step_queue.hold(self.means.engine, self.claim, until=self.now() + self.means.lease)

    @contextmanager
    def while_it_takes(self, kind: ActionKind) -> Iterator[None]:
        """The lease is renewed as long as an effect of that kind may take. Raises Refused when it was lost before."""
        self.renew()
        # A clock that is set must neither end this early nor make it last.
        ends = monotonic() + self.means.settings.mitigation.effect_seconds.of(kind) + LEASE_SLACK.total_seconds()
        over = Event()
        renewer = Thread(target=self._keep_renewing, args=(over, ends), name=f"lease of {self.claim.incident_id}")
        renewer.start()
        try:
            yield
        finally:
            over.set()
            renewer.join()

    def _keep_renewing(self, over: Event, ends: float) -> None:
        """Renew it three times within its length; once it is lost, whoever has it decides what comes next."""
        while not over.wait(self.means.lease.total_seconds() / 3) and monotonic() < ends:
            try:
                self.renew()
            except Unavailable:
                log.warning("lease.not_renewed", extra={"incident": self.claim.incident_id})
            except Refused:
                return

    @contextmanager
    def writing(self, step: Step) -> Iterator[tuple[Connection, Answer]]:
        """One transaction in which the incident is ours and nobody else's, with its answer as it is now.

        The step goes on record in it. Raises Refused when the lease was lost.
        """
        with transaction(self.means.engine) as connection:
            answer = _there(answers.read(connection, self.claim.incident_id, lock=True), self.claim)
            step_queue.keep(connection, self.claim, until=self.now() + self.means.lease)
            named = self.means.named(connection)
            answers.record(connection, answer, step, knowledge=named, now=self.now())
            yield connection, answer
        self.means.remembered.add(named)


def _there(answer: Answer | None, claim: Claim) -> Answer:
    if answer is None:
        raise Refused(f"incident {claim.incident_id} does not exist any more")
    return answer


def planned(answer: Answer) -> Plan:
    """The stored plan. Raises Refused where there is none: the table gives no such step."""
    if answer.plan is None:
        raise Refused(f"incident {answer.incident.id} has no plan")
    return answer.plan
