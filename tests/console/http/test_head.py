"""HEAD is answered as GET is, without the body, wherever GET is."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from adapters.store.database import Engine, connect
from console.http.app import ROUTES, create
from console.http.service import Service
from tests.parts.afar_part import served
from tests.parts.console_part import a_desk
from tests.parts.http_part import a_client, put

NAMES = {"{token}": "x", "{name:path}": "web", "{number}": "1"}


@pytest.fixture
def service(sqlite_url: str, tmp_path: Path) -> Iterator[Service]:
    engine: Engine = connect(sqlite_url)
    put(engine)
    yield a_desk(engine, tmp_path)
    engine.dispose()


def paths_of() -> list[str]:
    """A path of every route that answers GET, but of the one that never ends."""
    found = []
    for route in (one for router in ROUTES for one in router.routes):
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and route.path != "/events":
            path = route.path
            for name, value in NAMES.items():
                path = path.replace(name, value)
            assert "{" not in path
            found.append(path)
    return found


def test_every_way_in_that_answers_get_answers_head(service: Service) -> None:
    client: TestClient = a_client(service)
    paths = paths_of()
    assert {"/healthz", "/readyz", "/metrics", "/incidents", "/logs", "/i/x", "/incidents/1"} <= set(paths)
    for path in paths:
        whole = client.get(path, follow_redirects=False)
        head = client.head(path, follow_redirects=False)
        assert (whole.status_code, b"") == (head.status_code, head.content), path
        assert whole.headers.keys() == head.headers.keys(), path


@pytest.mark.parametrize("path", ["/healthz", "/incidents", "/events"])
def test_on_a_real_connection_the_head_alone_comes_and_the_next_request_is_heard(service: Service, path: str) -> None:
    with served(create(service)) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        for _ in range(2):
            connection.request("HEAD", path)
            found = connection.getresponse()
            assert (200, b"") == (found.status, found.read())
        connection.close()


def test_what_takes_no_get_takes_no_head(service: Service) -> None:
    found = a_client(service).head("/alertmanager")
    assert (405, b"") == (found.status_code, found.content)
