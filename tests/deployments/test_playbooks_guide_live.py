"""The guide to playbooks on the deployed agent and the shop: its own commands, from the file to the proved recovery."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters import postgres
from adapters.parts_file import PROJECT, read
from tests.deployments.test_first_hour import Agent
from tests.docs.documents_part import blocks, commands

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(900)]
GUIDE = (PROJECT / "docs" / "playbooks.md").read_text()
SECONDS = 150


class Reader:
    """Somebody who follows the guide, with a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.agent = Agent(folder / ".sre")
        self.environ: dict[str, str] = {}

    def places(self, words: str) -> str:
        """The guide's names as they are here."""
        here = words.replace("$PWD", str(self.folder)).replace("my-playbooks", str(self.folder / "my-playbooks"))
        return here.replace(f"{self.folder}/{self.folder}", str(self.folder))

    def write(self) -> None:
        """The playbook and the inventory, as the guide has them."""
        shutil.copytree(PROJECT / "playbooks", self.folder / "my-playbooks")
        name = re.findall(r"my-playbooks/([\w-]+\.md)", GUIDE)[0]
        texts = {block.language: block.text for block in reversed(blocks(GUIDE))}
        (self.folder / "my-playbooks" / name).write_text(texts["markdown"])
        (self.folder / "my-inventory.yaml").write_text(texts["yaml"])

    def export(self) -> None:
        for name, value in re.findall(r"^export (SRE_\w+)=(.+)$", GUIDE, re.MULTILINE):
            self.environ[name] = self.places(value)

    def sre(self, call: str) -> subprocess.CompletedProcess[str]:
        return self.agent.sre(*shlex.split(self.places(call))[1:], **self.environ)

    def shop(self, call: str) -> None:
        kafka = read(self.agent.home).kafka["bootstrap_servers"]
        words = shlex.split(call.replace("localhost:9092", str(kafka)))[1:]
        subprocess.run([sys.executable, *words, "--home", str(self.agent.home)], cwd=PROJECT, check=True)

    def incident(self) -> dict[str, Any] | None:
        """That of the example, once it is there."""
        found = json.loads(self.sre("sre incidents --json").stdout or "[]")
        mine = [row for row in found if row["what"] == "rounding-error"]
        return mine[0] if mine else None

    def until(self, state: str) -> dict[str, Any]:
        ends = time.monotonic() + SECONDS
        while (found := self.incident()) is None or found["state"] != state:
            assert time.monotonic() < ends, (state, found)
            time.sleep(1)
        return found


def the(program: str, part: str) -> str:
    """The guide's command that holds `part`."""
    return next(call for call in commands(GUIDE, program) if part in call)


@pytest.fixture
def reader() -> Iterator[Reader]:
    with tempfile.TemporaryDirectory(prefix="sre") as short:  # the path of a socket has room for little
        found = Reader(Path(short))
        try:
            yield found
        finally:
            found.shop(the("python", "shop down"))
            assert 0 == found.sre("sre down").returncode
            postgres.remove(found.agent.home)


def test_the_guide_followed_step_by_step(reader: Reader) -> None:
    reader.write()
    assert 0 == reader.sre(the("sre", "--check")).returncode
    reader.export()
    up = reader.sre("sre up")
    assert 0 == up.returncode, up.stderr
    reader.shop(the("python", "shop up"))
    assert "1 running" in reader.sre("sre inventory --json").stdout
    would = reader.sre(the("sre", "act ") + " --json")
    assert (0, True) == (would.returncode, "stop and start payments:payments_00" in would.stdout), would.stderr
    reader.shop(the("python", "fault inject"))
    number = reader.until("waiting for approval")["incident"]
    allowed = reader.sre(the("sre", "approve").replace(" 1", f" {number}"))
    assert 0 == allowed.returncode, allowed.stderr
    reader.until("resolved")
    told = reader.sre(f"sre incident {number}").stdout
    assert all(part in told for part in ("rounding-error", "restart payments", "recovered")), told
    assert "1 of 3 proved recoveries" in reader.sre("sre autonomy --json").stdout
