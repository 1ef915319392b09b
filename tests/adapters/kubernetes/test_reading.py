"""What statuses say, without a server: how far a rollout is, and how a pod is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from adapters.kubernetes.releases import digest
from adapters.kubernetes.restarts import RESTARTED_BY
from adapters.kubernetes.rollouts import Rollout, rollout
from adapters.kubernetes.workloads import Kind, Workload, _process
from domain.execution import TargetState

TIMED_OUT = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "web-1 has timed out."}


def a_workload(kind: Kind, status: Mapping[str, Any], replicas: int = 3, **spec: Any) -> Workload:
    document = {"metadata": {"generation": 2}, "spec": {"replicas": replicas, **spec}, "status": status}
    return Workload(f"shop/{kind}/web", "shop", kind, "web", document)


def deployment(*, seen: int = 2, replicas: int = 3, updated: int = 3, available: int = 3, **more: Any) -> Workload:
    status = {"observedGeneration": seen, "replicas": replicas, "updatedReplicas": updated}
    return a_workload(Kind.DEPLOYMENT, status | {"availableReplicas": available} | more)


def stateful(current: str, update: str, *, updated: int = 3, available: int = 3) -> Workload:
    revisions = {"currentRevision": current, "updateRevision": update, "updatedReplicas": updated}
    return a_workload(
        Kind.STATEFUL_SET, {"observedGeneration": 2, "replicas": 3, "availableReplicas": available} | revisions
    )


def daemons(*, updated: int, available: int) -> Workload:
    counts = {"desiredNumberScheduled": 3, "updatedNumberScheduled": updated, "numberAvailable": available}
    return a_workload(Kind.DAEMON_SET, {"observedGeneration": 2} | counts)


@pytest.mark.parametrize(
    ("workload", "done"),
    [
        pytest.param(deployment(), True, id="a Deployment with all its pods new and available is done"),
        pytest.param(deployment(seen=1), False, id="a change that the controller has not seen is not done"),
        pytest.param(deployment(updated=2), False, id="a Deployment with an old pod left is not done"),
        pytest.param(deployment(replicas=4), False, id="a Deployment with one pod too many is not done"),
        pytest.param(deployment(available=2), False, id="a Deployment with a pod that is not available is not done"),
        pytest.param(stateful("a", "a"), True, id="a StatefulSet of one revision is done"),
        pytest.param(stateful("a", "b", updated=2), False, id="a StatefulSet with an old pod left is not done"),
        pytest.param(stateful("a", "a", available=2), False, id="a StatefulSet with a pod missing is not done"),
        pytest.param(daemons(updated=3, available=3), True, id="a DaemonSet with all its pods new is done"),
        pytest.param(daemons(updated=2, available=3), False, id="a DaemonSet with an old pod left is not done"),
        pytest.param(a_workload(Kind.DEPLOYMENT, {}), False, id="a Deployment that no controller has seen is not done"),
    ],
)
def test_how_far_a_rollout_is(workload: Workload, done: bool) -> None:  # noqa: FBT001 - the expected value
    assert done == rollout(workload).done


def test_a_rollout_that_was_given_up_says_why() -> None:
    found = rollout(deployment(updated=1, available=2, conditions=[TIMED_OUT]))
    words = "1 of 3 pods are of the new version, 2 available"
    assert Rollout(False, words, "web-1 has timed out. (ProgressDeadlineExceeded)") == found


def test_what_was_given_up_and_came_up_after_all_is_done() -> None:
    assert Rollout(True, "3 of 3 pods are of the new version, 3 available") == rollout(
        deployment(conditions=[TIMED_OUT])
    )


READY = [{"type": "Ready", "status": "True"}]


def waiting(reason: str) -> list[dict[str, Any]]:
    return [{"name": "main", "state": {"waiting": {"reason": reason}}}]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param({"phase": "Running", "conditions": READY}, TargetState.RUNNING, id="ready"),
        pytest.param({"phase": "Running"}, TargetState.CHANGING, id="runs and is not ready yet"),
        pytest.param({"phase": "Pending"}, TargetState.CHANGING, id="waits for a node"),
        pytest.param(
            {"phase": "Pending", "containerStatuses": waiting("ContainerCreating")},
            TargetState.CHANGING,
            id="its container is being made",
        ),
        pytest.param(
            {"phase": "Running", "containerStatuses": waiting("CrashLoopBackOff")}, TargetState.FAILED, id="crash loop"
        ),
        pytest.param(
            {"phase": "Pending", "initContainerStatuses": waiting("ImagePullBackOff")},
            TargetState.FAILED,
            id="the image of an init container cannot be pulled",
        ),
        pytest.param({"phase": "Failed"}, TargetState.FAILED, id="evicted"),
        pytest.param({"phase": "Unknown"}, TargetState.UNKNOWN, id="its node is lost"),
        pytest.param({}, TargetState.UNKNOWN, id="nobody has said anything about it"),
    ],
)
def test_a_pod_in_our_words(status: Mapping[str, Any], state: TargetState) -> None:
    pod = {"metadata": {"name": "web-1", "uid": "0000001f-aaaa-bbbb-cccc-000000000000"}, "status": status}
    found = _process("shop/deployment/web", pod)
    assert ("shop/deployment/web:web-1", state) == (found.name, found.state)
    assert (31 if state is TargetState.RUNNING else 0) == found.pid


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({"metadata": {"annotations": {RESTARTED_BY: "action-1"}}}, True, id="a restart of the agent"),
        pytest.param(
            {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "noon"}}},
            True,
            id="a restart of a person",
        ),
        pytest.param({"metadata": {"labels": {"pod-template-hash": "abc"}}}, True, id="the label of the controller"),
        pytest.param({"metadata": {"labels": {"team": "shop"}}}, False, id="another label"),
        pytest.param({"spec": {"containers": [{"image": "shop:2"}]}}, False, id="another image"),
    ],
)
def test_what_makes_another_release(change: Mapping[str, Any], same: bool) -> None:  # noqa: FBT001 - the expected value
    template = {"metadata": {"creationTimestamp": None}, "spec": {"containers": [{"image": "shop:1"}]}}
    assert same == (digest(template) == digest(template | change))
