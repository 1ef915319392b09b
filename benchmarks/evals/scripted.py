"""A language model that follows a script, behind a real HTTP server on loopback.

    with serve(in_turn(call("logs", {"service": "web"}), say("done")), dialect="vllm_tools") as server:
        LlmSettings(base_url=server.url, model="scripted")
        ...
        server.requests[0].text

The dialect is how the server differs from others (`dialects.DIALECTS`), the behaviour how well it works
(`behaviours.BEHAVIOURS`, and functions there), the script what the model says (`turns`).
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.evals.answers import Answer, Request, as_json, whole
from benchmarks.evals.behaviours import Behaviour, well_behaved
from benchmarks.evals.dialects import DIALECTS, Dialect
from benchmarks.evals.turns import Script, Turn, call, in_turn, loop, say

__all__ = ["Recorded", "Script", "Server", "Turn", "call", "in_turn", "loop", "say", "serve"]

PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it came."""

    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)  # their names in lower case
    path: str

    @property
    def body(self) -> dict[str, Any]:
        """Its JSON object; empty where it is none."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass
class Server:
    """The model while it is served."""

    script: Script
    dialect: Dialect
    behaviour: Behaviour
    model: str  # the only one it has; empty: it has whatever it is asked for
    requests: list[Recorded] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    _taking: threading.Lock = field(default_factory=threading.Lock)
    _http: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        self._http = _Quiet(("127.0.0.1", 0), _handler(self.answer, self.stopped))
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """What the settings call `base_url`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def stop(self) -> None:
        """Take no more; whoever is kept waiting is let go."""
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, seen: Recorded) -> Answer:
        """What is answered to one request."""
        with self._taking:
            number = len(self.requests)
            self.requests.append(seen)
        if seen.path != PATH:
            return as_json({"error": {"message": f"no such path: {seen.path}"}}, 404)
        request = Request(number, seen.body, seen.headers, self.stopped)
        return self.behaviour(request, lambda: self._said(request))

    def _said(self, request: Request) -> Answer:
        """What the dialect and the script make of it."""
        body = request.body
        if self.model and body.get("model") != self.model:
            return self.dialect.knows_no(body.get("model"))
        return self.dialect.refusal(body) or self.dialect.completion(self.script(body), body, request.number)


@contextmanager
def serve(
    script: Script, *, dialect: str = "openai", behaviour: Behaviour = well_behaved, model: str = ""
) -> Iterator[Server]:
    """The script's model while the block runs."""
    server = Server(script, DIALECTS[dialect], behaviour, model)
    try:
        yield server
    finally:
        server.stop()


class _Quiet(ThreadingHTTPServer):
    """A client that goes away is no error here."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base class has it
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(answer: Callable[[Recorded], Answer], stopped: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Record the request and answer it."""
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            found = answer(Recorded(text, {name.lower(): value for name, value in self.headers.items()}, self.path))
            with suppress(OSError):
                (found.deliver or whole)(self, found, stopped)

        def log_message(self, *_: object) -> None:
            """Nothing: requests are recorded."""

    return Handler
