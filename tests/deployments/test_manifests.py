"""The manifests: what pods may do is little, each part sees its own secrets, and a real API server takes them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from adapters.parts_file import PROJECT
from adapters.settings_files import load
from tests.parts.kube_part import KubeApi, on_the_cluster

FOLDER = PROJECT / "deployments" / "kubernetes"
VARIANTS = ("base", "overlays/external")
NAMESPACE = "sre-agent"
# Kind -> where its objects are; {} is the namespace.
PLACES = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
}
Document = dict[str, Any]


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> list[Document]:
    """Every document that `kubectl apply -k` would send."""
    return rendered(request.param)


def rendered(name: str) -> list[Document]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.fail("no kubectl") if os.environ.get("CI") else pytest.skip("kustomize needs kubectl in PATH")
    done = subprocess.run([kubectl, "kustomize", str(FOLDER / name)], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def pods(documents: list[Document]) -> dict[str, Document]:
    """The spec of the pods of each workload, by its name."""
    kinds = ("Deployment", "Job")
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in documents if one["kind"] in kinds}


def containers(documents: list[Document]) -> Iterator[tuple[str, Document]]:
    for name, pod in pods(documents).items():
        yield from ((name, container) for container in pod["containers"])


def test_no_pod_may_do_more_than_it_must(variant: list[Document]) -> None:
    for name, pod in pods(variant).items():
        said = pod["securityContext"]
        assert (True, {"type": "RuntimeDefault"}) == (said["runAsNonRoot"], said["seccompProfile"]), name
        assert said["runAsUser"] >= 1_000, name
        assert not pod["enableServiceLinks"], name
        assert (name == "on-call") is (pod.get("serviceAccountName") == NAMESPACE)
        assert name == "on-call" or pod["automountServiceAccountToken"] is False
    for name, container in containers(variant):
        said = container["securityContext"]
        assert (True, False) == (said["readOnlyRootFilesystem"], said["allowPrivilegeEscalation"]), name
        assert ["ALL"] == said["capabilities"]["drop"], name
        assert {"requests", "limits"} <= container["resources"].keys(), name
        written = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert "/tmp" in written, name  # noqa: S108 - of a pod


def secrets(container: Document) -> set[str]:
    return {one["secretRef"]["name"] for one in container["envFrom"] if "secretRef" in one}


def test_credentials_of_paging_are_seen_by_on_call_alone(variant: list[Document]) -> None:
    seen = {name: secrets(container) for name, container in containers(variant)}
    assert {"on-call"} == {name for name, names in seen.items() if "sre-agent-on-call" in names}
    assert {"sre-agent-common", "sre-agent-http"} == seen["http"]
    assert {"sre-agent-common"} == seen["watch"] == seen["keeper"]
    assert [] == [one for one in variant if one["kind"] == "Secret"]


def test_what_is_asked_for_is_answered(variant: list[Document]) -> None:
    """Servers have probes of their own; a keeper that dies is started again, and the job ends."""
    for name, container in containers(variant):
        if name not in ("keeper", "sre-agent-setup"):
            assert {"startupProbe", "livenessProbe"} <= container.keys(), name
    (http,) = (container for name, container in containers(variant) if name == "http")
    assert ("/healthz", "/readyz") == tuple(http[one]["httpGet"]["path"] for one in ("livenessProbe", "readinessProbe"))


def test_ports_have_the_names_that_services_and_probes_ask_for(variant: list[Document]) -> None:
    named = {name: {one["name"] for one in container.get("ports", [])} for name, container in containers(variant)}
    for one in variant:
        if one["kind"] == "Service":
            component = one["spec"]["selector"]["app.kubernetes.io/component"]
            assert {port["targetPort"] for port in one["spec"]["ports"]} <= named[component]
    for name, container in containers(variant):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            how = container.get(probe, {})
            port = (how.get("httpGet") or how.get("tcpSocket") or {}).get("port")
            assert port is None or port in named[name], (name, probe)


def test_selectors_find_their_pods(variant: list[Document]) -> None:
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in variant if one["kind"] in ("Deployment", "Job")]
    for one in variant:
        spec = one.get("spec", {})
        selector = spec.get("selector", {})
        wanted = selector if one["kind"] == "Service" else selector.get("matchLabels", {})
        if one["kind"] in ("Service", "PodDisruptionBudget", "Deployment"):
            assert any(wanted.items() <= found.items() for found in labels), one["metadata"]["name"]


def test_nothing_is_reached_that_no_policy_names(variant: list[Document]) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in variant if one["kind"] == "NetworkPolicy"}
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} == policies["nothing-else"]
    outside = {port["port"] for rule in policies["on-call"]["egress"] for port in rule["ports"]}
    assert {443, 465, 587, 6443} == outside
    assert {"app.kubernetes.io/component": "on-call"} == policies["on-call"]["podSelector"]["matchLabels"]


def test_the_settings_are_settings(variant: list[Document], tmp_path: Path) -> None:
    (data,) = (one["data"] for one in variant if one["kind"] == "ConfigMap")
    environ = {"SRE_HOME": str(tmp_path), **{name: text for name, text in data.items() if name.startswith("SRE_")}}
    loaded = load(environ=environ, home=tmp_path, project=tmp_path)
    assert () == loaded.warnings
    assert data["SRE_KAFKA__BOOTSTRAP_SERVERS"] == loaded.settings.kafka.bootstrap_servers
    assert "0.0.0.0" == loaded.settings.http.host  # noqa: S104 - in a pod of its own


def test_commands_are_modules(variant: list[Document]) -> None:
    modules = {one["command"][2] for _, one in containers(variant) if one["command"][:2] == ["python", "-m"]}
    assert {"deployments.worker", "deployments.keeper", "console.http"} <= modules
    assert all(find_spec(name) for name in modules)


# --- against a real API server -----------------------------------------------------------------------------


def apply(client: httpx.Client, document: Document, *, dry: bool) -> httpx.Response:
    """Server-side apply of one document."""
    place = PLACES[document["kind"]].format(NAMESPACE)
    asked = {"fieldManager": "test", "force": "true", "fieldValidation": "Strict"} | ({"dryRun": "All"} if dry else {})
    return client.patch(
        f"{place}/{document['metadata']['name']}",
        params=asked,
        content=json.dumps(document),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )


@pytest.fixture
def cluster(kube: KubeApi) -> Iterator[httpx.Client]:
    """The API server, with the namespace and its accounts, as a dry run keeps nothing for the next document."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    with kube.client() as client:
        for document in rendered("base"):
            if document["kind"] in ("Namespace", "ServiceAccount"):
                assert apply(client, document, dry=False).is_success
        default = account | {"metadata": {"name": "default", "namespace": NAMESPACE}}
        assert apply(client, default, dry=False).is_success
        yield client


@on_the_cluster
@pytest.mark.parametrize("name", VARIANTS)
def test_a_real_api_server_takes_every_document(cluster: httpx.Client, name: str) -> None:
    """Strictly: no field that it does not know, and no warning."""
    for document in rendered(name):
        answer = apply(cluster, document, dry=True)
        what = f"{document['kind']} {document['metadata']['name']}"
        assert answer.is_success, f"{what}: {answer.text}"
        assert "Warning" not in answer.headers, f"{what}: {answer.headers['Warning']}"


@on_the_cluster
@pytest.mark.parametrize("name", VARIANTS)
def test_the_namespace_is_restricted_and_lets_our_pods_in(cluster: httpx.Client, name: str) -> None:
    for workload, pod in pods(rendered(name)).items():
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": workload}, "spec": pod}
        answer = cluster.post(f"/api/v1/namespaces/{NAMESPACE}/pods", params={"dryRun": "All"}, json=made)
        assert answer.is_success, f"{workload}: {answer.text}"
        loose = {**pod, "securityContext": {}}
        made |= {"spec": loose}
        refused = cluster.post(f"/api/v1/namespaces/{NAMESPACE}/pods", params={"dryRun": "All"}, json=made)
        assert httpx.codes.FORBIDDEN == refused.status_code, workload
        assert "PodSecurity" in refused.text
