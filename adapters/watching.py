"""A sharper watch on a service for a while: its first anomalous log confirms an incident.

Where the settings ask for it, a workload of Kubernetes gets a PrometheusRule for as long, beside our own watch.
"""

from __future__ import annotations

from datetime import timedelta

from adapters.executing import Given, must_know
from adapters.kubernetes import KubernetesExecutor, target_flaw
from adapters.kubernetes.rules import WITHOUT
from adapters.store import watches
from adapters.store.database import Engine
from domain.execution import Order, Snapshot
from domain.parameters import Monitor
from domain.plans import ActionKind, Undo

ON = "watched"


class WatchingExecutor:
    """Tells our own `watch` to look at a service more sharply; where it runs does not matter."""

    name = "watching"
    kinds = frozenset({ActionKind.MONITOR})

    def __init__(self, given: Given) -> None:
        self.given = given
        self.rules = KubernetesExecutor(given) if given.settings.mitigation.prometheus_rules else None

    @property
    def engine(self) -> Engine:
        """Our store. Raises Refused where there is none."""
        return self.given.store("a sharper watch needs the agent's database")

    def snapshot(self, target: str) -> Snapshot:
        """A service has no processes here."""
        return Snapshot(target)

    def observe(self, order: Order) -> Snapshot:
        """Whether the order's watch is on, and its rule where there is one."""
        is_on = self.given.engine is not None and watches.until(self.engine, order.key) is not None
        rule = self._rule(order)
        settled = True
        if rule is not None:
            seen = rule.observe(order)
            settled = not is_on or seen.mark == seen.goal
        return Snapshot(order.target, mark=ON if is_on else "none", goal=ON, settled=settled)

    def preview(self, order: Order) -> str:
        """For how long it would be watched, in words."""
        who, rule = order.service or order.target, self._rule(order)
        ours = f"watch {who} for {_minutes(self, order)} minutes: one anomalous log confirms an incident"
        return f"{ours}, and {rule.preview(order)}" if rule else ours

    def carry_out(self, order: Order) -> None:
        """Watch it from now on."""
        self._watch(order)
        if (rule := self._rule(order)) is not None:
            rule.carry_out(order)

    def finish(self, order: Order, before: Snapshot) -> None:
        """Add what is missing of the watch and of its rule."""
        if watches.until(self.engine, order.key) is None:
            self._watch(order)
        rule = self._rule(order)
        if rule is not None and (seen := rule.observe(order)).mark != seen.goal:
            rule.carry_out(order)

    def undo(self, order: Order, before: Snapshot) -> None:
        """End this order's watch, and remove its rule."""
        if order.action.undo is not Undo.RESTORE:
            return
        watches.end(self.engine, order.key)
        if (rule := self._rule(order)) is not None:
            seen = rule.observe(order)
            rule.undo(order, Snapshot(before.target, mark=WITHOUT, goal=seen.goal))

    def _watch(self, order: Order) -> None:
        now = self.given.clock()
        until = now + timedelta(minutes=_minutes(self, order))
        watches.add(self.engine, order.key, order.service or order.target, since=now, until=until)

    def _rule(self, order: Order) -> KubernetesExecutor | None:
        """Who keeps rules for the order's target; None where nobody does."""
        return self.rules if self.rules is not None and not target_flaw(order.target) else None


def _minutes(executor: WatchingExecutor, order: Order) -> int:
    must_know(executor, order)
    assert isinstance(order.action.parameters, Monitor)  # noqa: S101 - an action has its kind's parameters
    return order.action.parameters.minutes
