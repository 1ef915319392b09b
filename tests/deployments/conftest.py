"""The parts, brought up once for a file of tests, around a project of stand-in flows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from adapters import postgres
from adapters.parts_file import PROJECT, Parts, read
from deployments import kafka_server
from deployments.bring_up import bring_up
from deployments.kafka_server import KafkaServer
from deployments.layout import Home
from deployments.take_down import take_down
from deployments.wanted import Broker, Wanted
from domain.errors import Unavailable

SECRETS = {
    "SRE_PAGING__EMAIL__PASSWORD": 'it\'s "secret" 100%',
    "SRE_LLM__API_KEY": "secret-key",
    "SRE_MITIGATION__SUPERVISORD_URL": "http://user:secret@127.0.0.1:1",
    "OPENAI_API_KEY": "secret-too",
}
LONG_LIVED = """
import asyncio
from prefect import flow, task

@task
async def batch(): await asyncio.sleep(3600)

@flow
async def window(): await batch()

@flow(name={name!r})
async def {function}(): await window()
"""
SHORT = """
from prefect import flow

@flow(name={name!r})
async def {function}(): return 1
"""
FLOWS = {
    "watch": LONG_LIVED,
    "on-call": LONG_LIVED,
    "retrain": SHORT,
    "drift": SHORT,
    "promote": SHORT,
    "rollback": SHORT,
    "replay": SHORT,
    "report": SHORT,
    "clean-up": SHORT,
    "compact": SHORT,
    "canary": SHORT,
    "tick": SHORT,
}
TICK = {
    "name": "tick",
    "entrypoint": "flows/tick.py:tick",
    "work_pool": {"name": "watch"},
    # On a busy machine a run takes longer than the interval, and runs that gather make it busier still.
    "concurrency_limit": {"limit": 1, "collision_strategy": "CANCEL_NEW"},
    "schedules": [{"interval": 5, "slug": "often"}],
}


@dataclass(frozen=True)
class Running:
    """Parts that run, and how to start and stop them again."""

    home: Home

    def up(self, members: int = 0) -> Parts:
        environ = {**os.environ, **SECRETS, "SRE_CONFIG_FILE": str(self.file)}
        return bring_up(self.home, Wanted(Broker.EMBEDDED, scaled=members), environ, print)

    @property
    def file(self) -> Path:
        """Its settings."""
        return self.home.folder.parent / "sre.yaml"

    def down(self) -> None:
        take_down(self.home, print)

    @property
    def parts(self) -> Parts:
        return read(self.home.folder)


def stand_in_project(folder: Path) -> Path:
    """A project with our prefect.yaml and flows that only wait, and one more that is scheduled often."""
    (folder / "flows").mkdir(parents=True)
    document = yaml.safe_load((PROJECT / "prefect.yaml").read_text())
    document["deployments"].append(TICK)
    (folder / "prefect.yaml").write_text(yaml.safe_dump(document))
    for name, text in FLOWS.items():
        function = name.replace("-", "_")
        (folder / "flows" / f"{function}.py").write_text(text.format(name=name, function=function))
    return folder


@pytest.fixture(scope="module")  # its scheduled runs would keep the machine busy to the end of the session
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("site")
    site = Running(Home(folder / ".sre", stand_in_project(folder / "project")))
    try:
        site.file.write_text("detection: {enabled: true}\n")
        site.up()
        yield site
    finally:
        site.down()
        postgres.remove(site.home.folder)
        shutil.rmtree(site.home.folder)


@pytest.fixture(scope="module")
def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """Apache Kafka in a folder of its own. Where Java or Maven is missing: skipped, in CI a failure."""
    folder = tmp_path_factory.mktemp("kafka")
    try:
        kafka_server.prepare()
    except Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    try:
        yield kafka_server.start(folder)
    finally:
        kafka_server.stop(folder)
