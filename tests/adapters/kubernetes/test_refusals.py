"""What cannot or need not be done is refused with the reason, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import Refused
from domain.parameters import CallWebhook, Configure, Parameters, Restart, RollbackDeploy, Scale
from domain.plans import ActionKind
from tests.parts.kube_part import MARKS, deployment
from tests.parts.kube_world import World, order

pytestmark = list(MARKS)

Change = Callable[[dict[str, Any]], None]


def paused(body: dict[str, Any]) -> None:
    body["spec"]["paused"] = True


def stopped(body: dict[str, Any]) -> None:
    body["spec"]["replicas"] = 0


def from_elsewhere(body: dict[str, Any]) -> None:
    reference = {"fieldRef": {"fieldPath": "metadata.name"}}
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "POOL_SIZE", "valueFrom": reference}]


def twice(body: dict[str, Any]) -> None:
    containers = body["spec"]["template"]["spec"]["containers"]
    containers.append(containers[0] | {"name": "beside"})


def as_it_is(_body: dict[str, Any]) -> None:
    pass


RESTART, SCALE, CONFIGURE = ActionKind.RESTART, ActionKind.SCALE, ActionKind.CONFIGURE
ROLLBACK = ActionKind.ROLLBACK_DEPLOY
CASES = [
    pytest.param(stopped, RESTART, Restart(), "somebody scaled it to 0", id="what somebody stopped is not restarted"),
    pytest.param(paused, RESTART, Restart(), "somebody paused its rollouts", id="a paused rollout is not begun"),
    pytest.param(stopped, SCALE, Scale(2), "somebody scaled it to 0", id="what somebody stopped is not scaled up"),
    pytest.param(
        as_it_is, SCALE, Scale(2), "it has 2 replicas, so 2 are no more", id="scaling to as many as there are"
    ),
    pytest.param(as_it_is, SCALE, Scale(1), "it has 2 replicas, so 1 are no more", id="scaling down"),
    pytest.param(
        as_it_is, ROLLBACK, RollbackDeploy(), "keeps no earlier release", id="a first release has none before"
    ),
    pytest.param(
        as_it_is,
        CONFIGURE,
        Configure("env/POOLSIZE", "5"),
        "no environment variable POOLSIZE; .*POOL_SIZE",
        id="a variable with a slip in its name is not added",
    ),
    pytest.param(as_it_is, CONFIGURE, Configure("env/POOL_SIZE", "10"), "is '10' already", id="a value that it has"),
    pytest.param(
        from_elsewhere, CONFIGURE, Configure("env/POOL_SIZE", "5"), "valueFrom", id="a variable from elsewhere"
    ),
    pytest.param(
        twice,
        CONFIGURE,
        Configure("env/POOL_SIZE", "5"),
        "several containers have POOL_SIZE: name one of them, env/CONTAINER/POOL_SIZE",
        id="a variable of several containers",
    ),
    pytest.param(
        as_it_is, CONFIGURE, Configure("configmap/web/x", "5"), "has no ConfigMap web", id="no such ConfigMap"
    ),
    pytest.param(as_it_is, CONFIGURE, Configure("secret/web/x", "5"), "names no value; a key is env/", id="a Secret"),
    pytest.param(as_it_is, CONFIGURE, Configure("configmap/../x", "5"), "names no value", id="a path in a name"),
    pytest.param(
        as_it_is, ActionKind.CALL_WEBHOOK, CallWebhook("x"), "kubernetes can do", id="a kind of another executor"
    ),
]


@pytest.mark.parametrize(("change", "kind", "parameters", "why"), CASES)
def test_it_is_refused_with_the_reason(
    world: World, change: Change, kind: ActionKind, parameters: Parameters, why: str
) -> None:
    body = deployment("web", replicas=2)
    change(body)
    refused = order(kind, world.make(body), parameters)
    before = world.get(world.path("web"))["spec"]
    executor = world.executor()
    with pytest.raises(Refused, match=why):
        executor.preview(refused)
    with pytest.raises(Refused, match=why):
        executor.carry_out(refused)
    assert before == world.get(world.path("web"))["spec"]


def test_one_of_several_containers_can_be_named(world: World) -> None:
    body = deployment("web")
    twice(body)
    executor = world.executor()
    executor.carry_out(order(CONFIGURE, world.make(body), Configure("env/beside/POOL_SIZE", "25")))
    containers = world.get(world.path("web"))["spec"]["template"]["spec"]["containers"]
    assert {"main": "10", "beside": "25"} == {one["name"]: one["env"][0]["value"] for one in containers}


def test_what_an_autoscaler_decides_is_left_to_it(world: World) -> None:
    target = world.start()
    body = {
        "metadata": {"name": "web-load"},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    }
    world.post(f"/apis/autoscaling/v2/namespaces/{world.namespace}/horizontalpodautoscalers", body)
    with pytest.raises(Refused, match="the autoscaler web-load decides about its replicas"):
        world.executor().carry_out(order(SCALE, target, Scale(3)))


@pytest.mark.parametrize(
    ("kind", "strategy", "why"),
    [
        pytest.param("StatefulSet", {"type": "OnDelete"}, "replaced by hand only", id="pods that people replace"),
        pytest.param("StatefulSet", {"rollingUpdate": {"partition": 1}}, "a partition keeps", id="a partition"),
        pytest.param("DaemonSet", {"type": "OnDelete"}, "replaced by hand only", id="a DaemonSet that people restart"),
    ],
)
def test_what_would_not_be_rolled_out_is_not_begun(world: World, kind: str, strategy: Any, why: str) -> None:
    target = world.start(kind=kind)
    world.patch(world.path("web", kind.lower()), {"spec": {"updateStrategy": {"rollingUpdate": None} | strategy}})
    with pytest.raises(Refused, match=why):
        world.executor().carry_out(order(RESTART, target, Restart()))


def test_a_daemon_set_is_not_scaled(world: World) -> None:
    target = world.start(kind="DaemonSet")
    with pytest.raises(Refused, match="one pod on each node"):
        world.executor().carry_out(order(SCALE, target, Scale(3)))


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        pytest.param(RESTART, Restart(), "replace the 2 pods of {target} one after another", id="restart"),
        pytest.param(SCALE, Scale(5), "scale {target} from 2 to 5 replicas", id="scale"),
        pytest.param(
            CONFIGURE,
            Configure("env/POOL_SIZE", "25"),
            "change env/POOL_SIZE of {target} from '10' to '25', which replaces its 2 pods",
            id="configure",
        ),
        pytest.param(ROLLBACK, RollbackDeploy(), "roll {target} back to revision 1 (shop:1)", id="rollback"),
    ],
)
def test_a_preview_says_what_would_be_done_and_does_nothing(
    world: World, kind: ActionKind, parameters: Parameters, words: str
) -> None:
    target = world.start(replicas=2)
    world.deploy("shop:2")
    before = world.get(world.path("web"))["spec"]
    assert words.format(target=target) == world.executor().preview(order(kind, target, parameters))
    assert before == world.get(world.path("web"))["spec"]
