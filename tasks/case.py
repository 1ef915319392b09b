"""One incident in hand: what is known, and each step of its answer as a function that blocks.

Every step begins from what is stored, so that whoever takes a dead owner's incident over goes on
where that one stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NoReturn

from adapters.channels import CHANNELS
from adapters.executors import EXECUTORS
from adapters.kafka.decode import metric_mean
from adapters.store import action_log, incident_queue, outbox
from adapters.store.action_log import Intent, StoredAction
from adapters.store.batches import late_pages
from adapters.store.database import Connection, Engine, transaction
from adapters.store.incident_queue import Claim, note
from adapters.store.look_ups import fresh_logs
from adapters.store.switches import is_paused
from domain.correlation import LedgerKind, stored_page_key
from domain.errors import Refused, SreError, Unavailable
from domain.execution import Executor, Progress, progress, scale_progress
from domain.gate import History, Objected, Objection, Policy, objections, stale, switched_off
from domain.incidents import Incident, Resolution, State
from domain.pages import PageReason
from domain.plans import Action, ActionKind, Measure, Plan, Risk, Undo
from domain.playbooks import Playbook, bind, excerpt, fit
from domain.settings import Settings
from domain.verification import SETTLING, Outcome, Samples, Verdict, outcome

log = logging.getLogger(__name__)

SAMPLED_BODIES = 2_000
# Whoever handles an incident renews its lease at every step; the longest step is one call outside.
LEASE_SLACK = timedelta(seconds=15)


def _now() -> datetime:
    return datetime.now(UTC)


class Case:
    """One claimed incident and the means to answer it."""

    def __init__(
        self,
        claim: Claim,
        settings: Settings,
        engine: Engine,
        playbooks: tuple[Playbook, ...],
        executor: Executor | None = None,
    ) -> None:
        self.given = executor
        self.claim = claim
        self.settings = settings
        self.engine = engine
        self.playbooks = {playbook.id: playbook for playbook in playbooks}
        self.plan: Plan | None = None
        self.outcome: Outcome | None = None

    @property
    def incident(self) -> Incident:
        """The incident as it was claimed."""
        return self.claim.incident

    def __str__(self) -> str:
        return f"incident {self.incident.id}: {self.incident.title}"

    @property
    def lease(self) -> timedelta:
        """How long the incident stays ours without a sign of life."""
        return timedelta(seconds=self.settings.calls.timeout_seconds) + LEASE_SLACK

    def hold(self) -> None:
        """Renew the lease. Raises Refused when somebody else has the incident by now."""
        if not incident_queue.extend(self.engine, self.claim, until=_now() + self.lease):
            raise Refused(f"{self}: the lease was lost or it was closed meanwhile")

    # --- plan -----------------------------------------------------------------------------------

    def make_plan(self) -> Plan | None:
        """The plan of the playbook that fits, None when the incident is uncommon."""
        playbook = self.playbooks.get(self.incident.playbook)
        found = fit(playbook, self.incident) if playbook else None
        if playbook is None or found is None or not self.settings.mitigation.enabled:
            return None
        if found.confidence < self.settings.mitigation.common_error_threshold:
            return None
        self.plan = bind(playbook, self.incident, found.confidence)
        told = {"source": self.plan.source, "confidence": found.confidence, "why": found.reason}
        told["actions"] = [f"{action.kind} {action.target}" for action in self.plan.actions]
        with transaction(self.engine) as connection:
            incident_queue.move(connection, self.claim, self.incident.state, plan=_plan_json(self.plan))
            note(connection, LedgerKind.PLAN, self.incident.id, told, now=_now())
        return self.plan

    # --- gate -----------------------------------------------------------------------------------

    def policy(self) -> Policy:
        """What may run unattended right now."""
        limits = self.settings.mitigation
        return Policy(
            acting=limits.acting,
            paused=is_paused(self.engine),
            max_risk=Risk[limits.max_risk.upper()],
            min_confidence=limits.common_error_threshold,
            target_pause=timedelta(seconds=limits.target_seconds),
            actions_per_hour=limits.actions_per_hour,
            max_ineffective=limits.max_ineffective,
            max_evidence_age=timedelta(seconds=limits.evidence_seconds),
        )

    def gate(self, plan: Plan, ordinal: int, history: History) -> list[Objected]:
        """What speaks against the plan's next action; budgets are the whole plan's and asked once."""
        now = _now()
        incident = incident_queue.reread(self.engine, self.incident.id) or self.incident
        needs = self.playbooks[plan.source.removeprefix("playbook:")].preconditions
        if ordinal:
            return [*switched_off(self.policy()), *stale(incident, needs, self.policy(), now=now)]
        return objections(plan, incident, needs, self.policy(), history, now=now)

    def executor(self) -> Executor | None:
        """Who carries actions out, None where nothing is configured."""
        if self.given is not None:
            return self.given
        if not self.settings.mitigation.supervisord_url:
            return None
        return EXECUTORS["supervisord"](self.settings.mitigation, self.settings.calls)

    def objected(self, plan: Plan) -> list[str]:
        """What speaks against the plan before anything is begun, in words; kept with the incident."""
        executor = self.executor()
        targets = [action.target for action in plan.actions]
        found = self.gate(plan, 0, action_log.history(self.engine, targets, now=_now()))
        if not found:
            found = [met for name in targets for met in _unreachable(executor, name)]
        return self._keep(found)

    def _keep(self, found: list[Objected]) -> list[str]:
        if not found:
            return []
        told = [str(objected) for objected in found]
        with transaction(self.engine) as connection:
            incident_queue.move(connection, self.claim, self.incident.state, objections=told)
            note(connection, LedgerKind.OBJECTED, self.incident.id, {"objections": told}, now=_now())
        return told

    # --- act ------------------------------------------------------------------------------------

    def act(self, plan: Plan) -> list[str]:
        """Carry the plan's actions out, or finish what a dead owner began; objections met on the way.

        Raises Refused or Unavailable when the executor fails.
        """
        executor = self.executor()
        if executor is None:
            return self._keep([Objected(Objection.NO_TARGET, {"target": "mitigation.supervisord_url is not set"})])
        for ordinal, action in enumerate(plan.actions):
            self.hold()
            begun = action_log.of_incident(self.engine, self.incident.id)
            stored = begun[ordinal] if ordinal < len(begun) else None
            try:
                if stored:
                    met = self._take_over(executor, plan, action, stored)
                else:
                    met = self._begin(executor, plan, action, ordinal)
            except Unavailable as error:
                self._again_or_never(ordinal, error)
            if met:
                return self._keep(met)
        return []

    def _again_or_never(self, ordinal: int, error: Unavailable) -> NoReturn:
        """The executor did not answer: whoever claims the incident next looks at the world, as long as that is news.

        Perhaps the target is stopped and not started. Raises Unavailable at first, Refused in the end.
        """
        begun = action_log.of_incident(self.engine, self.incident.id)[ordinal:]
        since = begun[0].started_at if begun else self.incident.last_at
        if _now() - since < timedelta(seconds=self.settings.mitigation.evidence_seconds):
            raise error
        for stored in begun:
            action_log.fail(self.engine, self.claim, stored, str(error), now=_now())
        raise Refused(str(error)) from error

    def _begin(self, executor: Executor, plan: Plan, action: Action, ordinal: int) -> list[Objected]:
        before = executor.snapshot(action.target)
        if not before.processes:
            return [Objected(Objection.NO_TARGET, {"target": action.target})]
        intent = Intent(action, before, ordinal, plan.source)
        gate = partial(self.gate, plan, ordinal)
        if met := action_log.begin(self.engine, self.claim, intent, gate, now=_now()):
            return met
        stored = action_log.of_incident(self.engine, self.incident.id)[ordinal]
        self._perform(executor, stored, partial(executor.carry_out, action), "")
        return []

    def _take_over(self, executor: Executor, plan: Plan, action: Action, begun: StoredAction) -> list[Objected]:
        """Look at the world before doing anything again."""
        if begun.state == "done":
            return []
        if begun.state == "failed":
            raise Refused(f"{action.kind} {action.target} failed before")
        now = executor.snapshot(action.target)
        found = (
            scale_progress(begun.before, now, workers=action.parameters["workers"])
            if action.kind is ActionKind.SCALE
            else progress(begun.before, now)
        )
        if found is Progress.UNTOUCHED:
            last_check = partial(self.gate, plan, 1)
            if met := last_check(History({}, {}, 0)):
                action_log.fail(self.engine, self.claim, begun, "; ".join(map(str, met)), now=_now())
                return met
        steps: dict[Progress, Callable[[], None]] = {
            Progress.DONE: lambda: None,
            Progress.HALF: partial(executor.finish, action, begun.before),
            Progress.UNTOUCHED: partial(executor.carry_out, action),
            Progress.GONE: partial(_gone, action),
        }
        self._perform(executor, begun, steps[found], found)
        return []

    def _perform(self, executor: Executor, stored: StoredAction, step: Callable[[], None], found: str) -> None:
        try:
            step()
            after = executor.snapshot(stored.target)
        except Refused as error:
            action_log.fail(self.engine, self.claim, stored, str(error), now=_now())
            raise
        action_log.finish(self.engine, self.claim, stored, after, taken_over=found, now=_now())
        log.info(
            "action.done",
            extra={"target": stored.target, "pids_before": stored.before.pids, "pids_after": after.pids},
        )

    # --- verify ---------------------------------------------------------------------------------

    def look(self, plan: Plan) -> Outcome | None:
        """The verdict, None while it is too early for one."""
        self.hold()
        finished = [done.finished_at for done in action_log.of_incident(self.engine, self.incident.id)]
        finished_at = max(moment for moment in finished if moment is not None)
        wanted = plan.verification
        metric = wanted.metric if wanted.measure is Measure.METRIC else ""
        since = finished_at + SETTLING
        fresh = fresh_logs(self.engine, self.incident.service, since=since, bodies=SAMPLED_BODIES if metric else 0)
        mean = metric_mean(fresh.bodies, metric) if metric else None
        samples = Samples(fresh.logs, fresh.anomalous, fresh.errors, mean)
        self.outcome = outcome(samples, wanted, finished_at=finished_at, now=_now())
        return self.outcome

    def conclude(self, plan: Plan, found: Outcome) -> None:
        """Resolve, or take back what can be taken back and get a human."""
        action_log.judge(self.engine, self.incident.id, found, now=_now())
        if found.verdict is Verdict.RECOVERED:
            with transaction(self.engine) as connection:
                incident_queue.move(connection, self.claim, State.VERIFYING)
                incident_queue.resolve(connection, self.incident.id, Resolution.VERIFIED, now=_now(), **found.numbers())
            return
        self._undo(plan)
        reason = PageReason.INEFFECTIVE if found.verdict is Verdict.INEFFECTIVE else PageReason.UNKNOWN
        value = "no value" if found.value is None else f"{found.value:.3g}"
        looked = f"{plan.verification.measure} {value} in {found.samples} fresh logs"
        told = f"Verification: {looked}, at most {found.at_most:g}"
        self.escalate(reason, [told])

    def _undo(self, plan: Plan) -> None:
        executor = self.executor()
        if executor is None:
            return
        begun = action_log.of_incident(self.engine, self.incident.id)
        for action, stored in reversed(list(zip(plan.actions, begun, strict=False))):
            if action.undo is Undo.NONE or stored.undone:
                continue
            try:
                executor.undo(action, stored.before)
                action_log.mark_undone(self.engine, stored, now=_now())
            except (Refused, Unavailable) as error:
                log.exception("action.undo-failed", extra={"target": stored.target, "error": str(error)})

    def _is_late(self, reason: PageReason) -> bool:
        """Whether this is old news; what came of an action is news in any case."""
        old = _now() - self.incident.last_at > timedelta(seconds=self.settings.paging.late_seconds)
        return old and reason in (PageReason.UNCOMMON, PageReason.OBJECTED)

    def _is_told(self, connection: Connection, reason: PageReason) -> bool:
        """Whether a human knows: by this incident's page, or by the one late page of its service."""
        if reason is PageReason.UNCOMMON and self.incident.page_key:
            return True
        return self._is_late(reason) and bool(late_pages(connection, [self.incident.service], now=_now()))

    # --- human ----------------------------------------------------------------------------------

    def escalate(self, reason: PageReason, lines: list[str]) -> None:
        """Give the incident to a human: page, unless it was paged for this reason before."""
        tried = [
            f"Done: {done.kind} {done.target}: {done.state}, pids {list(done.before.pids)}"
            f" to {list(done.after.pids) if done.after else 'unknown'}"
            for done in action_log.of_incident(self.engine, self.incident.id)
        ]
        playbook = self.playbooks.get(self.incident.playbook)
        known = [f"Playbook: {playbook.title} ({playbook.path}), owner {playbook.owner}"] if playbook else []
        if playbook:
            known += excerpt(playbook.body, self.settings.playbooks.max_context_length).splitlines()
        with transaction(self.engine) as connection:
            incident_queue.move(connection, self.claim, State.ESCALATED, handled=True)
            if self._is_told(connection, reason):
                note(
                    connection,
                    LedgerKind.PAGE_SUPPRESSED,
                    self.incident.id,
                    {"why": "told before, or late"},
                    now=_now(),
                )
            else:
                outbox.queue(
                    connection,
                    self.incident,
                    reason,
                    key=stored_page_key(self.incident, reason),
                    channels=CHANNELS,
                    lines=[*lines, *tried, *known],
                    now=_now(),
                    late=self._is_late(reason),
                )
            note(connection, LedgerKind.ESCALATED, self.incident.id, {"reason": reason}, now=_now())


def _unreachable(executor: Executor | None, target: str) -> list[Objected]:
    """What speaks against acting on a target that nobody can reach."""
    if executor is None:
        return [Objected(Objection.NO_TARGET, {"target": target, "executor": "mitigation.supervisord_url is not set"})]
    try:
        there = executor.snapshot(target).processes
    except SreError as error:
        return [Objected(Objection.NO_TARGET, {"target": target, "executor": str(error)})]
    return [] if there else [Objected(Objection.NO_TARGET, {"target": target})]


def _gone(action: Action) -> None:
    raise Refused(f"{action.kind} {action.target}: the target no longer exists")


def _plan_json(plan: Plan) -> dict[str, object]:
    return {
        "source": plan.source,
        "confidence": plan.confidence,
        "risk": plan.risk.name.lower(),
        "actions": [asdict(action) | {"risk": action.risk.name.lower()} for action in plan.actions],
        "verification": {
            "measure": plan.verification.measure,
            "metric": plan.verification.metric,
            "at_most": plan.verification.at_most,
            "within_seconds": plan.verification.within.total_seconds(),
        },
    }
