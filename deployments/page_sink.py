"""A receiver of webhooks for the demo: it accepts every page on loopback, checks its signature and keeps it as a file.

It lives in a thread of whoever starts it: `with serving(folder, secret) as url: …`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from adapters.parts_file import write_private

HOST, PATH = "127.0.0.1", "/pages"
LONGEST = 1_000_000
PATIENCE_SECONDS = 10.0


def genuine(secret: str, timestamp: str, body: bytes, signature: str) -> bool:
    """Whether the body was signed with the secret, as `docs/guides/channels.md` tells receivers to check."""
    expected = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v1={expected}".encode(), signature.encode())


def received(folder: Path) -> list[dict[str, Any]]:
    """Every page that was kept, in the order of arrival: `key`, `genuine`, `page`, `file`."""
    return [json.loads(file.read_text()) | {"file": str(file)} for file in sorted(folder.glob("*.json"))]


class _KeepPages(BaseHTTPRequestHandler):
    """What the server calls for each request."""

    server: _Sink
    timeout = PATIENCE_SECONDS

    def do_POST(self) -> None:
        """Keep the page, or say what is wrong with it."""
        status = self._keep() if self.path == PATH else HTTPStatus.NOT_FOUND
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _keep(self) -> HTTPStatus:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        body = self.rfile.read(int(length))
        try:
            page = json.loads(body)
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        timestamp, signature = (self.headers.get(name, "") for name in ("X-SRE-Timestamp", "X-SRE-Signature"))
        is_ours = genuine(self.server.secret, timestamp, body, signature)
        self.server.keep({"key": self.headers.get("Idempotency-Key", ""), "genuine": is_ours, "page": page})
        return HTTPStatus.NO_CONTENT if is_ours else HTTPStatus.FORBIDDEN

    def log_message(self, *_: object) -> None:
        """What comes is kept in files, not printed."""


class _Sink(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, secret: str) -> None:
        super().__init__((HOST, 0), _KeepPages)
        self.folder, self.secret = folder, secret
        self._lock, self._count = threading.Lock(), 0

    def keep(self, document: dict[str, Any]) -> None:
        """Write it so that a reader of the folder sees all of it or nothing."""
        with self._lock:
            self._count += 1
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{self._count:06}.json"
        write_private(self.folder / name, json.dumps(document, indent=2) + "\n")


@contextmanager
def serving(folder: Path, secret: str) -> Iterator[str]:
    """Serve on a free port of loopback; the address that takes pages."""
    folder.mkdir(parents=True, exist_ok=True)
    with _Sink(folder, secret) as server:
        thread = threading.Thread(target=server.serve_forever, name="page sink", daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_address[1]}{PATH}"
        finally:
            server.shutdown()
            thread.join()
