"""A16: heads of the ledger's chain can be kept where whoever changes the database does not reach."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from adapters.anchors import FileAnchors, TopicAnchors, WebhookAnchors, anchor_places
from deployments.kafka_server import KafkaServer
from domain.errors import Unavailable
from domain.ledger import Anchor
from domain.settings import Settings
from tests.parts.kafka_part import Topic, messages
from tests.parts.logs_part import NOON

HEAD = Anchor(7, "ab" * 32)


def settings(anchor: str, **kafka: object) -> Settings:
    return Settings.model_validate({"ledger": {"anchor": anchor}, "kafka": kafka})


@pytest.mark.parametrize(
    ("given", "kinds", "name"),
    [
        ("", [FileAnchors], "/home/ledger.anchor"),
        ("/mnt/heads", [FileAnchors, FileAnchors], "/mnt/heads"),
        ("topic:heads", [FileAnchors, TopicAnchors], "topic:heads"),
        ("https://user:word@hooks.example.org/secret", [FileAnchors, WebhookAnchors], "https://hooks.example.org"),
    ],
)
def test_the_file_in_the_home_and_what_settings_name(given: str, kinds: list[type], name: str) -> None:
    places = anchor_places(settings(given), Path("/home"))
    assert kinds == [type(place) for place in places]
    assert name == places[-1].name


def test_a_file_keeps_every_head(tmp_path: Path) -> None:
    place = FileAnchors(tmp_path / "new" / "heads")
    assert [] == place.read()
    place.write(HEAD, NOON)
    place.write(Anchor(8, "x"), NOON)
    assert [HEAD, Anchor(8, "x")] == place.read()


def test_a_file_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    place = FileAnchors(tmp_path)
    with pytest.raises(Unavailable, match=r"cannot be written"):
        place.write(HEAD, NOON)
    with pytest.raises(Unavailable, match=r"cannot be read"):
        place.read()


@contextmanager
def listening(code: int, bodies: list[bytes]) -> Iterator[int]:
    """Port of a server that answers every request with `code`."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(code)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - as above

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_a_webhook_takes_a_head_as_json() -> None:
    bodies: list[bytes] = []
    with listening(204, bodies) as port:
        WebhookAnchors(f"http://127.0.0.1:{port}/secret").write(HEAD, NOON)
    assert [{"seq": 7, "hash": HEAD.hash, "at": NOON.isoformat()}] == [json.loads(body) for body in bodies]


@pytest.mark.parametrize("code", [301, 302, 404, 500])
def test_a_webhook_that_does_not_take_it_is_unavailable_and_its_path_stays_secret(code: int) -> None:
    with listening(code, []) as port, pytest.raises(Unavailable, match=str(code)) as caught:
        WebhookAnchors(f"http://127.0.0.1:{port}/secret").write(HEAD, NOON)
    assert "secret" not in str(caught.value)


def test_a_webhook_where_nobody_listens_is_unavailable() -> None:
    with listening(200, []) as port:
        pass
    with pytest.raises(Unavailable) as caught:
        WebhookAnchors(f"http://127.0.0.1:{port}/secret").write(HEAD, NOON)
    assert "secret" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.kafka
def test_a_topic_takes_a_head(kafka: KafkaServer) -> None:
    topic = Topic(kafka.bootstrap_servers)
    tree = Settings(kafka=topic.settings())
    TopicAnchors(topic.name, tree).write(HEAD, NOON)
    (message,) = messages(topic.servers, topic.name, 1)
    assert 7 == json.loads(message.value())["seq"]
