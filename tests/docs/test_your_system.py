"""The guide to one's own topic, followed step by step on a real Kafka, with its commands taken from its text."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adapters.inventory_files import load as load_inventory
from adapters.kafka.producer import LogProducer, Outgoing
from adapters.located_yaml import read_yaml
from adapters.settings_files import load
from console.main import cli
from deployments.kafka_server import KafkaServer
from domain.kafka_settings import KafkaSettings
from tests.docs.documents_part import PROJECT, blocks
from tests.parts.kafka_part import Topic

GUIDE = (PROJECT / "docs" / "your-system.md").read_text()
STEPS = re.split(r"^## \d\. ", GUIDE, flags=re.MULTILINE)[1:]
TOPIC = "my-logs"
MANY = 30


def foreign(number: int) -> bytes:
    at = datetime.now(UTC) - timedelta(seconds=60 - number)
    said = {"ts": at.timestamp(), "app": "web", "lvl": "error", "msg": f"payment {number} refused", "m": {"cpu": 7.5}}
    return json.dumps(said).encode()


def calls(step: int, program: str) -> list[str]:
    lines = [line for block in blocks(STEPS[step - 1]) if block.language == "sh" for line in block.text.splitlines()]
    return [line for line in lines if line.startswith(f"{program} ")]


def yaml_of(step: int) -> str:
    return next(block.text for block in blocks(STEPS[step - 1]) if block.language == "yaml")


def run(call: str, stand_ins: Mapping[str, str]) -> str:
    words = [stand_ins.get(word, word) for word in shlex.split(call)[1:]]
    done = CliRunner().invoke(cli, words)
    assert 0 == done.exit_code, (call, done.output, done.exception)
    return done.output


def with_fields(text: str, lines: str) -> str:
    """The settings with the guide's lines in the place that it names."""
    inner = "".join(f"{line}\n" for line in lines.splitlines()[1:])
    changed = re.sub(r"^  # fields: .*\n", lambda _: inner, text, flags=re.MULTILINE)
    assert changed != text
    return changed


@pytest.mark.slow
def test_the_guide_leads_from_nothing_to_a_topic_that_is_understood(
    kafka: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    shutil.copytree(PROJECT / "playbooks", clone / "playbooks")
    monkeypatch.chdir(clone)
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    Topic(kafka.bootstrap_servers, name=TOPIC)
    producer = LogProducer(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    producer.send(TOPIC, [Outgoing(foreign(number)) for number in range(MANY)])
    producer.flush()

    (call,) = calls(1, "sre init")
    told = run(call, {"broker-1:9092": kafka.bootstrap_servers})
    assert f"about {MANY} messages" in told
    (exported,) = calls(1, "export")
    name, _, path = exported.removeprefix("export ").partition("=")
    monkeypatch.setenv(name, path)
    assert TOPIC in run(calls(1, "sre config")[0] if calls(1, "sre config") else "sre config", {})

    proposed = run("sre peek", {})
    assert yaml_of(3).strip() == proposed[proposed.index("kafka:\n") :].strip()

    Path(path).write_text(with_fields(Path(path).read_text(), yaml_of(3)))
    assert f"{MANY} read as {MANY} logs, 0 not" in run("sre peek", {})

    (call,) = calls(4, "sre score")
    found: dict[str, Any] = json.loads(run(f"{call} --json", {}))
    assert (MANY, 0) == (found["logs"], found["rejected"])

    (call,) = calls(5, "cp")
    source, target = shlex.split(call)[-2:]
    shutil.copytree(source, target)
    books = json.loads(run("sre playbooks --json", {}))
    assert Path(target).resolve() == Path(books["folder"]).resolve()
    assert 0 < len(books["playbooks"])
    assert not load(Path(path), environ={}).settings.mitigation.acting


def test_its_inventory_is_one(tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text(yaml_of(7))
    assert {"web"} == load_inventory(tmp_path / "inventory.yaml").services.keys()


def test_acting_comes_last() -> None:
    """Nothing before the last step turns acting on."""
    assert ["acting: true" in step for step in STEPS] == [False] * 6 + [True]
    assert read_yaml(yaml_of(3)).value == {
        "kafka": {
            "fields": {"timestamp": "ts", "level": "lvl", "message": "msg", "service": "app", "metrics": "m"},
        }
    }
