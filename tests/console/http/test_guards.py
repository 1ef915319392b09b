"""What every request passes: who may send, how much, how often, how slowly; on real connections where it matters."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapters import link_keys
from adapters.store.database import connect
from console.http import guards, patience
from console.http.guards import address
from console.http.starting import server, service
from deployments.ports import unused
from domain.errors import BadSettings
from domain.http_settings import HttpSettings, exposure_problem
from domain.settings import Settings, StoreSettings
from tests.parts.http_part import LOCAL, a_client, a_service, a_token, a_webhook, put
from tests.parts.logs_part import a_log

AWAY = ("192.0.2.7", 50_000)
TOKEN = HttpSettings(token=SecretStr("secret-token"), per_minute=100_000)


@pytest.mark.parametrize("path", ["/logs", "/alertmanager", "/changes"])
@pytest.mark.parametrize(
    ("settings", "client", "headers", "expected"),
    [
        pytest.param(HttpSettings(), LOCAL, {}, 200, id="a program of this machine, without a token"),
        pytest.param(HttpSettings(), AWAY, {}, 403, id="another machine without a token"),
        pytest.param(HttpSettings(), LOCAL, {"Origin": "http://x"}, 403, id="a page in a browser of this machine"),
        pytest.param(TOKEN, AWAY, {"Authorization": "Bearer secret-token"}, 200, id="whoever has the token"),
        pytest.param(TOKEN, LOCAL, {}, 401, id="this machine, where a token is asked for"),
        pytest.param(TOKEN, AWAY, {"Authorization": "Bearer wrong"}, 401, id="another token"),
    ],
)
def test_who_may_send(  # noqa: PLR0917 - the columns of the table
    sqlite_url: str,
    tmp_path: Path,
    path: str,
    settings: HttpSettings,
    client: tuple[str, int],
    headers: dict[str, str],
    expected: int,
) -> None:
    made = a_service(connect(sqlite_url), tmp_path, settings=settings)
    change = json.dumps({"service": "web", "what": "v2"}).encode()
    body = {"/logs": a_log(), "/alertmanager": json.dumps(a_webhook()).encode(), "/changes": change}[path]
    assert expected == a_client(made, client).post(path, content=body, headers=headers).status_code


@pytest.mark.parametrize(
    ("settings", "is_exposed"),
    [
        pytest.param({}, False, id="loopback"),
        pytest.param({"host": "::1"}, False, id="loopback of IPv6"),
        pytest.param({"host": "0.0.0.0"}, True, id="every address"),  # noqa: S104 - what is refused
        pytest.param({"host": "sre.example.com"}, True, id="a name of the network"),
        pytest.param({"public_url": "https://sre.example.com"}, True, id="loopback behind a proxy"),
        pytest.param({"public_url": "http://localhost:8088"}, False, id="its own address"),
        pytest.param({"host": "0.0.0.0", "token": SecretStr("t")}, False, id="every address, with a token"),  # noqa: S104
    ],
)
def test_others_are_let_in_with_a_token_only(settings: dict[str, object], is_exposed: bool) -> None:  # noqa: FBT001 - a column
    assert is_exposed == ("SRE_HTTP__TOKEN" in exposure_problem(HttpSettings.model_validate(settings)))


def test_an_exposed_service_does_not_start(tmp_path: Path) -> None:
    tree = Settings(http=HttpSettings(host="0.0.0.0"))  # noqa: S104 - what is refused
    with pytest.raises(BadSettings, match="SRE_HTTP__TOKEN"):
        service(tree, tmp_path)


def test_an_address_that_asks_too_often_is_told_to_wait_and_others_are_not(sqlite_url: str, tmp_path: Path) -> None:
    made = a_service(connect(sqlite_url), tmp_path, settings=HttpSettings(per_minute=5))
    client = a_client(made)
    assert [403] * 5 + [429] == [client.get("/i/x").status_code for _ in range(6)]
    last = client.get("/i/x")
    assert "60" == last.headers["retry-after"]
    assert "DENY" == last.headers["x-frame-options"]
    other = a_client(made, AWAY)
    other.app = client.app
    assert 200 == other.get("/readyz").status_code
    assert [200, 200] == [client.get(path).status_code for path in ("/healthz", "/readyz")]


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        pytest.param(("192.0.2.7", 1), "192.0.2.7", id="an IPv4 address"),
        pytest.param(("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64", id="a household's network of IPv6"),
        pytest.param(None, "", id="a socket without addresses"),
    ],
)
def test_whose_requests_are_counted_together(client: tuple[str, int] | None, expected: str) -> None:
    assert expected == address({"client": client})


@pytest.fixture
def port(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A service on a port of its own that takes 10,000 bytes and is not patient."""
    monkeypatch.setattr(guards, "READ_SECONDS", 0.5)
    monkeypatch.setattr(patience, "HEAD_SECONDS", 1.0)
    store = connect(sqlite_url)
    put(store)
    made = a_service(store, tmp_path, settings=HttpSettings(most_bytes=10_000))
    number = unused()
    running = server(made, "127.0.0.1", number)
    thread = threading.Thread(target=running.run)
    thread.start()
    deadline = time.monotonic() + 30
    while not running.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield number
    running.should_exit = True
    thread.join(30)


def test_a_body_that_does_not_say_how_long_it_is_ends_at_the_limit(port: int) -> None:
    chunks = (b"x" * 1_000 for _ in range(100))
    done = httpx.post(f"http://127.0.0.1:{port}/logs", content=chunks, trust_env=False)
    assert 413 == done.status_code
    assert "http.most_bytes" in done.json()["error"]


def test_a_body_that_says_so_is_not_read(port: int) -> None:
    done = httpx.post(f"http://127.0.0.1:{port}/logs", content=b"x" * 20_000, trust_env=False)
    assert 413 == done.status_code


def test_a_body_that_does_not_come_is_not_waited_for(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(b"POST /logs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert connection.recv(1_000).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("begin", [pytest.param(b"", id="nothing"), pytest.param(b"GET / HT", id="a piece of a line")])
def test_a_head_that_does_not_come_is_not_waited_for(port: int, begin: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(begin)
        assert b"" == connection.recv(1_000)


def test_a_link_works_over_a_real_connection(port: int, tmp_path: Path) -> None:
    shown = httpx.get(f"http://127.0.0.1:{port}/i/{a_token(tmp_path)}", trust_env=False)
    assert 200 == shown.status_code
    assert "server" not in shown.headers


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [("GET", "/nothing", 404), ("PUT", "/logs", 405), ("PUT", "/i/x", 405), ("GET", "/docs", 404)],
)
def test_what_there_is_not_is_an_answer_with_advice(
    sqlite_url: str, tmp_path: Path, method: str, path: str, expected: int
) -> None:
    done = a_client(a_service(connect(sqlite_url), tmp_path)).request(method, path)
    assert expected == done.status_code
    assert "/openapi.json" in done.text


def test_the_service_needs_the_public_half_of_the_key_alone(sqlite_url: str, tmp_path: Path) -> None:
    """A home without the private key: nothing of the service can sign."""
    token = a_token(tmp_path, expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1))
    link_keys.private_file(tmp_path).unlink()
    made = service(Settings(store=StoreSettings(url=SecretStr(sqlite_url))), tmp_path)
    put(made.engine)
    assert 200 == a_client(made).post(f"/i/{token}", data={"token": token, "verb": "acknowledge"}).status_code
    assert not link_keys.private_file(tmp_path).exists()


def idle(port: int, source: str, many: int, held: ExitStack) -> list[socket.socket]:
    """Connections of that address without a byte."""
    where = ("127.0.0.1", port)
    return [held.enter_context(socket.create_connection(where, 30, (source, 0))) for _ in range(many)]


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True


def test_idle_connections_take_nobodys_place(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 connections without a byte made everything answer 503."""
    monkeypatch.setattr(patience, "HEAD_SECONDS", 60.0)
    with ExitStack() as held:
        idle(port, "127.0.0.1", 300, held)
        assert 200 == httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code


def test_one_address_has_some_connections_and_no_more(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 60.0)
    monkeypatch.setattr(patience, "is_loopback", lambda host: host == "127.0.0.1")
    with ExitStack() as held:
        begun = idle(port, "127.0.0.2", 300, held)
        # The service takes connections in turn: once this is answered, those before it were looked at.
        assert 200 == httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code
        assert patience.MOST_OF_AN_ADDRESS == sum(map(is_open, begun))
        transport = httpx.HTTPTransport(local_address="127.0.0.3")
        with httpx.Client(transport=transport) as other:
            assert 200 == other.get(f"http://127.0.0.1:{port}/healthz").status_code


def test_all_connections_are_bounded(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 60.0)
    monkeypatch.setattr(patience, "MOST_CONNECTIONS", 20)
    with ExitStack() as held:
        begun = idle(port, "127.0.0.1", 30, held)
        assert b"" == begun[-1].recv(1)
        assert 20 == sum(map(is_open, begun))


async def test_more_requests_at_once_than_can_be_are_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "MOST_REQUESTS", 1)
    began, ends = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        began.set()
        await ends.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(guards.Guard(slow, HttpSettings()), client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        first = asyncio.create_task(client.get("/incidents"))
        await began.wait()
        refused = await client.get("/incidents")
        ends.set()
        assert (503, "5", 200) == (refused.status_code, refused.headers["retry-after"], (await first).status_code)
        assert 200 == (await client.get("/incidents")).status_code
