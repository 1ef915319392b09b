"""The image holds what its commands need and nothing more; Dockerfile and compose file are read by Docker's own code.

There is no Docker engine in the tests: nothing is built or started here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from adapters.parts_file import PROJECT
from tests.parts.image_lint_build import IMAGE_LINT

DOCKERFILE = PROJECT / "Dockerfile"
COMPOSE = PROJECT / "deployments" / "compose.yaml"
SRE = ("-c", "from console.main import main; main()")
OF_A_COMPILER = re.compile(r"\b(gcc|g\+\+|build-essential|python3-dev|apt-get|apk)\b")


@pytest.fixture(scope="module")
def lint() -> Path:
    found = IMAGE_LINT.path
    if not found.exists():
        reason = "image-lint is not built: `make image-lint`"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return found


def stages() -> list[list[str]]:
    """The instructions of each stage, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    begins = [at for at, line in enumerate(lines) if line.startswith("FROM ")]
    return [lines[at:end] for at, end in zip(begins, [*begins[1:], len(lines)], strict=True)]


def copied() -> list[str]:
    """What of the project goes into the image."""
    found = [line.split()[1:-1] for stage in stages() for line in stage if line.startswith("COPY ")]
    return [name for names in found for name in names if not name.startswith(("--from", "/"))]


def test_docker_reads_the_dockerfile_without_a_warning(lint: Path) -> None:
    done = subprocess.run([lint, "dockerfile", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_docker_compose_reads_its_file(lint: Path) -> None:
    done = subprocess.run([lint, "compose", COMPOSE], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    assert {"kafka", "postgres", "prefect", "mlflow", "setup", "watch", "on-call", "keeper", "http"} == set(
        done.stdout.split()
    )


def test_the_last_stage_has_no_compiler_and_no_root() -> None:
    *_, last = stages()
    text = "\n".join(last)
    assert not OF_A_COMPILER.search(text)
    assert not re.search(r"\bpip install\b", text)
    (user,) = [line for line in last if line.startswith("USER ")]
    assert re.fullmatch(r"USER [1-9]\d{3,}:[1-9]\d{3,}", user)
    assert any(line.startswith("HEALTHCHECK ") for line in last)
    # Nothing is copied as that user: what runs cannot change itself.
    assert not any("--chown" in line for line in last)


def test_everything_that_is_copied_is_there_and_let_through() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {f"!{name}" for name in copied()} == {line for line in ignored if line.startswith("!")}
    assert [] == [name for name in copied() if not (PROJECT / name).exists()]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project in the image, which nobody may write to."""
    folder = tmp_path_factory.mktemp("image") / "sre-agent"
    folder.mkdir()
    for name in copied():
        place = PROJECT / name
        if place.is_dir():
            shutil.copytree(place, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(place, folder / name)
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    return folder


def run(image: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in that folder, with the variables of the image and no others of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SRE_", "PREFECT_", "MLFLOW_"))}
    environ = kept | {
        "PYTHONPATH": str(image),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "SRE_HOME": str(home),
        "SRE_STORE__FILES": str(home / "log-files"),
        "SRE_STORE__URL": f"sqlite:///{home / 'store.db'}",
    }
    return subprocess.run(
        [sys.executable, *arguments], env=environ, cwd=image, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("-m", "adapters.store.migrate"), id="migrate"),
        pytest.param((*SRE, "incidents"), id="sre-incidents"),
        pytest.param((*SRE, "playbooks", "--check", "playbooks"), id="playbooks"),
        pytest.param(("-m", "console.http", "--help"), id="http"),
        pytest.param(("-c", "import flows.watch, flows.on_call, flows.canary, flows.retrain"), id="flows"),
        pytest.param(("-c", "import deployments.worker, deployments.keeper"), id="deployments"),
    ],
)
def test_what_is_copied_suffices_where_nothing_may_be_written(
    image: Path, tmp_path_factory: pytest.TempPathFactory, arguments: tuple[str, ...]
) -> None:
    home = tmp_path_factory.mktemp("home")
    if arguments[-1] == "incidents":
        assert 0 == run(image, home, "-m", "adapters.store.migrate").returncode
    done = run(image, home, *arguments)
    assert 0 == done.returncode, done.stderr
    assert not list(image.rglob("__pycache__"))


@pytest.mark.slow
def test_it_is_the_copied_code_that_runs(image: Path, tmp_path: Path) -> None:
    done = run(image, tmp_path, "-c", "import console.main, domain; print(console.main.__file__)")
    assert str(image) in done.stdout


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def ours() -> dict[str, dict[str, Any]]:
    return {name: one for name, one in services().items() if one.get("image") == "sre-agent"}


def test_the_agents_containers_can_do_little() -> None:
    assert {"setup", "watch", "on-call", "keeper", "http"} == ours().keys()
    for name, one in ours().items():
        assert (True, ["ALL"]) == (one["read_only"], one["cap_drop"]), name
        assert ["no-new-privileges:true"] == one["security_opt"], name
    assert {"on-call"} == {name for name, one in ours().items() if "env_file" in one}


def test_every_port_is_on_loopback_only() -> None:
    ports = [port for one in services().values() for port in one.get("ports", [])]
    assert ports
    assert [] == [port for port in ports if not port.startswith("127.0.0.1:")]


def test_its_commands_are_modules_of_ours() -> None:
    modules = [one["command"][2] for one in ours().values() if one.get("command", [])[:2] == ["python", "-m"]]
    assert {"deployments.worker", "deployments.keeper"} == set(modules)
    assert all(find_spec(name) for name in modules)
