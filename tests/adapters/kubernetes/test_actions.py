"""Every kind of action on a real API server, with the rights of the account in rbac.yaml and no others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from adapters.executing import Given
from adapters.kubernetes import KubernetesExecutor
from adapters.store.database import connect
from adapters.watching import WatchingExecutor
from domain.errors import Refused
from domain.execution import Order, Progress, TargetState, how_far
from domain.parameters import Configure, Monitor, Restart, RollbackDeploy, Scale
from domain.plans import ActionKind
from tests.parts.kube_part import MARKS, poll
from tests.parts.kube_world import World, order

pytestmark = list(MARKS)

KINDS = ("Deployment", "StatefulSet", "DaemonSet")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def pods(world: World) -> set[str]:
    return {pod["metadata"]["uid"] for pod in world.items("api/v1/pods") if "deletionTimestamp" not in pod["metadata"]}


def images(world: World, name: str = "web", kind: str = "deployment") -> str:
    found: str = world.get(world.path(name, kind))["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def pool_size(world: World) -> str:
    found: str = world.get(world.path("web"))["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"]
    return found


def test_a_snapshot_names_the_pods_of_a_target(world: World) -> None:
    target = world.start(replicas=3)
    other = world.start("other")
    found = world.executor().snapshot(target)
    names = [pod["metadata"]["name"] for pod in world.items("api/v1/pods")]
    mine = sorted(f"{target}:{name}" for name in names if name.startswith("web-"))
    assert mine == [process.name for process in found.processes]
    assert {TargetState.RUNNING} == {process.state for process in found.processes}
    assert all(process.started_at is not None and process.started_at.tzinfo for process in found.processes)
    assert 3 == len(set(found.pids))
    assert found == world.executor().snapshot(target)
    assert 1 == len(world.executor().snapshot(other).processes)


def test_budgets_count_by_the_workload_and_by_its_pods(world: World) -> None:
    """Fault 9: one thing has one name in every budget, and a restart of three pods interrupts three."""
    target = world.start(replicas=3)
    found = world.executor().snapshot(target)
    assert target == found.budget_key
    assert 3 == len(found.pids)


def test_a_target_that_is_not_there_has_no_pods(world: World) -> None:
    target, executor = f"{world.namespace}/deployment/nobody", world.executor()
    restart = order(ActionKind.RESTART, target, Restart())
    assert () == executor.snapshot(target).processes
    assert Progress.GONE == how_far(restart.action, executor.observe(restart), executor.observe(restart))
    with pytest.raises(Refused, match="the cluster has no such workload"):
        executor.carry_out(restart)


@pytest.mark.parametrize("target", ["web", "shop/pod/web", "../deployment/web", "a/b/c/d", "shop/deployment/Web"])
def test_a_name_that_no_workload_can_have_is_refused(world: World, target: str) -> None:
    for ask in (world.executor().observe, world.executor().carry_out):
        with pytest.raises(Refused, match="is no target on Kubernetes; one is NAMESPACE/deployment/NAME"):
            ask(order(ActionKind.RESTART, target, Restart()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_replaces_every_pod_once(world: World, kind: str) -> None:
    target = world.start(kind=kind, replicas=2)
    executor, restart = world.executor(), order(ActionKind.RESTART, target, Restart())
    before, uids = executor.observe(restart), pods(world)
    executor.carry_out(restart)
    after = executor.observe(restart)
    assert Progress.UNTOUCHED == how_far(restart.action, before, before)
    assert Progress.DONE == how_far(restart.action, before, after)
    assert not uids & pods(world)
    uids = pods(world)
    executor.finish(restart, before)
    executor.carry_out(restart)
    executor.undo(restart, before)
    assert uids == pods(world)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_scaling_adds_pods_and_its_undo_takes_as_many_away(world: World, kind: str) -> None:
    target = world.start(kind=kind, replicas=1)
    executor, scale = world.executor(), order(ActionKind.SCALE, target, Scale(3))
    before, uids = executor.observe(scale), pods(world)
    executor.carry_out(scale)
    after = executor.observe(scale)
    assert ("1", "3", "3") == (before.mark, before.goal, after.mark)
    assert Progress.DONE == how_far(scale.action, before, after)
    assert uids < pods(world)
    assert 3 == len(pods(world))
    executor.undo(scale, before)
    executor.undo(scale, before)
    assert "1" == executor.observe(scale).mark
    assert 1 == len(pods(world))


def test_an_environment_variable_is_changed_and_put_back(world: World) -> None:
    target = world.start(replicas=2)
    executor, configure = world.executor(), order(ActionKind.CONFIGURE, target, Configure("env/POOL_SIZE", "25"))
    before, uids = executor.observe(configure), pods(world)
    executor.carry_out(configure)
    assert ("10", "25", "25") == (before.mark, before.goal, pool_size(world))
    assert Progress.DONE == how_far(configure.action, before, executor.observe(configure))
    assert not uids & pods(world)
    executor.undo(configure, before)
    executor.undo(configure, before)
    assert "10" == pool_size(world)
    assert world.is_whole("web")


def test_a_value_of_a_config_map_is_changed_and_put_back(world: World) -> None:
    target, uids = world.start(), pods(world)
    path = f"/api/v1/namespaces/{world.namespace}/configmaps"
    world.post(path, {"metadata": {"name": "web"}, "data": {"pool.size": "10", "other": "kept"}})
    executor = world.executor()
    configure = order(ActionKind.CONFIGURE, target, Configure("configmap/web/pool.size", "25"))
    before = executor.observe(configure)
    executor.carry_out(configure)
    assert {"pool.size": "25", "other": "kept"} == world.get(f"{path}/web")["data"]
    assert Progress.DONE == how_far(configure.action, before, executor.observe(configure))
    executor.undo(configure, before)
    assert {"pool.size": "10", "other": "kept"} == world.get(f"{path}/web")["data"]
    assert uids == pods(world)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollback_brings_the_release_before_back_and_its_undo_the_present_one(world: World, kind: str) -> None:
    target = world.start(kind=kind)
    world.deploy("shop:2", kind=kind.lower())
    poll(lambda: world.is_whole("web", kind.lower()), "the second release runs")
    executor, rollback = world.executor(), order(ActionKind.ROLLBACK_DEPLOY, target, RollbackDeploy())
    before = executor.observe(rollback)
    executor.carry_out(rollback)
    assert "shop:1" == images(world, kind=kind.lower())
    assert Progress.DONE == how_far(rollback.action, before, executor.observe(rollback))
    executor.undo(rollback, before)
    executor.undo(rollback, before)
    assert "shop:2" == images(world, kind=kind.lower())


def test_a_rollback_goes_back_a_release_and_not_just_a_restart(world: World) -> None:
    target = world.start()
    world.deploy("shop:2")
    poll(lambda: world.is_whole("web"), "the second release runs")
    executor = world.executor()
    executor.carry_out(order(ActionKind.RESTART, target, Restart()))
    executor.carry_out(order(ActionKind.ROLLBACK_DEPLOY, target, RollbackDeploy(), "action-2"))
    assert "shop:1" == images(world)


def test_a_rollback_ends_a_rollout_that_stalled(world: World) -> None:
    """What the Deployment said about the stall before is no verdict on the rollback."""
    target = world.start(replicas=2, progress_seconds=2)
    world.deploy("shop:broken")
    conditions = lambda: str(world.get(world.path("web"))["status"]["conditions"])  # noqa: E731
    poll(lambda: "ProgressDeadlineExceeded" in conditions(), "the rollout stalls")
    executor, rollback = world.executor(), order(ActionKind.ROLLBACK_DEPLOY, target, RollbackDeploy())
    before = executor.observe(rollback)
    executor.carry_out(rollback)
    assert "shop:1" == images(world)
    assert Progress.DONE == how_far(rollback.action, before, executor.observe(rollback))
    with pytest.raises(Refused, match="ImagePullBackOff"):
        executor.undo(rollback, before)


def watch(target: str) -> Order:
    return order(ActionKind.MONITOR, target, Monitor(30), "action-17-20260105T120000")


@pytest.fixture
def with_operator(world: World) -> Iterator[World]:
    with world.prometheus_rules():
        yield world


def test_a_rule_watches_the_pods_until_its_time_is_over(with_operator: World) -> None:
    world, target = with_operator, with_operator.start()
    executor = KubernetesExecutor(Given(world.settings(), clock=lambda: NOON))
    before = executor.observe(watch(target))
    executor.carry_out(watch(target))
    [rule] = world.items("apis/monitoring.coreos.com/v1/prometheusrules")
    expressions = [one["expr"] for one in rule["spec"]["groups"][0]["rules"]]
    assert 2 == len(expressions)
    ends = int(NOON.timestamp()) + 30 * 60
    assert all(f'namespace="{world.namespace}",pod=~"web-.*"' in one for one in expressions)
    assert all(one.endswith(f"and on() (vector(time()) < {ends})") for one in expressions)
    assert Progress.DONE == how_far(watch(target).action, before, executor.observe(watch(target)))
    executor.undo(watch(target), before)
    executor.undo(watch(target), before)
    assert [] == world.items("apis/monitoring.coreos.com/v1/prometheusrules")


def test_without_the_operator_a_rule_is_refused(world: World) -> None:
    with pytest.raises(Refused, match="knows no PrometheusRule, so it has no Prometheus operator"):
        world.executor().carry_out(watch(world.start()))


def test_a_rule_stands_beside_our_own_watch_where_the_settings_ask_for_it(
    with_operator: World, sqlite_url: str
) -> None:
    world, target = with_operator, with_operator.start()
    collection = "apis/monitoring.coreos.com/v1/prometheusrules"
    executor = WatchingExecutor(Given(world.settings(prometheus_rules=True), connect(sqlite_url)))
    one = watch(target)
    before = executor.observe(one)
    assert "one anomalous log confirms an incident, and tell of pods" in executor.preview(one)
    executor.carry_out(one)
    assert Progress.DONE == how_far(one.action, before, executor.observe(one))
    assert 1 == len(world.items(collection))
    world.remove_rules()
    assert Progress.HALF == how_far(one.action, before, executor.observe(one))
    executor.finish(one, before)
    assert 1 == len(world.items(collection))
    executor.undo(one, before)
    executor.undo(one, before)
    assert ([], Progress.UNTOUCHED) == (world.items(collection), how_far(one.action, before, executor.observe(one)))
