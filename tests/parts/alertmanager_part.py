"""A real Alertmanager for one test, as receiver of our alerts and as source of webhooks."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments import ports
from domain.errors import Unavailable
from tests.parts.alertmanager_build import ALERTMANAGER
from tests.parts.kube_part import poll, program
from tests.parts.receivers_part import Receiver, receiving

CONFIG = """
route:
  receiver: ours
  group_by: [incident, episode]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: ours
    webhook_configs:
      - url: "{url}/alerts"
        send_resolved: true
"""


@dataclass(frozen=True)
class Alertmanager:
    """A running one, and who is told by it."""

    url: str
    receiver: Receiver

    def alerts(self) -> list[dict[str, Any]]:
        """Those that are active now."""
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/api/v2/alerts", timeout=10, trust_env=False).json()
        return found

    def send(self, *alerts: dict[str, Any]) -> None:
        """Post alerts as Prometheus does."""
        httpx.post(f"{self.url}/api/v2/alerts", json=alerts, timeout=10, trust_env=False).raise_for_status()


@contextmanager
def alertmanager(told: Receiver | None = None) -> Iterator[Alertmanager]:
    """It ends with the block; `told` is its receiver.

    Skips where it was not built (`make alertmanager`); in CI that fails.
    """
    try:
        built = ALERTMANAGER.prepare() if os.environ.get("CI") else ALERTMANAGER.path
    except Unavailable as error:
        pytest.fail(str(error))
    if not built.exists():
        pytest.skip("Alertmanager was not built: make alertmanager")
    with tempfile.TemporaryDirectory(prefix="alertmanager") as name, receiving(told or Receiver()) as receiver:
        folder, port = Path(name), ports.unused()
        config, url = folder / "alertmanager.yml", f"http://127.0.0.1:{port}"
        config.write_text(CONFIG.format(url=receiver.url))
        flags = (
            f"--config.file={config}",
            f"--storage.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        )
        with program(folder, "alertmanager", built, *flags) as child:
            poll(lambda: _ready(url, child), "Alertmanager is ready")
            yield Alertmanager(url, receiver)


def _ready(url: str, child: subprocess.Popen[bytes]) -> bool:
    assert child.poll() is None, "Alertmanager ended"
    try:
        return httpx.get(f"{url}/-/ready", timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False
