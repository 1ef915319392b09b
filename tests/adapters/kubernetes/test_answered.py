"""An incident of a service on Kubernetes, from its logs to the rollout that mends it, through every step."""

from __future__ import annotations

from dataclasses import replace

from adapters.store.database import connect
from domain.actions import ActionState
from domain.incidents import State
from domain.inventory import Inventory, Limits, Service
from tests.parts.answering_part import World as Desk
from tests.parts.answering_part import acting
from tests.parts.kube_part import MARKS
from tests.parts.kube_world import World

pytestmark = list(MARKS)


def desk(world: World, url: str, target: str, limits: Limits = Limits()) -> Desk:  # noqa: B008 - frozen
    """An on-call whose service `web` runs on the cluster, with the rights of the account."""
    services = Inventory({"web": Service("web", "kubernetes", target, limits)})
    knowledge = acting(services=services, kubeconfig=str(world.kubeconfig), target_seconds=0.001)
    return Desk(connect(url), knowledge, executor=None)  # type: ignore[arg-type]


def test_a_fault_is_mended_by_a_rollout_and_proved(world: World, sqlite_url: str) -> None:
    target = world.start(replicas=2)
    on_call = desk(world, sqlite_url, target)
    on_call.traffic()
    number = on_call.fault()
    assert ["plan", "begin", "act"] == on_call.run()
    (done,) = on_call.records(number)
    annotations = world.get(world.path("web"))["spec"]["template"]["metadata"]["annotations"]
    assert (ActionState.DONE, target) == (done.state, done.budget_key)
    assert done.order.key == annotations["sre-agent/restarted-by"]
    on_call.forward(31)
    on_call.traffic()
    on_call.forward(1)
    assert ["verify", "resolve"] == on_call.run()
    assert State.RESOLVED == on_call.incident(number).state


def test_what_left_the_cluster_is_not_acted_upon_and_the_page_says_so(world: World, sqlite_url: str) -> None:
    on_call = desk(world, sqlite_url, f"{world.namespace}/deployment/nobody")
    number = on_call.fault()
    on_call.run()
    assert State.ESCALATED == on_call.incident(number).state
    assert any("there is nothing of that name to act on" in text for text in on_call.stored(number)["objections"])


def test_a_kind_that_the_inventory_does_not_allow_is_not_done(world: World, sqlite_url: str) -> None:
    target = world.start()
    before = world.get(world.path("web"))["metadata"]["generation"]
    on_call = desk(world, sqlite_url, target, replace(Limits(), actions=frozenset()))
    number = on_call.fault()
    on_call.run()
    assert State.ESCALATED == on_call.incident(number).state
    assert before == world.get(world.path("web"))["metadata"]["generation"]
