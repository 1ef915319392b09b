"""Monitor: a PrometheusRule that tells of the workload's pods for a while, where the Prometheus operator runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from adapters.kubernetes.changes import Mark, Placed
from domain.parameters import Monitor

API = "monitoring.coreos.com/v1"
WITHOUT = "no rule"


class Watching:
    """Adds a rule of its own; when its time is over the rule is silent, whether it is removed or not."""

    def rolls_out(self, _placed: Placed) -> bool:
        return False

    def mark(self, placed: Placed) -> Mark:
        there = placed.cluster.get(f"{_collection(placed)}/{_name(placed)}") is not None
        goal = f"rule {_name(placed)}"
        return Mark(goal if there else WITHOUT, goal)

    def plan(self, placed: Placed) -> str:
        if placed.cluster.get(_collection(placed)) is None:
            raise placed.refused("the cluster knows no PrometheusRule, so it has no Prometheus operator")
        return f"tell of pods of {placed.order.target} that restart or are not ready for {_minutes(placed)} min"

    def apply(self, placed: Placed) -> None:
        placed.cluster.create(_collection(placed), rule(placed))

    def put_back(self, placed: Placed, mark: str) -> None:
        placed.cluster.delete(f"{_collection(placed)}/{_name(placed)}")


def rule(placed: Placed) -> dict[str, Any]:
    """The rule as the operator takes it."""
    ends = int((placed.now + timedelta(minutes=_minutes(placed))).timestamp())
    pods = f'namespace="{placed.workload.namespace}",pod=~"{placed.workload.name.replace(".", "[.]")}-.*"'
    while_it_lasts = f"and on() (vector(time()) < {ends})"
    alerts = {
        "PodRestarted": f"sum(increase(kube_pod_container_status_restarts_total{{{pods}}}[5m])) > 0",
        "PodNotReady": f'sum(kube_pod_status_ready{{{pods},condition="false"}}) > 0',
    }
    labels = {"severity": "warning", "workload": placed.workload.name}
    rules = [
        {"alert": name, "expr": f"({expression}) {while_it_lasts}", "labels": labels}
        for name, expression in alerts.items()
    ]
    return {
        "apiVersion": API,
        "kind": "PrometheusRule",
        "metadata": {"name": _name(placed), "labels": {"app.kubernetes.io/managed-by": "sre-agent"}},
        "spec": {"groups": [{"name": _name(placed), "interval": "15s", "rules": rules}]},
    }


def _minutes(placed: Placed) -> int:
    return cast("Monitor", placed.order.action.parameters).minutes


def _collection(placed: Placed) -> str:
    return f"/apis/{API}/namespaces/{placed.workload.namespace}/prometheusrules"


def _name(placed: Placed) -> str:
    """One for each order, so that taking over finds it; an object's name has no capitals."""
    return f"sre-agent-{placed.workload.name}-{placed.order.key or 'preview'}".lower()
