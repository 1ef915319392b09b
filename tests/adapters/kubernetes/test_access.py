"""How the cluster is reached, and what the account of rbac.yaml may not do."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.executing import Given
from adapters.kubernetes import KubernetesExecutor
from domain.errors import BadSettings, Refused, Unavailable
from domain.parameters import Configure, Restart
from domain.plans import ActionKind
from domain.settings import CallSettings, MitigationSettings, Settings
from tests.parts.kube_part import on_the_cluster
from tests.parts.kube_world import World, order


@pytest.fixture
def as_the_account(world: World) -> Iterator[httpx.Client]:
    """Plain HTTP with the rights of the account."""
    token = json.loads(world.kubeconfig.read_text())["users"][0]["user"]["token"]
    trusted = ssl.create_default_context(cafile=world.api.ca)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=world.api.url, headers=headers, verify=trusted, trust_env=False) as client:
        yield client


def kubernetes(**given: str) -> KubernetesExecutor:
    calls = CallSettings(timeout_seconds=1)
    return KubernetesExecutor(Given(Settings(mitigation=MitigationSettings(**given), calls=calls)))


@on_the_cluster
@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/api/v1/namespaces/{space}/secrets", id="reading secrets"),
        pytest.param("DELETE", "/api/v1/namespaces/{space}/pods/web", id="deleting a pod"),
        pytest.param("POST", "/api/v1/namespaces/{space}/pods", id="making a pod"),
        pytest.param("POST", "/api/v1/namespaces/{space}/pods/web/exec", id="a shell in a pod"),
        pytest.param("DELETE", "/apis/apps/v1/namespaces/{space}/deployments/web", id="deleting a workload"),
        pytest.param("GET", "/apis/apps/v1/namespaces/default/deployments", id="looking into another namespace"),
        pytest.param("GET", "/api/v1/nodes", id="reading nodes"),
        pytest.param("DELETE", "/api/v1/namespaces/{space}/configmaps/web", id="deleting a ConfigMap"),
    ],
)
def test_the_account_is_not_allowed(world: World, as_the_account: httpx.Client, method: str, path: str) -> None:
    answer = as_the_account.request(method, path.format(space=world.namespace), json={})
    assert httpx.codes.FORBIDDEN == answer.status_code


@on_the_cluster
def test_a_namespace_without_the_role_is_refused_by_verb_and_resource(stranger: World) -> None:
    target, executor = stranger.start(), stranger.executor()
    with pytest.raises(Refused) as caught:
        executor.snapshot(target)
    wanted = f'cannot get resource "deployments" in API group "apps" in the namespace "{stranger.namespace}"'
    assert wanted in str(caught.value)
    assert "deployments/kubernetes/base/rbac.yaml" in str(caught.value)


@on_the_cluster
def test_a_role_without_a_verb_is_refused_by_what_is_missing(world: World) -> None:
    target = world.start()
    binding = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{world.namespace}"
    world.client.delete(f"{binding}/rolebindings/sre-agent").raise_for_status()
    rules = [
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    ]
    world.post(f"{binding}/roles", {"metadata": {"name": "looking"}, "rules": rules})
    world.allow("Role", "looking")
    restart = order(ActionKind.RESTART, target, Restart())
    assert 1 == len(world.executor().observe(restart).processes)
    with pytest.raises(Refused, match='cannot patch resource "deployments" in API group "apps"'):
        world.executor().carry_out(restart)
    with pytest.raises(Refused, match='cannot get resource "configmaps" in API group ""'):
        world.executor().preview(order(ActionKind.CONFIGURE, target, Configure("configmap/web/x", "5")))


@on_the_cluster
def test_a_token_that_is_not_accepted_is_refused(world: World, tmp_path: Path) -> None:
    kubeconfig = world.api.write_kubeconfig(tmp_path / "old.kubeconfig", "expired")
    with pytest.raises(Refused, match=r"credentials of .*old\.kubeconfig are not accepted \(401\)"):
        kubernetes(kubeconfig=str(kubeconfig)).snapshot("shop/deployment/web")


@on_the_cluster
def test_a_context_can_be_chosen(world: World) -> None:
    with pytest.raises(BadSettings, match=r"mitigation\.kube_context elsewhere"):
        world.executor(kube_context="elsewhere")
    assert () == world.executor(kube_context="test").snapshot(f"{world.namespace}/deployment/web").processes


def written(folder: Path, url: str) -> str:
    """A kubeconfig for a server that is reached without TLS."""
    path = folder / "kubeconfig"
    content = {
        "clusters": [{"name": "x", "cluster": {"server": url}}],
        "users": [{"name": "x", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(content))
    return str(path)


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(Unavailable, match=f"kubernetes {url}"):
            kubernetes(kubeconfig=written(tmp_path, url)).snapshot("shop/deployment/web")


def test_a_server_that_never_answers_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unavailable, match="timed out"):
            kubernetes(kubeconfig=written(tmp_path, url)).snapshot("shop/deployment/web")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(None, r"kubeconfig: Invalid kube-config", id="no such file"),
        pytest.param("- a list", "is no kubeconfig", id="another document"),
        pytest.param("{", "is no kubeconfig", id="no YAML"),
        pytest.param("clusters: []", "kubeconfig: Invalid kube-config", id="nothing in it"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_a_wrong_setting(tmp_path: Path, text: str | None, why: str) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadSettings, match=why) as caught:
        kubernetes(kubeconfig=str(path))
    assert f"mitigation.kubeconfig {path}" in str(caught.value)


def test_without_a_kubeconfig_it_has_to_run_in_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(BadSettings, match=r"mitigation\.kubeconfig is empty, and this runs in no pod"):
        kubernetes()
