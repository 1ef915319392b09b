"""A database of which nothing comes any more: packets vanish, no connection is reset. Nobody waits for ever."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from adapters.store import database
from adapters.store.database import SILENCE, as_long_as_it_takes, connect, transaction
from domain.errors import Unavailable
from tests.parts.databases_part import Server

SECONDS = 60
CHUNK = 65_536


class Proxy:
    """Forwards bytes to a server, until it forwards nothing and closes nothing."""

    def __init__(self, server: str, here: Path) -> None:
        self._server = server
        self._silent = threading.Event()
        self._held: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(here))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        self._silent.set()

    def speak(self) -> None:
        self._silent.clear()

    def close(self) -> None:
        for one in (self._listener, *self._held):
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._held += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                if not self._silent.is_set():
                    sink.sendall(data)


@pytest.mark.slow
def test_a_server_that_falls_silent_is_given_up_and_the_next_connection_works(
    postgres_server: Server, postgres_url: str, tmp_path: Path
) -> None:
    """Its packets are acknowledged, and no answer comes: no limit of TCP would end that."""
    proxy = Proxy(str(postgres_server.embedded.sockets / ".s.PGSQL.5432"), tmp_path / ".s.PGSQL.5432")
    url = sa.make_url(postgres_url)
    engine = connect(str(url.update_query_dict({"host": str(tmp_path)})), answer_seconds=1)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="said nothing for 1 s"), transaction(engine) as connection:
        assert 1 == connection.scalar(sa.text("SELECT 1"))
        proxy.fall_silent()
        connection.execute(sa.text("SELECT 2"))
    assert time.monotonic() - began < SECONDS
    proxy.speak()
    with transaction(engine) as connection:
        assert 3 == connection.scalar(sa.text("SELECT 3"))
    engine.dispose()
    proxy.close()


@pytest.mark.slow
def test_a_statement_that_rewrites_a_table_may_take_long(postgres_url: str) -> None:
    engine = connect(postgres_url, answer_seconds=0.3)
    with engine.connect() as connection, as_long_as_it_takes(connection):
        connection.execute(sa.text("SELECT pg_sleep(1.5)"))
    with pytest.raises(Unavailable), transaction(engine) as connection:
        connection.execute(sa.text("SELECT pg_sleep(30)"))
    engine.dispose()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", SILENCE, id="our limits"),
        pytest.param(
            "?tcp_user_timeout=5&keepalives_idle=7", {"tcp_user_timeout": "5", "keepalives_idle": "7"}, id="its"
        ),
    ],
)
def test_what_the_url_says_of_silence_counts(
    query: str, expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    def refuse(*_given: object, **named: object) -> None:
        asked.append(named)
        raise psycopg.OperationalError

    monkeypatch.setattr(database.PatientConnection, "connect", refuse)
    with pytest.raises(Unavailable), transaction(connect(f"postgresql://127.0.0.1:1/agent{query}")):
        pass
    assert SILENCE.keys() <= asked[0].keys()
    assert expected.items() <= asked[0].items()
