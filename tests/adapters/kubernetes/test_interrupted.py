"""A rollout that stalls, an owner that dies, and others who write at the same time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from adapters.kubernetes import KubernetesExecutor
from adapters.kubernetes.restarts import RESTARTED_BY
from adapters.kubernetes.rollouts import stalled
from adapters.parts_file import PROJECT
from domain.errors import Refused, Unavailable
from domain.execution import Progress, how_far
from domain.parameters import Configure, Restart, RollbackDeploy, Scale
from domain.plans import ActionKind
from tests.parts.kube_part import MARKS, poll
from tests.parts.kube_world import SOON, World, order

pytestmark = list(MARKS)

# An owner that says when it is about to write, and writes when it is told to.
OWNER = """\
import sys
from adapters.executing import Given
from adapters.kubernetes import KubernetesExecutor
from domain.parameters import Restart
from domain.plans import ActionKind
from domain.settings import MitigationSettings, Settings
from tests.parts.kube_world import order

executor = KubernetesExecutor(Given(Settings(mitigation=MitigationSettings(kubeconfig=sys.argv[1]))))
print("ready", flush=True)
sys.stdin.readline()
executor.carry_out(order(ActionKind.RESTART, sys.argv[2], Restart(), "action-7"))
print("done", flush=True)
"""


def restarted_by(world: World) -> str | None:
    annotations = world.get(world.path("web"))["spec"]["template"]["metadata"].get("annotations", {})
    found: str | None = annotations.get(RESTARTED_BY)
    return found


def revisions(world: World) -> int:
    return len(world.items("apis/apps/v1/replicasets"))


def test_a_rollout_that_stalls_is_refused_with_what_the_cluster_says(world: World) -> None:
    target = world.start_held(replicas=2, progress_seconds=2)
    restart = order(ActionKind.RESTART, target, Restart())
    with pytest.raises(Refused) as caught:
        world.executor().carry_out(restart)
    assert f"restart {target}: the rollout stalled" in str(caught.value)
    assert "has timed out progressing. (ProgressDeadlineExceeded)" in str(caught.value)


def test_a_stall_that_was_there_before_is_no_verdict_on_what_is_done_now(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controller may have seen our change and still say what it said about the one before."""
    target, executor = world.start(progress_seconds=2), world.executor()
    world.deploy("shop:broken")
    poll(lambda: stalled(status(world)), "the rollout stalls")
    old, read, seen = status(world), executor.cluster.get, list[int]()

    def late(path: str, query: dict[str, str] | None = None) -> Any:
        found = read(path, query)
        if found is None or path != world.path("web"):
            return found
        generation = found["metadata"]["generation"]
        if generation > old["observedGeneration"] and not seen:
            seen.append(generation)
            return {**found, "status": {**old, "observedGeneration": generation}}
        return found

    monkeypatch.setattr(executor.cluster, "get", late)
    executor.carry_out(order(ActionKind.ROLLBACK_DEPLOY, target, RollbackDeploy()))
    assert 1 == len(seen)
    assert world.is_whole("web")


def status(world: World) -> Any:
    return world.get(world.path("web"))["status"]


def test_a_rollout_that_goes_on_past_the_deadline_is_unavailable(world: World) -> None:
    target = world.start_held(replicas=2)
    restart = order(ActionKind.RESTART, target, Restart())
    executor = world.executor(effect_seconds=SOON.model_copy(update={"restart": 1}))
    before = executor.observe(restart)
    with pytest.raises(Unavailable, match=r"rollout of .*of 2 pods are of the new version.*not done after 1 s"):
        executor.carry_out(restart)
    assert Progress.HALF == how_far(restart.action, before, executor.observe(restart))


def killed(world: World, target: str, until: Callable[[], object] | None) -> None:
    """An owner begins the restart `action-7` and is killed when `until` is so; without it, before it writes."""
    command = [sys.executable, "-c", OWNER, str(world.kubeconfig), target]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        assert "ready\n" == owner.stdout.readline()
        if until is not None:
            owner.stdin.write("go\n")
            owner.stdin.flush()
            poll(until, "the owner has come so far")
        owner.kill()


def test_an_owner_is_killed_in_the_middle_of_a_restart_and_another_finishes_it(world: World) -> None:
    """Fault 22: whoever takes the lease over sees that the write was made, and waits: pods are replaced once."""
    target = world.start_held(replicas=2)
    executor, restart = world.executor(), order(ActionKind.RESTART, target, Restart(), "action-7")
    before = executor.observe(restart)
    killed(world, target, until=lambda: revisions(world) == 2)
    assert Progress.HALF == how_far(restart.action, before, executor.observe(restart))
    with world.letting_go():
        executor.finish(restart, before)
        assert Progress.DONE == how_far(restart.action, before, executor.observe(restart))
        executor.finish(restart, before)
        executor.carry_out(restart)
    assert "action-7" == restarted_by(world)
    assert 2 == revisions(world)


def test_an_owner_is_killed_before_it_writes_and_another_carries_it_out(world: World) -> None:
    """Fault 3: what was not done is seen as not done; finishing it does nothing, carrying it out does it once."""
    target = world.start_held(replicas=2)
    executor, restart = world.executor(), order(ActionKind.RESTART, target, Restart(), "action-7")
    before = executor.observe(restart)
    killed(world, target, until=None)
    assert Progress.UNTOUCHED == how_far(restart.action, before, executor.observe(restart))
    executor.finish(restart, before)
    assert 1 == revisions(world)
    with world.letting_go():
        executor.carry_out(restart)
    assert Progress.DONE == how_far(restart.action, before, executor.observe(restart))
    assert 2 == revisions(world)


def test_what_is_deleted_meanwhile_is_gone(world: World) -> None:
    target = world.start()
    executor, restart = world.executor(), order(ActionKind.RESTART, target, Restart())
    before = executor.observe(restart)
    world.client.delete(world.path("web")).raise_for_status()
    assert Progress.GONE == how_far(restart.action, before, executor.observe(restart))
    with pytest.raises(Refused, match="the cluster has no such workload"):
        executor.finish(restart, before)


def meddling(executor: KubernetesExecutor, monkeypatch: pytest.MonkeyPatch, meddle: Callable[[], None]) -> None:
    """Somebody else writes between our reading and our writing."""
    write = executor.cluster.patch

    def after_somebody_else(*given: Any) -> None:
        meddle()
        write(*given)

    monkeypatch.setattr(executor.cluster, "patch", after_somebody_else)


def once(effect: Callable[[], None]) -> Callable[[], None]:
    left = [effect]
    return lambda: left.pop()() if left else None


CONFIGURE = Configure("env/POOL_SIZE", "25")


def test_another_change_of_the_same_object_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server answers 409, and the object is read again."""
    target, executor = world.start(), world.executor()
    label = {"metadata": {"labels": {"team": "shop"}}}
    meddling(executor, monkeypatch, once(lambda: world.patch(world.path("web"), label)))
    executor.carry_out(order(ActionKind.CONFIGURE, target, CONFIGURE))
    found = world.get(world.path("web"))
    assert "shop" == found["metadata"]["labels"]["team"]
    assert "25" == found["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]


def test_another_change_of_the_same_value_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    target, executor = world.start(), world.executor()
    meddling(executor, monkeypatch, once(lambda: world.patch(world.path("web"), {"spec": {"replicas": 2}})))
    with pytest.raises(Refused, match="somebody else changed it meanwhile"):
        executor.carry_out(order(ActionKind.SCALE, target, Scale(3)))
    assert 2 == world.get(world.path("web"))["spec"]["replicas"]


def test_an_object_that_never_rests_is_tried_again_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    target, executor = world.start(), world.executor()
    numbers = iter(range(100))
    meddling(
        executor,
        monkeypatch,
        lambda: world.patch(world.path("web"), {"metadata": {"labels": {"turn": str(next(numbers))}}}),
    )
    with pytest.raises(Unavailable, match="others changed it 5 times while we tried"):
        executor.carry_out(order(ActionKind.RESTART, target, Restart()))
    assert restarted_by(world) is None


def test_what_somebody_changed_since_is_not_undone(world: World) -> None:
    target, executor = world.start(), world.executor()
    scale = order(ActionKind.SCALE, target, Scale(3))
    before = executor.observe(scale)
    executor.carry_out(scale)
    world.patch(world.path("web"), {"spec": {"replicas": 4}})
    with pytest.raises(Refused, match="somebody else changed it meanwhile, so it is left as it is"):
        executor.undo(scale, before)
    assert 4 == world.get(world.path("web"))["spec"]["replicas"]
