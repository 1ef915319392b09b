"""What many tests share: databases, and a real Kafka, each started once a process, when a test asks for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from adapters.store.database import Engine, connect
from adapters.store.migrate import migrate
from deployments import kafka_server
from deployments.kafka_server import KafkaServer
from domain.errors import Unavailable
from tests.parts import alertmanager_part, kube_part
from tests.parts.databases_part import Server, serving
from tests.parts.processes_part import Together, longest_first

# A machine that is busy with servers makes no property false.
# `make test` draws the same examples each time, `make soak` new and more ones.
STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", STEADY, derandomize=True, database=None)
settings.register_profile("soak", STEADY, max_examples=1_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """What a test must share a process with is ours to say."""
    config.option.loadscopereorder = False
    return Together(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In several processes the longest groups begin first; in one the order is that of the files."""
    if hasattr(config, "workerinput"):
        longest_first(items)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One PostgreSQL for all tests."""
    with serving(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """A migrated PostgreSQL database of the test's own."""
    return postgres_server.fresh()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite file of the test's own."""
    path = tmp_path / "store.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def store_url(request: pytest.FixtureRequest) -> str:
    """The same test over each kind of database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Engine]:
    """The agent's database, over each kind."""
    engine = connect(store_url)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Engine]:
    """The agent's database on PostgreSQL, for what SQLite does not have."""
    engine = connect(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A real Apache Kafka. Where Java or Maven is missing: skipped, in CI a failure."""
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


@pytest.fixture
def alertmanager() -> Iterator[alertmanager_part.Alertmanager]:
    """A real Alertmanager that tells a receiver of ours of every alert."""
    with alertmanager_part.alertmanager() as running:
        yield running


@pytest.fixture(scope="session")
def kube() -> Iterator[kube_part.KubeApi]:
    """A real Kubernetes API with its controllers, and kwok in the kubelet's place."""
    with kube_part.kubernetes() as api:
        yield api
