"""N10: `prefect deploy --all` on a Prefect server of one's own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.parts_file import PROJECT
from console.main import cli
from deployments.health import prefect
from deployments.ports import unused
from deployments.prefect_api import connect
from deployments.programs import POOLS
from domain.errors import BadSettings
from tests.deployments.conftest import stand_in_project

SECONDS = 90


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Prefect server that nobody prepared."""
    port = unused()
    url = f"http://127.0.0.1:{port}/api"
    for name, value in {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_API_URL": url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SRE_KAFKA__MEMBERS", "2")
    call = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "server.log").open("w") as out:
        server = subprocess.Popen(call, cwd=tmp_path, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + SECONDS
        while problem := prefect(url):
            assert time.monotonic() < deadline, problem
            time.sleep(0.2)
        yield url
    finally:
        server.terminate()
        server.wait(30)


def deploy(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", *options]
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(call, cwd=project, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.prefect
def test_one_command_before_it_is_enough(own_server: str, tmp_path: Path) -> None:
    """N10: "work pool 'watch' does not exist", exit 1, nothing registered."""
    project = stand_in_project(tmp_path / "project")
    assert "does not exist" in (refused := deploy(project)).stdout + refused.stderr
    for _ in range(2):  # again changes nothing
        done = CliRunner().invoke(cli, ["pools", "--write", str(project / "members.yaml")])
        assert 0 == done.exit_code, done.output
    assert "pools watch, on-call are there" in done.stdout
    made = deploy(project, "--prefect-file", "members.yaml")
    assert 0 == made.returncode, made.stdout + made.stderr
    with connect(own_server) as api:
        assert {"watch", "watch-2", "on-call", "retrain", "drift", "clean-up", "compact"} <= api.deployments(
            POOLS
        ).keys()


def test_without_a_server_the_way_to_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    done = CliRunner().invoke(cli, ["pools"])
    assert isinstance(done.exception, BadSettings)
    assert "PREFECT_API_URL" in str(done.exception)
