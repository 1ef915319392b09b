"""HTTP servers on loopback that play receivers of pages: any, PagerDuty and Slack as their documentation says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def fields(self) -> Any:
        """Its JSON, or its form."""
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(status: int, fields: object, **headers: str) -> Reply:
    return Reply(status, json.dumps(fields).encode(), {"Content-Type": "application/json"} | headers)


class Receiver:
    """Keeps what arrives, and takes it; `always` and, before that, `once` are answered instead."""

    taken = Reply(200)

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.once: list[Reply] = []
        self.always: Reply | None = None
        self.url = ""
        self.lock = threading.Lock()

    def reply(self, seen: Seen) -> Reply:
        with self.lock:
            self.seen.append(seen)
            if self.once:
                return self.once.pop(0)
            return self.always or self.take(seen)

    def take(self, seen: Seen) -> Reply:
        return self.taken


class Accepting(Receiver):
    """As a workflow of Teams: it begins later what it was asked for."""

    taken = Reply(202, b"")


@dataclass
class Alert:
    """One alert of PagerDuty, and the events that went into it."""

    key: str
    state: str = "triggered"
    events: list[dict[str, Any]] = field(default_factory=list)


class PagerDuty(Receiver):
    """One open alert for each key; what comes after a resolve is dropped, but a trigger, which opens another one."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: list[Alert] = []
        self.dropped: list[dict[str, Any]] = []

    def take(self, seen: Seen) -> Reply:
        event = seen.fields
        if len(seen.body) > 512_000:
            return as_json(413, {"status": "invalid event", "errors": ["event is too large"]})
        if errors := list(self._wrong(event)):
            return as_json(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})
        self._into_alert(event)
        return as_json(202, {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]})

    def _into_alert(self, event: dict[str, Any]) -> None:
        alert = next((one for one in self.alerts if one.key == event["dedup_key"] and one.state != "resolved"), None)
        action = event["event_action"]
        if action == "trigger" and alert is None:
            alert = Alert(event["dedup_key"])
            self.alerts.append(alert)
        if alert is None:
            self.dropped.append(event)
            return
        alert.events.append(event)
        alert.state = {"acknowledge": "acknowledged", "resolve": "resolved"}.get(action, alert.state)

    def _wrong(self, event: dict[str, Any]) -> Iterator[str]:
        if len(event.get("routing_key", "")) != 32:
            yield "Length of 'routing_key' is incorrect (should be 32 characters)"
        if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            yield "'event_action' is invalid"
        if len(event.get("dedup_key", "")) > 255:
            yield "'dedup_key' is too long"
        if event.get("event_action") == "trigger":
            payload = event.get("payload", {})
            yield from (f"'payload.{name}' is missing" for name in ("summary", "source") if not payload.get(name))
            if payload.get("severity") not in ("critical", "error", "warning", "info"):
                yield "'payload.severity' is invalid"
            if len(payload.get("summary", "")) > 1_024:
                yield "'payload.summary' is too long"


class Slack(Receiver):
    """The two methods for messages, and an incoming webhook; each message has a time stamp of its own."""

    def __init__(self, token: str = "xoxb-test", channels: Mapping[str, str] = {"#ops": "C0123"}) -> None:
        super().__init__()
        self.token = token
        self.channels = dict(channels)
        self.messages: dict[str, dict[str, Any]] = {}

    def take(self, seen: Seen) -> Reply:
        if seen.path.startswith("/services/"):
            return Reply(200, b"ok", {"Content-Type": "text/plain"})
        if seen.headers.get("authorization") != f"Bearer {self.token}":
            return self.no("invalid_auth")
        method = {"/api/chat.postMessage": self._post, "/api/chat.update": self._update}.get(seen.path)
        return method(seen.fields) if method else self.no("unknown_method")

    def no(self, code: str) -> Reply:
        return as_json(200, {"ok": False, "error": code})

    def _post(self, message: dict[str, Any]) -> Reply:
        channel = self.channels.get(message["channel"], message["channel"])
        if channel not in self.channels.values():
            return self.no("channel_not_found")
        if "thread_ts" in message and message["thread_ts"] not in self.messages:
            return self.no("thread_not_found")
        stamp = f"1767614400.{len(self.messages) + 1:06d}"
        self.messages[stamp] = message
        return as_json(200, {"ok": True, "channel": channel, "ts": stamp, "message": {}})

    def _update(self, message: dict[str, Any]) -> Reply:
        if message["ts"] not in self.messages:
            return self.no("message_not_found")
        if message["channel"] not in self.channels.values():
            return self.no("channel_not_found")
        self.messages[message["ts"]] |= message
        return as_json(200, {"ok": True, "channel": message["channel"], "ts": message["ts"], "text": ""})


R = TypeVar("R", bound=Receiver)


@contextmanager
def receiving(receiver: R) -> Iterator[R]:
    """The receiver behind a server; its address is `receiver.url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen = Seen(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            reply = receiver.reply(seen)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST  # noqa: N815 - as above

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class Hanging:
    """A server that takes connections and never says a word, until it is let go."""

    listener: socket.socket
    held: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                self.held.append(self.listener.accept()[0])

    def let_go(self) -> None:
        """Whoever waits hears that the connection ended; nobody is taken any more."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in self.held:
            one.close()


@contextmanager
def hanging() -> Iterator[Hanging]:
    """One while the block runs."""
    found = Hanging(socket.create_server(("127.0.0.1", 0)))
    thread = threading.Thread(target=found.serve, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.let_go()
        thread.join(10)
