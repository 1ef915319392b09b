"""What a target names: a Deployment, StatefulSet or DaemonSet, and its pods in the domain's words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from adapters.kubernetes.cluster import Cluster, Document
from domain.errors import Refused
from domain.execution import ProcessState, TargetState

_NAME = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"  # of an object; a name never makes another path
_TARGET = re.compile(rf"({_NAME})/(deployment|statefulset|daemonset)/({_NAME})")

# Why a container waits or ended that does not come up by itself; whatever else it waits for may pass.
STUCK = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)


class Kind(StrEnum):
    """The kinds of workload that can be a target."""

    DEPLOYMENT = "deployment"
    STATEFUL_SET = "statefulset"
    DAEMON_SET = "daemonset"


@dataclass(frozen=True, slots=True)
class Workload:
    """A target as it is now."""

    target: str  # namespace/kind/name
    namespace: str
    kind: Kind
    name: str
    document: Document

    @property
    def path(self) -> str:
        """Where the API server has it."""
        return _path(self.namespace, self.kind, self.name)

    @property
    def version(self) -> str:
        """The version that was read: a patch that names it fails when somebody else wrote since."""
        return str(self.document["metadata"]["resourceVersion"])

    @property
    def selector(self) -> str:
        """The label selector of its pods."""
        wanted = self.document["spec"]["selector"]
        labels = [f"{key}={value}" for key, value in wanted.get("matchLabels", {}).items()]
        return ",".join([*labels, *map(_expression, wanted.get("matchExpressions", ()))])

    @property
    def replicas(self) -> int:
        """Pods that are wanted; of a DaemonSet as many as there are nodes for it."""
        if self.kind is Kind.DAEMON_SET:
            return int(self.document["status"].get("desiredNumberScheduled", 0))
        return int(self.document["spec"].get("replicas", 1))


def _path(namespace: str, kind: str, name: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/{kind}s/{name}"


def _expression(wanted: Document) -> str:
    """One of `matchExpressions` as a selector is written."""
    key, values = wanted["key"], ",".join(wanted.get("values") or ())
    forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}
    return str(forms[wanted["operator"]])


def target_flaw(target: str) -> str:
    """Why `target` can be the name of no workload, in words; empty where it can."""
    if _TARGET.fullmatch(target):
        return ""
    return f"{target!r} is no target on Kubernetes; one is NAMESPACE/deployment/NAME, or statefulset, daemonset"


def find(cluster: Cluster, target: str) -> Workload | None:
    """The workload that `target` names; None where there is none. Raises Refused when it can be no such name."""
    named = _TARGET.fullmatch(target)
    if named is None:
        raise Refused(target_flaw(target))
    namespace, kind, name = named.groups()
    found = cluster.get(_path(namespace, kind, name))
    return Workload(target, namespace, Kind(kind), name, found) if found is not None else None


def existing(cluster: Cluster, target: str) -> Workload:
    """The workload that `target` names. Raises Refused where there is none."""
    if found := find(cluster, target):
        return found
    raise Refused(f"{target}: the cluster has no such workload")


def processes(cluster: Cluster, workload: Workload) -> tuple[ProcessState, ...]:
    """Its pods, sorted by name."""
    found = (_process(workload.target, pod) for pod in _pods(cluster, workload))
    return tuple(sorted(found, key=lambda process: process.name))


def trouble(cluster: Cluster, workload: Workload) -> str:
    """Why pods of it do not come up, in words; empty where none of them is stuck."""
    pods = _pods(cluster, workload)
    return "; ".join(sorted(f"pod {pod['metadata']['name']} is in {why}" for pod in pods if (why := _stuck(pod))))


def _pods(cluster: Cluster, workload: Workload) -> list[Document]:
    """The pods that it has; neither those of others under its labels, nor those that are on their way out."""
    found = cluster.items(f"/api/v1/namespaces/{workload.namespace}/pods", workload.selector)
    return [pod for pod in found if _owned(pod, workload) and not pod["metadata"].get("deletionTimestamp")]


def _owned(pod: Document, workload: Workload) -> bool:
    """Whether the workload controls the pod; a Deployment does by a ReplicaSet that bears its name."""
    owners: Iterable[Document] = pod["metadata"].get("ownerReferences", ())
    if workload.kind is Kind.DEPLOYMENT:
        names = (owner["name"].rpartition("-")[0] for owner in owners if owner["kind"] == "ReplicaSet")
        return workload.name in names
    return any(owner["uid"] == workload.document["metadata"]["uid"] for owner in owners)


def _process(target: str, pod: Document) -> ProcessState:
    """A pod as a process of its target. A pod has no pid: the head of its uid, which no other pod gets, stands for it.

    It begins with the pod: a container that is started again within it is the same process.
    """
    state, started = _state(pod), pod.get("status", {}).get("startTime")
    return ProcessState(
        name=f"{target}:{pod['metadata']['name']}",
        state=state,
        pid=int(pod["metadata"]["uid"][:8], 16) if state is TargetState.RUNNING else 0,
        started_at=datetime.fromisoformat(started) if started else None,
    )


def _state(pod: Document) -> TargetState:
    """A pod in the domain's words."""
    status = pod.get("status", {})
    phase = status.get("phase")
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))
    if phase in ("Failed", "Succeeded") or _stuck(pod):
        return TargetState.FAILED
    if phase == "Running" and ready:
        return TargetState.RUNNING
    return TargetState.CHANGING if phase in ("Pending", "Running") else TargetState.UNKNOWN


def _stuck(pod: Document) -> str:
    """Why the pod does not come up by itself; empty where nothing says so."""
    status = pod.get("status", {})
    each = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    reasons = (one.get("state", {}).get("waiting", {}).get("reason", "") for one in each)
    return next((reason for reason in reasons if reason in STUCK), "")
