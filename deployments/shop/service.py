"""The process of one worker: `python -m deployments.shop.service payments 0 HOME`, started by supervisord.

It has two ports on loopback: one that all workers of the service share, and a control port of its own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from deployments.shop.faults import known
from deployments.shop.layout import HOST, Shop, read, worker_name
from deployments.shop.worker import Worker
from domain.errors import BadInput

BEAT_SECONDS = 1.0
DRAIN_SECONDS = 2.0  # how long requests in hand may take once a stop was asked for


class Quiet(BaseHTTPRequestHandler):
    """Answers with JSON; the logs go to Kafka, not to stderr."""

    worker: Worker  # set on the subclass that each server is given

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Nothing."""

    def reply(self, status: HTTPStatus, document: object) -> None:
        """Send one answer; a caller that has given up is no error of ours."""
        body = json.dumps(document).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


class Public(Quiet):
    """The service itself."""

    def do_GET(self) -> None:
        self.reply(*self.worker.answer(self.command, self.path, self.headers.get("X-Trace-Id")))

    def do_POST(self) -> None:
        self.do_GET()


class Control(Quiet):
    """Health, and the switch for faults."""

    def do_GET(self) -> None:
        self.reply(
            HTTPStatus.OK, {"pid": os.getpid(), "faults": self.worker.faults.active, "metrics": self.worker.metrics()}
        )

    def do_POST(self) -> None:
        """`/faults/NAME?amount=N&heals_after=SECONDS` enters a fault."""
        url = urlsplit(self.path)
        name = url.path.removeprefix("/faults/")
        asked = parse_qs(url.query)
        try:
            amount = float(asked.get("amount", [str(known(name).amount)])[0])
            heals_after = float(asked["heals_after"][0]) if "heals_after" in asked else None
        except (BadInput, ValueError) as error:
            self.reply(HTTPStatus.BAD_REQUEST, {"failure": str(error)})
            return
        self.worker.faults.enter(name, amount, heals_after)
        self.reply(HTTPStatus.OK, {"entered": name})

    def do_DELETE(self) -> None:
        """`/faults/NAME` leaves it."""
        name = self.path.removeprefix("/faults/")
        self.worker.faults.leave(name)
        self.reply(HTTPStatus.OK, {"left": name})


class SharedPort(ThreadingHTTPServer):
    """The kernel spreads connections over all processes that listen on the port."""

    allow_reuse_port = True
    daemon_threads = True
    request_queue_size = 128


class OwnPort(ThreadingHTTPServer):
    """A port of this process alone."""

    daemon_threads = True


def serve(shop: Shop, home: Path, service: str, number: int) -> None:
    """Serve until SIGTERM, or until supervisord is gone."""
    stopping = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stopping.set())
    parent = os.getppid()
    name = worker_name(service, number)
    worker = Worker(shop, home, service, name)
    control = OwnPort((HOST, shop.control[name]), type("Control", (Control,), {"worker": worker}))
    public = SharedPort((HOST, shop.ports[service]), type("Public", (Public,), {"worker": worker}))
    for server in (control, public):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    # An orphan would hold its ports and go on writing logs.
    while not stopping.wait(BEAT_SECONDS) and os.getppid() == parent:
        worker.beat()
    public.shutdown()
    public.server_close()
    drain(worker)


def drain(worker: Worker) -> None:
    """Let the requests in hand end, then send the last logs."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while worker.slots.in_use and time.monotonic() < deadline:
        time.sleep(0.02)
    worker.log.write("INFO", "service stopped", worker.metrics())
    worker.log.close()


def main() -> None:
    """Read the shop's file and serve."""
    service, number, home = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    shop = read(home)
    if shop is None:
        raise SystemExit(f"there is no shop in {home}")
    serve(shop, home, service, number)


if __name__ == "__main__":
    main()
