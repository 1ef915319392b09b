"""A request to the scripted server, and its answer on the wire."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the model."""

    number: int  # from 0, in the order in which they came
    body: dict[str, Any]
    headers: Mapping[str, str]  # their names in lower case
    stopped: threading.Event  # set as the server stops: whoever waits goes on


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent, and how."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    deliver: Callable[[BaseHTTPRequestHandler, Answer, threading.Event], None] | None = None  # None: at once, whole


def as_json(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that holds a document."""
    return Answer(status, json.dumps(document).encode(), {"Content-Type": JSON, **(headers or {})})


def begin(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """Send the status and the headers; the body ends with the connection."""
    handler.send_response(answer.status)
    for name, value in {"Content-Type": JSON, **answer.headers}.items():
        handler.send_header(name, value)
    handler.end_headers()


def whole(handler: BaseHTTPRequestHandler, answer: Answer, _: threading.Event) -> None:
    """Send all of it at once."""
    begin(handler, answer)
    handler.wfile.write(answer.body)
