"""A15: passwords were in `ps`, in errors, in a file that everybody can read, and in a page."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from adapters.parts_file import PROJECT
from adapters.store.database import connect as connect_store
from adapters.supervisord_client import Supervisord
from deployments import health, supervised
from deployments.bring_up import migrate
from deployments.layout import Home
from deployments.prefect_api import connect
from deployments.wanted import Broker, Wanted
from domain.errors import BadSettings, SreError, Unavailable
from tests.deployments.test_site import a_site

WORD = "hidden-word"
STORE = f"postgresql://agent:{WORD}@127.0.0.1:1/agent"
PREFECT = f"http://agent:{WORD}@127.0.0.1:1/api"


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("secrets")
    found = Home(folder / ".sre", folder)
    found.make()
    return found


def asked() -> Wanted:
    return Wanted(Broker.EMBEDDED, store_url=STORE, prefect_api_url=PREFECT, mlflow_tracking_uri=PREFECT)


def test_no_argument_of_a_part_holds_a_password(home: Home) -> None:
    for program in a_site(home, asked()).programs():
        assert WORD not in " ".join(program.command)


def test_the_configuration_of_supervisord_is_its_owners_alone(home: Home) -> None:
    supervised.configuration(home).write_text("left by an earlier version")
    supervised.configuration(home).chmod(0o644)
    supervised.write(home, a_site(home, asked()).programs(), root=False)
    assert 0o600 == stat.S_IMODE(supervised.configuration(home).stat().st_mode)
    assert WORD in supervised.configuration(home).read_text()


def test_n9_a_wrong_database_is_the_message_alone(home: Home) -> None:
    """N9: it ended in a traceback of migrate.py, with the URL in its first line."""
    with pytest.raises(Unavailable) as found:
        migrate(a_site(home, asked()), lambda *_: None)
    assert "127.0.0.1" in str(found.value)
    assert "Traceback" not in str(found.value)
    assert WORD not in str(found.value)


def test_n9_the_migration_by_hand_takes_the_database_from_the_environment() -> None:
    call = [sys.executable, "-m", "adapters.store.migrate"]
    done = subprocess.run(
        call, cwd=PROJECT, env={**os.environ, "SRE_STORE__URL": STORE}, capture_output=True, text=True, check=False
    )
    assert 1 == done.returncode
    assert done.stderr.startswith("store: ")
    assert WORD not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"https://agent:{WORD}@shop/RPC2", id="another-scheme"),
        pytest.param(f"agent:{WORD}@shop:9001", id="no-scheme"),
        pytest.param(f"http://agent@shop:{WORD}", id="password-for-a-port"),
    ],
)
def test_a_wrong_address_of_supervisord_is_not_repeated(url: str) -> None:
    with pytest.raises(BadSettings) as found:
        Supervisord(url, 1)
    assert WORD not in str(found.value)


def test_errors_of_servers_mask_their_passwords() -> None:
    with connect(PREFECT) as api, pytest.raises(SreError) as found:
        api.deployments(["watch"])
    with pytest.raises(BadSettings) as wrong:
        connect_store(f"postgresql://agent@db:{WORD}/agent")
    assert WORD not in f"{found.value}{wrong.value}{health.prefect(PREFECT)}"
    assert "***" in str(found.value)
