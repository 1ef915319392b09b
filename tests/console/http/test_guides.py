"""The examples of the guides work as they are pasted."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.parts_file import PROJECT
from adapters.store.database import Engine, connect
from console.http.app import create
from console.http.service import Service
from domain.access import Scope
from tests.parts.afar_part import a_token, served, wall_clock
from tests.parts.console_part import add_user
from tests.parts.http_part import Sent, a_service
from tests.parts.logs_part import a_log

LOGS = 12_000


@pytest.fixture
def service(sqlite_url: str, tmp_path: Path) -> Iterator[Service]:
    engine: Engine = connect(sqlite_url)
    yield a_service(engine, tmp_path / "home", clock=wall_clock)
    engine.dispose()


def example(guide: str, begin: str) -> str:
    """The block of that guide that begins so."""
    text = (PROJECT / "docs/guides" / guide).read_text()
    (found,) = (one for one in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if one.startswith(begin))
    return str(found)


def pasted(script: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        ["/bin/bash", "-ec", script],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder), "no_proxy": "*", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.mark.parametrize(("begin", "expected"), [("head -n", 1_000), ("split -C", LOGS)])
def test_logs_are_posted(service: Service, tmp_path: Path, begin: str, expected: int) -> None:
    lines = [a_log(request_id=f"r{number}") for number in range(LOGS)]
    (tmp_path / "logs.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert service.settings.most_bytes < (tmp_path / "logs.jsonl").stat().st_size
    with served(create(service)) as address:
        said = pasted(example("http.md", begin).replace("http://127.0.0.1:8088", address), tmp_path)
    assert isinstance(service.logs, Sent)
    assert expected == len(service.logs.logs)
    assert expected == sum(map(int, re.findall(r'"sent":(\d+)', said)))


def test_a_command_is_posted(service: Service, tmp_path: Path) -> None:
    add_user(service.engine, "ann")
    token = tmp_path / ".config/sre/token"
    token.parent.mkdir(parents=True)
    token.write_text(a_token(service.engine, "ann", Scope.READ) + "\n")
    with served(create(service)) as address:
        said = pasted(example("console.md", "curl -sS"), tmp_path, SRE_API_URL=address)
    assert {"out": "[]\n", "err": "", "exit": 0} == json.loads(said)
