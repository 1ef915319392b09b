"""A Kubernetes without containers, for one test session: etcd, API server, controllers, and kwok as the kubelet."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from deployments import ports
from domain.errors import Unavailable
from tests.parts import kube_build

SECONDS = 60.0
NODE = "kwok"
CONTROLLERS = ("deployment-controller", "replicaset-controller", "statefulset-controller", "daemonset-controller")
LISTEN = "127.0.0.1"
# The build may be a part of the first test that needs it.
MARKS = (pytest.mark.slow, pytest.mark.kube, pytest.mark.timeout(1_800))


def on_the_cluster(test: Callable[..., None]) -> Callable[..., None]:
    """Mark one test as `MARKS` do a whole file."""
    for mark in MARKS:
        test = mark(test)
    return test


@dataclass(frozen=True)
class KubeApi:
    """A running API server, and its administrator's way in."""

    folder: Path
    url: str
    token: str

    @property
    def ca(self) -> Path:
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "admin.kubeconfig"

    def write_kubeconfig(self, path: Path, token: str, *, url: str = "") -> Path:
        """A kubeconfig with the one context `test`, for whoever has the token."""
        cluster = {"server": url or self.url, "certificate-authority": str(self.ca)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        path.write_text(json.dumps(content))
        return path

    def client(self) -> httpx.Client:
        """Plain HTTP as the administrator."""
        headers = {"Authorization": f"Bearer {self.token}"}
        trusted = ssl.create_default_context(cafile=self.ca)
        return httpx.Client(base_url=self.url, headers=headers, verify=trusted, timeout=10, trust_env=False)


def poll(reached: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Wait until it is so; fails the test when it never is."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)


@contextmanager
def program(folder: Path, name: str, *command: object) -> Iterator[subprocess.Popen[bytes]]:
    """A server that runs until the block ends; its output is in `folder`."""
    with (folder / f"{name}.log").open("wb") as output:
        arguments = [str(each) for each in command]
        child = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env={"HOME": str(folder), "PATH": os.defpath},
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def kubernetes() -> Iterator[KubeApi]:
    """A Kubernetes of one node on free ports; all of it ends with the block. Skips without Go, in CI it fails."""
    try:
        programs = kube_build.prepare()
    except Unavailable as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="kube") as name, ExitStack() as running:
        api = _servers(Path(name), programs, running)
        _kubelet(api, programs, running)
        yield api


def _servers(folder: Path, programs: Path, running: ExitStack) -> KubeApi:
    """Start etcd, the API server and the controllers; the API server answers."""
    etcd, peer, secure = ports.unused(), ports.unused(), ports.unused()
    api = KubeApi(folder, f"https://{LISTEN}:{secure}", secrets.token_hex(16))
    program_file = programs / "kube-api"
    running.enter_context(program(folder, "etcd", program_file, "etcd", *_etcd_flags(folder, etcd, peer)))
    flags = _api_flags(api, etcd, secure)
    child = running.enter_context(program(folder, "kube-apiserver", program_file, "kube-apiserver", *flags))
    poll(lambda: _answers(api, child), "the API server answers")
    api.write_kubeconfig(api.kubeconfig, api.token)
    controllers = (f"--kubeconfig={api.kubeconfig}", f"--controllers={','.join(CONTROLLERS)}", "--leader-elect=false")
    flags = (*controllers, "--secure-port=0")
    running.enter_context(program(folder, "controllers", program_file, "kube-controller-manager", *flags))
    return api


def _etcd_flags(folder: Path, client: int, peer: int) -> Sequence[str]:
    """One member that need not survive a power cut."""
    here, peers = f"http://{LISTEN}:{client}", f"http://{LISTEN}:{peer}"
    return (
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={here}",
        f"--advertise-client-urls={here}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )


def _api_flags(api: KubeApi, etcd: int, secure: int) -> Sequence[str]:
    """RBAC decides; the administrator comes by a token of a file, accounts by signed ones."""
    key = api.folder / "accounts.key"
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    key.write_bytes(pem)
    tokens = api.folder / "tokens.csv"
    tokens.write_text(f'{api.token},admin,admin,"system:masters"\n')
    return (
        f"--etcd-servers=http://{LISTEN}:{etcd}",
        f"--bind-address={LISTEN}",
        f"--advertise-address={LISTEN}",
        "--endpoint-reconciler-type=none",
        f"--secure-port={secure}",
        f"--cert-dir={api.ca.parent}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",  # nobody makes accounts or removes taints
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.test",
        "--service-cluster-ip-range=10.0.0.0/24",
    )


def _answers(api: KubeApi, child: subprocess.Popen[bytes]) -> bool:
    """Whether the API server is ready, its default roles included."""
    assert child.poll() is None, (api.folder / "kube-apiserver.log").read_text()[-3000:]
    try:
        with api.client() as client:
            return client.get("/readyz").status_code == httpx.codes.OK
    except (httpx.TransportError, FileNotFoundError):
        return False  # it does not listen yet, or its certificate is not there yet


def _kubelet(api: KubeApi, programs: Path, running: ExitStack) -> None:
    """Start kwok, and wait until a pod of a Deployment is ready, so that every part is seen to work."""
    flags = (f"--kubeconfig={api.kubeconfig}", f"--manage-single-node={NODE}", "--node-port=0")
    stages = f"--config={kube_build.SOURCES / 'stages.yaml'}"
    running.enter_context(program(api.folder, "kwok", programs / "kwok", *flags, stages))
    with api.client() as client:
        client.post("/api/v1/nodes", json={"metadata": {"name": NODE}}).raise_for_status()
        deployments = "/apis/apps/v1/namespaces/default/deployments"
        client.post(deployments, json=deployment("probe")).raise_for_status()
        poll(lambda: client.get(f"{deployments}/probe").json()["status"].get("readyReplicas"), "a pod is ready")


def pod_template(name: str, image: str) -> dict[str, Any]:
    """A pod of one container, placed by hand, as there is no scheduler."""
    container = {"name": "main", "image": image, "env": [{"name": "POOL_SIZE", "value": "10"}]}
    return {"metadata": {"labels": {"app": name}}, "spec": {"nodeName": NODE, "containers": [container]}}


def deployment(
    name: str, *, image: str = "shop:1", replicas: int = 1, kind: str = "Deployment", progress_seconds: int = 600
) -> dict[str, Any]:
    """A Deployment, or another kind with the same pods. `progress_seconds`: after so long its rollout has stalled."""
    spec: dict[str, Any] = {"selector": {"matchLabels": {"app": name}}, "template": pod_template(name, image)}
    if kind != "DaemonSet":
        spec["replicas"] = replicas
    if kind == "Deployment":
        spec["progressDeadlineSeconds"] = progress_seconds
    return {"metadata": {"name": name}, "spec": spec}
