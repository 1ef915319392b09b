"""The executor: reads a workload, writes once on what it read, and waits until the cluster has brought it about.

Whoever takes over sees by the mark whether the write was made, and then only waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.executing import Deadline, Given, must_know
from adapters.kubernetes.changes import Change, Placed
from adapters.kubernetes.cluster import Cluster, Conflict
from adapters.kubernetes.releases import RollingBack
from adapters.kubernetes.restarts import Restarting
from adapters.kubernetes.rollouts import rollout, stalled
from adapters.kubernetes.rules import Watching
from adapters.kubernetes.scaling import Scaling
from adapters.kubernetes.values import Configuring
from adapters.kubernetes.workloads import existing, find, processes, trouble
from domain.errors import Refused, Unavailable
from domain.execution import HOPELESS, Order, Progress, Snapshot
from domain.plans import ActionKind, Undo

POLL_SECONDS = 0.5
ANSWER_SECONDS = 10.0  # the longest that one request may take
TRIES = 5  # reads and writes of one object that others change as well

CHANGES: Mapping[ActionKind, Change] = {
    ActionKind.RESTART: Restarting(),
    ActionKind.SCALE: Scaling(),
    ActionKind.CONFIGURE: Configuring(),
    ActionKind.ROLLBACK_DEPLOY: RollingBack(),
    ActionKind.MONITOR: Watching(),
}


class KubernetesExecutor:
    """Acts on the workloads of one cluster; a target is NAMESPACE/deployment/NAME, or statefulset, daemonset."""

    name = "kubernetes"
    kinds = frozenset(CHANGES)

    def __init__(self, given: Given) -> None:
        """Raises BadSettings where the settings name no cluster that can be reached."""
        settings, calls = given.settings.mitigation, given.settings.calls
        seconds = min(ANSWER_SECONDS, calls.timeout_seconds)
        self.cluster = Cluster(settings.kubeconfig, settings.kube_context, seconds)
        self.limits = settings.effect_seconds
        self.clock = given.clock

    def snapshot(self, target: str) -> Snapshot:
        """The pods of the target as they are now; none when there is no such target."""
        workload = find(self.cluster, target)
        return Snapshot(target, processes(self.cluster, workload) if workload else ())

    def observe(self, order: Order) -> Snapshot:
        """The target as it is now, with what the order changes."""
        workload = find(self.cluster, order.target)
        if workload is None or order.action.kind not in CHANGES:
            return self.snapshot(order.target)
        change, placed = CHANGES[order.action.kind], Placed(self.cluster, workload, order, self.clock())
        mark = change.mark(placed)
        settled = not change.rolls_out(placed) or rollout(workload).done
        return Snapshot(order.target, processes(self.cluster, workload), mark.now, mark.goal, settled)

    def preview(self, order: Order) -> str:
        """What would be done, in words. Raises Refused where it cannot or need not be done."""
        must_know(self, order)
        return CHANGES[order.action.kind].plan(self._placed(order))

    def carry_out(self, order: Order) -> None:
        """Do it, and return when the rollout is complete. Raises Refused with what the cluster says when it stalls."""
        must_know(self, order)
        deadline, change = Deadline(self.limits.of(order.action.kind)), CHANGES[order.action.kind]

        def apply(placed: Placed) -> None:
            change.plan(placed)
            change.apply(placed)

        self._settle(order, deadline, self._write(order, apply))

    def finish(self, order: Order, before: Snapshot) -> None:
        """Wait for what was begun; where the write was not made, nothing is done."""
        must_know(self, order)
        deadline = Deadline(self.limits.of(order.action.kind))
        if self._mark(self._placed(order)) == before.goal:
            self._settle(order, deadline, "")

    def undo(self, order: Order, before: Snapshot) -> None:
        """Put back what was; where somebody else changed it since, it is left as it is, and Refused says so."""
        must_know(self, order)
        if order.action.undo is not Undo.RESTORE:
            return
        deadline, change = Deadline(self.limits.of(order.action.kind)), CHANGES[order.action.kind]

        def put_back(placed: Placed) -> None:
            now = self._mark(placed)
            if now not in (before.mark, before.goal):
                raise placed.refused(HOPELESS[Progress.OTHER])
            if now != before.mark:
                change.put_back(placed, before.mark)

        self._settle(order, deadline, self._write(order, put_back))

    def _placed(self, order: Order) -> Placed:
        return Placed(self.cluster, existing(self.cluster, order.target), order, self.clock())

    def _mark(self, placed: Placed) -> str:
        return CHANGES[placed.order.action.kind].mark(placed).now

    def _write(self, order: Order, write: Callable[[Placed], None]) -> str:
        """Write once, on what was read; the stall that was there before, which says nothing about our write.

        Where somebody else wrote in between, it is read again; where that was what we change, it is Refused.
        """
        first: str | None = None
        for _ in range(TRIES):
            placed = self._placed(order)
            mark = self._mark(placed)
            if first not in (None, mark):
                raise placed.refused(HOPELESS[Progress.OTHER])
            first = mark
            try:
                write(placed)
            except Conflict:
                continue
            return stalled(placed.workload.document.get("status", {}))
        raise Unavailable(f"{order.action.kind} {order.target}: others changed it {TRIES} times while we tried")

    def _settle(self, order: Order, deadline: Deadline, old_stall: str) -> None:
        """Wait until the cluster has brought it about. Raises Refused when it stalls, Unavailable at the deadline."""
        change = CHANGES[order.action.kind]
        while True:
            placed = self._placed(order)
            if not change.rolls_out(placed):
                return
            seen = rollout(placed.workload)
            if seen.done:
                return
            if seen.stalled not in ("", old_stall):
                why = "; ".join(filter(None, (seen.stalled, trouble(self.cluster, placed.workload))))
                raise Refused(f"{order.action.kind} {order.target}: the rollout stalled: {why}")
            deadline.wait(POLL_SECONDS, f"rollout of {order.target}: {seen.words}")
