"""A namespace of a test's own on the real API server, and what is in it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from adapters.executing import Given
from adapters.kubernetes import KubernetesExecutor
from adapters.parts_file import PROJECT
from domain.execution import Order
from domain.parameters import Parameters
from domain.plans import UNDOS, Action, ActionKind, Risk, Undo
from domain.settings import CallSettings, MitigationSettings, Settings
from domain.settings_acting import EffectSettings
from tests.parts.kube_part import KubeApi, deployment, poll

RBAC = PROJECT / "deployments" / "kubernetes" / "base" / "rbac.yaml"
ACCOUNT = "/api/v1/namespaces/sre-agent/serviceaccounts/sre-agent"
MERGE = {"Content-Type": "application/merge-patch+json"}
# Where the documents of rbac.yaml go.
COLLECTIONS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/sre-agent/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
}


class World:
    """What a test sees and does as the administrator, and the executor with the rights of the account."""

    def __init__(self, api: KubeApi, client: httpx.Client, folder: Path) -> None:
        self.api, self.client, self.folder = api, client, folder
        self.namespace = f"shop-{uuid.uuid4().hex[:8]}"
        self.post("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        self.kubeconfig = api.write_kubeconfig(folder / "account.kubeconfig", account(client))

    def allow(self, kind: str = "ClusterRole", role: str = "sre-agent") -> None:
        """Give the account a role in this namespace: its own, unless told otherwise."""
        body = {
            "metadata": {"name": role},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "sre-agent", "namespace": "sre-agent"}],
        }
        self.post(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}/rolebindings", body)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        self.client.post(path, json=body).raise_for_status()

    def path(self, name: str, kind: str = "deployment") -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/{kind}s/{name}"

    def get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def items(self, collection: str) -> list[Any]:
        """Every object of `api/v1/pods`, `apis/apps/v1/replicasets` and so on in this namespace."""
        group, _, plural = collection.rpartition("/")
        found: list[Any] = self.get(f"/{group}/namespaces/{self.namespace}/{plural}")["items"]
        return found

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        self.client.patch(path, json=body, headers=MERGE).raise_for_status()

    def make(self, body: Mapping[str, Any], kind: str = "Deployment") -> str:
        """The target of a new workload."""
        self.post(self.path("", kind.lower()).rstrip("/"), body)
        return f"{self.namespace}/{kind.lower()}/{body['metadata']['name']}"

    def start(self, name: str = "web", kind: str = "Deployment", **given: Any) -> str:
        """The target of a new workload that has all its pods."""
        target = self.make(deployment(name, kind=kind, **given), kind)
        poll(lambda: self.is_whole(name, kind.lower()), f"{target} has its pods")
        return target

    def is_whole(self, name: str, kind: str = "deployment") -> bool:
        """Whether the controllers have brought about what the workload asks for, and nothing else is left."""
        found = self.get(self.path(name, kind))
        status = found["status"]
        wanted = status.get("desiredNumberScheduled", found["spec"].get("replicas"))
        ready = status.get("numberReady", status.get("readyReplicas", 0))
        updated = status.get("updatedNumberScheduled", status.get("updatedReplicas", 0))
        seen = status.get("observedGeneration", 0) == found["metadata"]["generation"]
        return bool(seen and 0 < wanted == ready == updated == status.get("replicas", wanted))

    def let_go(self) -> None:
        """Held pods become ready, those of now; one may be gone by the time that it is told."""
        for pod in self.items("api/v1/pods"):
            path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}"
            answer = self.client.patch(path, json=GO, headers=MERGE)
            assert answer.status_code in (httpx.codes.OK, httpx.codes.NOT_FOUND), answer.text

    def deploy(self, image: str, name: str = "web", kind: str = "deployment") -> None:
        """Somebody rolls out another image, whatever becomes of it."""
        template = self.get(self.path(name, kind))["spec"]["template"]
        template["spec"]["containers"][0]["image"] = image
        self.patch(self.path(name, kind), {"spec": {"template": template}})

    @contextmanager
    def prometheus_rules(self) -> Iterator[None]:
        """The resource that the Prometheus operator brings is there as long as the block lasts."""
        rules = f"/apis/monitoring.coreos.com/v1/namespaces/{self.namespace}/prometheusrules"
        self.post(RESOURCES, RULES)
        poll(lambda: self.client.get(rules).is_success, "the resource is served")
        try:
            yield
        finally:
            self.client.delete(f"{RESOURCES}/{RULES['metadata']['name']}").raise_for_status()
            poll(lambda: not self.client.get(rules).is_success, "the resource is gone")

    def remove_rules(self) -> None:
        """Somebody removes every rule of the namespace."""
        path = f"/apis/monitoring.coreos.com/v1/namespaces/{self.namespace}/prometheusrules"
        self.client.delete(path).raise_for_status()

    def start_held(self, **given: Any) -> str:
        """The target of a workload whose first pods are ready, and whose next ones wait to be let go."""
        target = self.make(deployment("web", image="shop:held", **given))
        with self.letting_go():
            poll(lambda: self.is_whole("web"), f"{target} has its first pods")
        return target

    @contextmanager
    def letting_go(self) -> Iterator[None]:
        """Held pods become ready as long as the block lasts."""
        over = threading.Event()

        def until_over() -> None:
            while not over.wait(0.05):
                self.let_go()

        with ThreadPoolExecutor(1) as beside:
            told = beside.submit(until_over)
            try:
                yield
            finally:
                over.set()
                told.result()

    def settings(self, **given: Any) -> Settings:
        fields = {"kubeconfig": str(self.kubeconfig), "effect_seconds": SOON} | given
        return Settings(mitigation=MitigationSettings(**fields), calls=CallSettings(timeout_seconds=10))

    def executor(self, **given: Any) -> KubernetesExecutor:
        return KubernetesExecutor(Given(self.settings(**given)))


RESOURCES = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
ANYTHING = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
RULES: dict[str, Any] = {
    "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {"plural": "prometheusrules", "singular": "prometheusrule", "kind": "PrometheusRule"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": ANYTHING}],
    },
}
GO = {"metadata": {"labels": {"go": "yes"}}}
SOON = EffectSettings(restart=60, scale=60, configure=60, rollback_deploy=60)


def account(client: httpx.Client) -> str:
    """A token of the account in rbac.yaml, which is applied as it stands."""
    for document in yaml.safe_load_all(RBAC.read_text()):
        made = client.post(COLLECTIONS[document["kind"]], json=document)
        assert made.status_code in (httpx.codes.CREATED, httpx.codes.CONFLICT), made.text
    answer = client.post(f"{ACCOUNT}/token", json={"spec": {"expirationSeconds": 3600}}).raise_for_status()
    return str(answer.json()["status"]["token"])


def order(kind: ActionKind, target: str, parameters: Parameters, key: str = "action-1") -> Order:
    """An order whose action can be taken back where its kind can."""
    undo = Undo.RESTORE if Undo.RESTORE in UNDOS[kind] else Undo.NONE
    return Order(Action(kind, target, Risk.MEDIUM, undo, parameters), key)
