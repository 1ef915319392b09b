"""Vectors from an endpoint, and every way in which it can fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.embeddings import EmbeddingEndpoint
from domain.errors import Refused, SreError, Unavailable
from domain.settings import CallSettings, RetrievalSettings

Answering = Callable[[dict[str, Any], Any], tuple[int, bytes]]


def vectors(asked: dict[str, Any], headers: Any) -> tuple[int, bytes]:
    """One vector a text: its length and 1; in reverse order, as the protocol allows."""
    data = [{"index": at, "embedding": [len(text), 1]} for at, text in enumerate(asked["input"])]
    return 200, json.dumps({"data": data[::-1]}).encode()


@pytest.fixture
def serve() -> Iterator[Callable[[Answering], str]]:
    """A server on loopback that answers as a function says; its URL."""
    servers: list[ThreadingHTTPServer] = []

    def started(answering: Answering) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                code, body = answering(asked | {"path": self.path}, self.headers)
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Stay quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield started
    for server in servers:
        server.shutdown()
        server.server_close()


def endpoint(url: str) -> EmbeddingEndpoint:
    settings = RetrievalSettings(embedding_url=url, embedding_model="small", embedding_key=SecretStr("k3y"))
    return EmbeddingEndpoint(settings, CallSettings(timeout_seconds=5))


def test_each_text_gets_its_vector(serve: Callable[[Answering], str]) -> None:
    """In order, over several calls."""
    texts = ["x" * number for number in range(1, 151)]
    assert [[number, 1] for number in range(1, 151)] == endpoint(serve(vectors))(texts).tolist()


def test_model_and_key_are_said(serve: Callable[[Answering], str]) -> None:
    seen: list[tuple[str, str, str]] = []

    def answering(asked: dict[str, Any], headers: Any) -> tuple[int, bytes]:
        seen.append((asked["path"], asked["model"], headers["Authorization"]))
        return vectors(asked, headers)

    endpoint(serve(answering))(["a"])
    assert [("/v1/embeddings", "small", "Bearer k3y")] == seen


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        pytest.param(500, b"{}", Unavailable, id="the server broke"),
        pytest.param(429, b"{}", Unavailable, id="the server is busy"),
        pytest.param(401, b"{}", Refused, id="the key is wrong"),
        pytest.param(200, b"no json", Refused, id="no JSON"),
        pytest.param(200, b'{"data": []}', Refused, id="no vector"),
        pytest.param(200, b'{"data": [{"index": 0, "embedding": ["a"]}]}', Refused, id="no numbers"),
        pytest.param(200, b'{"data": [{"index": 0, "embedding": [NaN]}]}', Refused, id="not a number"),
        pytest.param(200, b'{"data": [{"index": 0, "embedding": 3}]}', Refused, id="a number for a vector"),
        pytest.param(200, b"[]", Refused, id="another shape"),
    ],
)
def test_what_is_no_vector_is_an_error_of_ours(
    serve: Callable[[Answering], str], code: int, body: bytes, error: type[SreError]
) -> None:
    with pytest.raises(error) as found:
        endpoint(serve(lambda *_: (code, body)))(["a"])
    assert "k3y" not in str(found.value)


def test_nobody_answers() -> None:
    with pytest.raises(Unavailable, match=r"ConnectError \(see retrieval.embedding_url\)"):
        endpoint("http://127.0.0.1:1/v1")(["a"])
