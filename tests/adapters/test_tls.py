"""TLS to PostgreSQL, Kafka, mail and HTTP with a private CA: the right one is taken, a wrong one is told of."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

import pytest
import sqlalchemy as sa
from confluent_kafka.admin import AdminClient, NewTopic
from pydantic import SecretStr

from adapters import postgres
from adapters.anchors import WebhookAnchors
from adapters.channels.calls import Call, post
from adapters.channels.email import EmailChannel
from adapters.heartbeat import UrlHeartbeat
from adapters.kafka.edges import topic_edges
from adapters.on_call_files import calendars
from adapters.openid.calls import NONE, tokens
from adapters.store.database import Engine, connect, transaction
from adapters.trust import trust
from deployments import health, kafka_server
from deployments.kafka_files import properties
from domain.errors import BadSettings, Unavailable
from domain.ledger import Anchor
from domain.openid import Begun
from domain.openid_settings import OpenIdSettings
from domain.paging_settings import EmailSettings, PagingSettings, Security
from domain.settings import KafkaSettings
from tests.contracts.pages_part import a_page
from tests.contracts.smtp_part import smtp_server
from tests.parts.certificates_part import Files, certificates
from tests.parts.databases_part import Server

SECONDS = 30


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return certificates(tmp_path / "certificates")


@pytest.fixture
def wrong(tmp_path: Path) -> Files:
    """A CA by which no server of the test has a certificate."""
    return certificates(tmp_path / "wrong", "another CA")


def context(files: Files) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(files.certificate, files.key)
    return made


# --- PostgreSQL ---------------------------------------------------------------------------------


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()
    writer.close()


@contextmanager
def postgres_with_tls(socket_path: str, files: Files | None) -> Iterator[int]:
    """Port of a PostgreSQL that speaks TLS; the embedded one cannot, so somebody in front of it does, or says no."""
    ready, ports_of, loops = threading.Event(), [], []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # SSLRequest
        writer.write(b"S" if files else b"N")
        await writer.drain()
        if files is None:
            return writer.close()
        try:
            await writer.start_tls(context(files))
        except OSError:
            return None  # the client did not take the certificate
        inner_reader, inner_writer = await asyncio.open_unix_connection(socket_path)
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer), return_exceptions=True)
        return None

    async def serve() -> None:
        server = await asyncio.start_server(take, "127.0.0.1", 0)
        ports_of.append(server.sockets[0].getsockname()[1])
        loops.append((asyncio.get_running_loop(), stop := asyncio.Event()))
        ready.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(SECONDS)
    yield ports_of[0]
    loop, stop = loops[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(SECONDS)


def verifying(port: int, ca: Path) -> Engine:
    return connect(f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={ca}")


@pytest.mark.slow
def test_postgresql(postgres_server: Server, tmp_path: Path, files: Files, wrong: Files) -> None:
    with postgres_with_tls(str(postgres_server.embedded.sockets / postgres.SOCKET), files) as port:
        store = verifying(port, files.ca)
        with transaction(store) as connection:
            assert 1 == connection.scalar(sa.text("SELECT 1"))
            assert connection.connection.dbapi_connection.pgconn.ssl_in_use  # type: ignore[union-attr]
        store.dispose()
        for ca in (wrong.ca, tmp_path / "nowhere.pem"):
            with (
                pytest.raises(Unavailable, match=r"certificate.*see sslmode and sslrootcert in store\.url"),
                transaction(verifying(port, ca)),
            ):
                pass


@pytest.mark.slow
def test_a_postgresql_without_tls_is_refused_where_it_is_asked_for(postgres_server: Server, files: Files) -> None:
    with (
        postgres_with_tls(str(postgres_server.embedded.sockets / postgres.SOCKET), None) as port,
        pytest.raises(Unavailable, match=r"does not support SSL.*see sslmode and sslrootcert in store\.url"),
        transaction(verifying(port, files.ca)),
    ):
        pass


# --- Kafka --------------------------------------------------------------------------------------


@pytest.fixture
def kafka_with_tls(tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real Kafka whose one listener speaks TLS."""
    try:
        kafka_server.prepare()
    except Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    store = tmp_path / "server.both.pem"
    store.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())

    def with_tls(folder: Path, port: int, controller_port: int) -> dict[str, str]:
        listeners = f"SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}"
        tls = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(store), "inter.broker.listener.name": "SSL"}
        names = {"listeners": listeners, "advertised.listeners": f"SSL://127.0.0.1:{port}"}
        kinds = {"listener.security.protocol.map": "SSL:SSL,CONTROLLER:PLAINTEXT"}
        trusting = {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(files.ca)}
        return properties(folder, port, controller_port) | tls | names | kinds | trusting

    monkeypatch.setattr("deployments.kafka_files.properties", with_tls)
    client = MappingProxyType({"security.protocol": "SSL", "ssl.ca.location": str(files.ca)})
    monkeypatch.setattr(
        "deployments.health.kafka",
        lambda servers: health.answers({"bootstrap.servers": servers, **client}, health.SECONDS),
    )
    folder = tmp_path / "kafka"
    try:
        yield kafka_server.start(folder).bootstrap_servers
    finally:
        kafka_server.stop(folder)


@pytest.mark.slow
def test_kafka(kafka_with_tls: str, files: Files, wrong: Files) -> None:
    admin = AdminClient(
        {"bootstrap.servers": kafka_with_tls, "security.protocol": "SSL", "ssl.ca.location": str(files.ca)}
    )
    admin.create_topics([NewTopic("logs", 1, 1)])["logs"].result(SECONDS)

    def edges(ca: Path) -> object:
        client = {"security.protocol": SecretStr("SSL"), "ssl.ca.location": SecretStr(str(ca))}
        return topic_edges(KafkaSettings(bootstrap_servers=kafka_with_tls, topic="logs", client=client), 5)

    assert {0: (0, 0)} == edges(files.ca)
    with pytest.raises(Unavailable, match=r"kafka.*trusted\? \(kafka\.client: ssl\.ca\.location"):
        edges(wrong.ca)


# --- mail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_mail(files: Files, wrong: Files, security: Security) -> None:
    offered = {"tls" if security is Security.TLS else "starttls": context(files)}
    with smtp_server(**offered) as inbox:

        def mailing(ca: Path) -> EmailChannel:
            email = EmailSettings(host="127.0.0.1", port=inbox.port, security=security, ca_file=str(ca))
            return EmailChannel(PagingSettings(email=email))

        assert mailing(files.ca).send(a_page())
        with pytest.raises(Unavailable, match=r"see paging\.email\.ca_file"):
            mailing(wrong.ca).send(a_page())
        assert 1 == len(inbox.mails)


# --- HTTP ---------------------------------------------------------------------------------------


class Taking(BaseHTTPRequestHandler):
    """Takes everything, and gives an empty calendar."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(b"{}")

    def do_GET(self) -> None:
        self.answer(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nEND:VCALENDAR\r\n")

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def receiver(files: Files) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    server.socket = context(files).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    trust("")


NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
BEGUN = Begun("state", "nonce", "verifier", "http://127.0.0.1/login/openid/callback", "/incidents")
CALLERS = [
    pytest.param(lambda url: post(Call("webhook", "paging.webhook", url, b"{}"), 10), id="a channel"),
    pytest.param(lambda url: UrlHeartbeat(url).beat(NOW), id="the heartbeat"),
    pytest.param(lambda url: WebhookAnchors(url).write(Anchor(1, "0" * 64), NOW), id="the ledger's anchor"),
    pytest.param(calendars._fetched, id="a calendar"),
    pytest.param(lambda url: tokens("a provider", OpenIdSettings(), url, NONE, BEGUN, "code"), id="an OpenID provider"),
]


@pytest.mark.parametrize("call", CALLERS)
def test_http_clients_take_the_private_ca_that_is_set_and_no_other(
    receiver: str, files: Files, wrong: Files, call: object
) -> None:
    assert callable(call)
    for ca in ("", str(wrong.ca)):
        trust(ca)
        with pytest.raises(Unavailable, match=r"see calls\.ca_file"):
            call(receiver)
    trust(str(files.ca))
    call(receiver)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "cannot be read: No such file", id="missing"),
        pytest.param("no certificate", "holds no certificate in PEM", id="not PEM"),
    ],
)
def test_a_file_that_is_no_certificate_is_told_of(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadSettings, match=rf"calls\.ca_file: .*{told}"):
        trust(str(path))
