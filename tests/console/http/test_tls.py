"""The HTTP service speaks HTTPS where it has a certificate, and says which file is missing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from adapters.store.database import connect
from adapters.trust import trust, trusted
from console.http.starting import server
from deployments import health
from deployments.ports import unused
from domain.errors import BadSettings
from domain.http_settings import HttpSettings
from tests.parts.certificates_part import Files, certificates
from tests.parts.http_part import a_service


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return certificates(tmp_path / "certificates")


@pytest.fixture
def address(sqlite_url: str, tmp_path: Path, files: Files) -> Iterator[str]:
    store = connect(sqlite_url)
    settings = HttpSettings(certificate=str(files.certificate), key=str(files.key))
    port = unused()
    running = server(a_service(store, tmp_path, settings=settings), "127.0.0.1", port)
    thread = threading.Thread(target=running.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not running.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield f"https://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(30)
    trust("")
    store.dispose()


def test_it_speaks_https_to_whoever_trusts_its_ca_and_to_nobody_in_the_clear(address: str, files: Files) -> None:
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(f"{address}/readyz", verify=trusted(), trust_env=False)
    trust(str(files.ca))
    assert httpx.get(f"{address}/readyz", verify=trusted(), trust_env=False).is_success
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{address.replace('https', 'http')}/readyz", trust_env=False)
    assert "" == health.http_service(address)


def test_one_file_without_the_other_is_refused() -> None:
    with pytest.raises(ValidationError, match="certificate and key belong together"):
        HttpSettings(certificate="server.pem")


def test_a_file_that_is_not_there_is_told_of_by_its_setting(sqlite_url: str, tmp_path: Path, files: Files) -> None:
    made = a_service(connect(sqlite_url), tmp_path, settings=HttpSettings(certificate=str(files.certificate), key="/x"))
    with pytest.raises(BadSettings, match=r"http\.key: /x is no file"):
        server(made, "127.0.0.1", 0)
