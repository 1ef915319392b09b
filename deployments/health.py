"""What ails a part: empty when it answers as it should."""

from __future__ import annotations

import socket

import httpx
import psutil

from adapters.kafka.embedded import answers
from domain.masking import masked_urls

SECONDS = 3


def prefect(api_url: str) -> str:
    """Prefect's server and its database."""
    return http(f"{api_url.rstrip('/')}/ready")


def mlflow(tracking_uri: str) -> str:
    """MLflow's server; other stores than a server are files, with nothing to ask."""
    if not tracking_uri.startswith("http"):
        return ""
    return http(f"{tracking_uri.rstrip('/')}/health")


def kafka(bootstrap_servers: str) -> str:
    """A Kafka without login."""
    return answers({"bootstrap.servers": bootstrap_servers}, SECONDS)


def http_service(address: str) -> str:
    """Our HTTP service, and through it the store.

    Its certificate names it as people reach it, and this is its address on this machine: it is not asked for, and
    nothing is told to whoever answers.
    """
    return http(f"{address}/readyz", verify=False)


def http(url: str, *, verify: bool = True) -> str:
    """A server that answers with success."""
    try:
        response = httpx.get(url, timeout=SECONDS, trust_env=False, verify=verify)
    except httpx.HTTPError as error:
        return masked_urls(f"{url}: {error or type(error).__name__}")
    return "" if response.is_success else masked_urls(f"{url}: HTTP {response.status_code}")


def stranger(pid: int, port: int) -> str:
    """What is wrong when somebody else than this process or its children listens on a port: he would answer for us."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        ports = {held.laddr.port for one in family for held in one.net_connections("tcp") if held.status == "LISTEN"}
    except psutil.Error:
        return f"process {pid} is gone"
    return "" if port in ports else f"port {port} is not ours yet; another program may have taken it"


def listening(port: int) -> str:
    """A loopback server that takes connections."""
    try:
        socket.create_connection(("127.0.0.1", port), SECONDS).close()
    except OSError as error:
        return f"127.0.0.1:{port}: {error.strerror or error}"
    return ""
