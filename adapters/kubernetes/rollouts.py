"""How far a rollout has come, by what the workload's own status says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.kubernetes.cluster import Document
from adapters.kubernetes.workloads import Kind, Workload

TIMED_OUT = "ProgressDeadlineExceeded"
BY_HAND = "OnDelete"


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout at one moment."""

    done: bool  # every wanted pod is of the present version and available, and no other is left
    words: str  # `2 of 3 pods are of the new version, 1 is available`
    stalled: str = ""  # what the Deployment says when it was given up


def rollout(workload: Workload) -> Rollout:
    """How far the present version of the workload is rolled out."""
    status = workload.document.get("status", {})
    updated, available, others = COUNTS[workload.kind](workload, status)
    wanted = workload.replicas
    words = f"{updated} of {wanted} pods are of the new version, {available} available"
    # Until the controller has seen our change, the status tells of the version before it.
    seen = int(status.get("observedGeneration", 0)) >= int(workload.document["metadata"]["generation"])
    if not seen:
        return Rollout(done=False, words="the controller has not seen the change yet")
    done = updated >= wanted and available >= wanted and not others
    return Rollout(done, words, "" if done else stalled(status))


def hindrance(workload: Workload) -> str:
    """Why a new version would not be rolled out, in words; empty where it would."""
    spec = workload.document["spec"]
    strategy = spec.get("updateStrategy", {})
    if workload.replicas == 0:
        of_nodes = workload.kind is Kind.DAEMON_SET
        return "no node is there for it" if of_nodes else "somebody scaled it to 0, so it is not started"
    if spec.get("paused"):
        return "somebody paused its rollouts"
    if strategy.get("type") == BY_HAND:
        return f"its pods are replaced by hand only ({BY_HAND})"
    if strategy.get("rollingUpdate", {}).get("partition", 0):
        return "a partition keeps some of its pods on their version"
    return ""


def stalled(status: Document) -> str:
    """What the Deployment says about a rollout that it gave up; empty where it did not."""
    found = (each for each in status.get("conditions", ()) if each.get("reason") == TIMED_OUT)
    return next((f"{each.get('message') or TIMED_OUT} ({TIMED_OUT})" for each in found), "")


def _of_deployment(_workload: Workload, status: Document) -> tuple[int, int, int]:
    updated = int(status.get("updatedReplicas", 0))
    return updated, int(status.get("availableReplicas", 0)), int(status.get("replicas", 0)) - updated


def _of_stateful_set(workload: Workload, status: Document) -> tuple[int, int, int]:
    """A StatefulSet with one revision has no updated replicas to count."""
    same = status.get("currentRevision") == status.get("updateRevision")
    updated = workload.replicas if same else int(status.get("updatedReplicas", 0))
    return updated, int(status.get("availableReplicas", 0)), int(status.get("replicas", 0)) - workload.replicas


def _of_daemon_set(_workload: Workload, status: Document) -> tuple[int, int, int]:
    return int(status.get("updatedNumberScheduled", 0)), int(status.get("numberAvailable", 0)), 0


# Kind -> (pods of the present version, available pods, pods of another version that are left).
COUNTS: Mapping[Kind, Callable[[Workload, Document], tuple[int, int, int]]] = {
    Kind.DEPLOYMENT: _of_deployment,
    Kind.STATEFUL_SET: _of_stateful_set,
    Kind.DAEMON_SET: _of_daemon_set,
}
