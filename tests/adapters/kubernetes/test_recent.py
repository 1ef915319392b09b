"""What was rolled out lately: by what the revisions say, and on a real API server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.kubernetes.cluster import Cluster
from adapters.kubernetes.recent import rollouts, told
from adapters.kubernetes.releases import Release
from adapters.kubernetes.restarts import RESTARTED_BY
from domain.changes import ChangeKind, ChangeSource
from domain.errors import Refused
from domain.inventory import Service
from tests.parts.kube_part import on_the_cluster, poll
from tests.parts.kube_world import World
from tests.parts.logs_part import NOON

MINUTE = timedelta(minutes=1)
PROGRESS = {"conditions": [{"type": "Progressing", "lastUpdateTime": "2026-01-05T12:09:00Z"}]}


def a_release(revision: int, minute: int, image: str = "shop:1", *, note: str = "", pool: str = "10") -> Release:
    container = {"name": "main", "image": image, "env": [{"name": "POOL", "value": pool}]}
    metadata = {"annotations": {RESTARTED_BY: note}} if note else {}
    return Release(revision, {"metadata": metadata, "spec": {"containers": [container]}}, NOON + minute * MINUTE)


@pytest.mark.parametrize(
    ("kept", "status", "expected"),
    [
        pytest.param([], {}, [], id="nothing is kept"),
        pytest.param([a_release(1, 0)], {}, [(0, "deploy", "shop:1 (revision 1)")], id="the first one"),
        pytest.param(
            [a_release(1, 0), a_release(2, 5, "shop:2")],
            {},
            [(0, "deploy", "shop:1 (revision 1)"), (5, "deploy", "shop:1 to shop:2 (revision 2)")],
            id="another image",
        ),
        pytest.param(
            [a_release(1, 0), a_release(2, 5, pool="40")],
            {},
            [
                (0, "deploy", "shop:1 (revision 1)"),
                (5, "config", "other settings of the pods, the same images (revision 2)"),
            ],
            id="other settings",
        ),
        pytest.param(
            [a_release(1, 0), a_release(2, 5, note="action-1")],
            {},
            [(0, "deploy", "shop:1 (revision 1)"), (5, "other", "restarted (revision 2)")],
            id="a restart",
        ),
        pytest.param(
            [a_release(2, 5, "shop:2"), a_release(3, 0)],
            PROGRESS,
            [(5, "deploy", "shop:2 (revision 2)"), (9, "deploy", "back: shop:2 to shop:1 (revision 3)")],
            id="back to an earlier one",
        ),
        pytest.param(
            [a_release(2, 5, "shop:2"), a_release(3, 0)],
            {},
            [(5, "deploy", "shop:2 (revision 2)")],
            id="back to an earlier one, nobody knows when",
        ),
    ],
)
def test_what_revisions_say(kept: list[Release], status: dict[str, Any], expected: list[tuple[int, str, str]]) -> None:
    found = [((one.at - NOON) // MINUTE, one.kind.value, one.what) for one in told(kept, status)]
    assert expected == found


def cluster(world: World) -> Cluster:
    return Cluster(str(world.kubeconfig), "", 10)


@on_the_cluster
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_what_was_rolled_out_on_a_cluster(world: World, kind: str) -> None:
    begun = datetime.now(UTC) - MINUTE
    shop = Service("shop", "kubernetes", world.start(kind=kind))
    (first,) = rollouts(cluster(world), shop, begun)
    world.deploy("shop:2", kind=kind.lower())
    poll(lambda: len(rollouts(cluster(world), shop, begun)) > 1, "the second revision is there")
    found = rollouts(cluster(world), shop, begun)
    assert first == found[0]
    assert ("shop", ChangeKind.DEPLOY, ChangeSource.KUBERNETES) == (found[1].service, found[1].kind, found[1].source)
    assert "shop:1 to shop:2 (revision 2)" == found[1].what
    assert found[0].at <= found[1].at <= datetime.now(UTC) + MINUTE
    assert [] == rollouts(cluster(world), shop, datetime.now(UTC) + MINUTE)


@on_the_cluster
def test_a_workload_that_is_not_there_is_refused(world: World) -> None:
    shop = Service("shop", "kubernetes", f"{world.namespace}/deployment/nobody")
    with pytest.raises(Refused, match="the cluster has no such workload"):
        rollouts(cluster(world), shop, NOON)
