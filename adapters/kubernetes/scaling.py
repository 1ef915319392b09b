"""Scale: so many pods are wanted; the undo puts back the number that was."""

from __future__ import annotations

from typing import cast

from adapters.kubernetes.changes import Mark, Placed
from adapters.kubernetes.cluster import Patch
from adapters.kubernetes.workloads import Kind
from domain.parameters import Scale


class Scaling:
    """Sets the number of replicas. An autoscaler's number is its own, so that workload is left alone."""

    def rolls_out(self, _placed: Placed) -> bool:
        return True

    def mark(self, placed: Placed) -> Mark:
        return Mark(str(placed.workload.replicas), str(_wanted(placed)))

    def plan(self, placed: Placed) -> str:
        replicas, wanted = placed.workload.replicas, _wanted(placed)
        if placed.workload.kind is Kind.DAEMON_SET:
            raise placed.refused("a DaemonSet has one pod on each node, so it cannot be scaled")
        if replicas == 0:
            raise placed.refused("somebody scaled it to 0, so it is not started")
        if replicas >= wanted:
            raise placed.refused(f"it has {replicas} replicas, so {wanted} are no more")
        if autoscaler := _autoscaler(placed):
            raise placed.refused(f"the autoscaler {autoscaler} decides about its replicas")
        return f"scale {placed.order.target} from {replicas} to {wanted} replicas"

    def apply(self, placed: Placed) -> None:
        _scale(placed, _wanted(placed))

    def put_back(self, placed: Placed, mark: str) -> None:
        _scale(placed, int(mark))


def _wanted(placed: Placed) -> int:
    return cast("Scale", placed.order.action.parameters).workers


def _scale(placed: Placed, replicas: int) -> None:
    body = {"metadata": placed.version, "spec": {"replicas": replicas}}
    placed.cluster.patch(placed.workload.path, body, Patch.MERGE)


def _autoscaler(placed: Placed) -> str:
    """The HorizontalPodAutoscaler of the workload; empty where it has none."""
    path = f"/apis/autoscaling/v2/namespaces/{placed.workload.namespace}/horizontalpodautoscalers"
    for found in placed.cluster.items(path):
        of = found["spec"]["scaleTargetRef"]
        if (of["kind"].lower(), of["name"]) == (placed.workload.kind, placed.workload.name):
            return str(found["metadata"]["name"])
    return ""
