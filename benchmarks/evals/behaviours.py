"""How a server behaves, whatever it is asked: well, slowly, brokenly, or not at all.

A behaviour is given the request and how it would be answered, which it may leave uncalled: the script then does not
know of the request. `together` puts several over one another.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from types import MappingProxyType
from typing import Any

from benchmarks.evals.answers import Answer, Request, as_json, begin

Answering = Callable[[], Answer]
Behaviour = Callable[[Request, Answering], Answer]
Choice = dict[str, Any]

FOR_EVER = 1_000_000_000
HTML = b"<html><head><title>502 bad gateway</title></head><body>nginx</body></html>"
PIECE = b" " * 65_536


def together(*behaviours: Behaviour) -> Behaviour:
    """All of them, the first outermost."""

    def both(request: Request, answering: Answering) -> Answer:
        for one in reversed(behaviours):
            answering = partial(one, request, answering)
        return answering()

    return both


def well_behaved(_: Request, answering: Answering) -> Answer:
    """As the dialect has it."""
    return answering()


def slow(seconds: float) -> Behaviour:
    """Each answer that much later."""

    def behave(request: Request, answering: Answering) -> Answer:
        request.stopped.wait(seconds)
        return answering()

    return behave


def rate_limited(times: int = FOR_EVER, retry_after: str = "1", **headers: str) -> Behaviour:
    """The first requests are too many; empty `retry_after`: it does not say when to come again."""
    when = {"Retry-After": retry_after} if retry_after else {}
    told = {"message": "Rate limit reached for requests", "type": "requests", "param": None, "code": "rate_limit"}
    return first(times, as_json({"error": told}, 429, when | headers))


def failing(times: int = FOR_EVER, status: int = 500, **headers: str) -> Behaviour:
    """The first requests fail."""
    return first(times, as_json({"error": {"message": "Internal Server Error"}}, status, headers))


def dead(times: int = FOR_EVER) -> Behaviour:
    """It closes the connection of the first requests without a word."""
    return first(times, Answer(0, b"", deliver=_close))


def moved(url: str) -> Behaviour:
    """It points to another server."""
    return first(FOR_EVER, Answer(307, b"", {"Location": url}))


def guarded(key: str) -> Behaviour:
    """It answers whoever has the key."""
    denial = {"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}

    def behave(request: Request, answering: Answering) -> Answer:
        if request.headers.get("authorization") == f"Bearer {key}":
            return answering()
        return as_json({"error": denial}, 401)

    return behave


def first(times: int, answer: Answer) -> Behaviour:
    """This is the answer to the first requests."""

    def behave(request: Request, answering: Answering) -> Answer:
        return answer if request.number < times else answering()

    return behave


def delivered(how: Callable[[BaseHTTPRequestHandler, Answer, threading.Event], None]) -> Behaviour:
    """The answer as it would be, sent in another way."""
    return lambda _, answering: replace(answering(), deliver=how)


def malformed(kind: str = "html") -> Behaviour:
    """What comes back is none of what it should be; the kinds are those of MALFORMED."""
    return lambda _, answering: MALFORMED[kind](answering())


def _close(handler: BaseHTTPRequestHandler, _: Answer, __: threading.Event) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def _silence(_: BaseHTTPRequestHandler, __: Answer, stopped: threading.Event) -> None:
    stopped.wait()


def _drip(handler: BaseHTTPRequestHandler, answer: Answer, stopped: threading.Event) -> None:
    """A byte a second, of which there is never the last."""
    begin(handler, answer)
    while not stopped.wait(1):
        handler.wfile.write(b" ")


def _pour(handler: BaseHTTPRequestHandler, answer: Answer, stopped: threading.Event) -> None:
    """Bytes until the other side has enough."""
    begin(handler, answer)
    while not stopped.is_set():
        handler.wfile.write(PIECE)


silent, dripping, endless = delivered(_silence), delivered(_drip), delivered(_pour)


def _halves(document: dict[str, Any]) -> None:
    """It ends in the middle, because of the limit of tokens."""
    for choice in document.get("choices", ()):
        message = choice["message"]
        choice["finish_reason"] = "length"
        if message["content"]:
            message["content"] = message["content"][: len(message["content"]) // 2]
        for call in message.get("tool_calls", ()):
            given = str(call["function"]["arguments"])
            call["function"]["arguments"] = given[: len(given) // 2]


def _changed(change: Callable[[dict[str, Any]], None]) -> Callable[[Answer], Answer]:
    """The answer with its document changed; a refusal stays as it is."""

    def changing(answer: Answer) -> Answer:
        document = json.loads(answer.body)
        if "choices" in document:
            change(document)
        return replace(answer, body=json.dumps(document).encode())

    return changing


def _in_choice(change: Callable[[Choice], None]) -> Callable[[Answer], Answer]:
    return _changed(lambda document: change(document["choices"][0]))


def _broken_text(choice: Choice) -> None:
    """The JSON that the model writes ends too early, as if it had made a mistake."""
    choice["message"]["content"] = (choice["message"]["content"] or "").rstrip().removesuffix("}")


MALFORMED: Mapping[str, Callable[[Answer], Answer]] = MappingProxyType(
    {
        "broken_text": _in_choice(_broken_text),
        "broken_body": lambda answer: replace(answer, body=answer.body[:-2]),
        "html": lambda answer: replace(answer, body=HTML, headers={"Content-Type": "text/html"}),
        "deep": lambda answer: replace(answer, body=b'{"choices":' + b"[" * 100_000),
        "wrong_shape": lambda answer: replace(answer, body=b'["choices", {"message": 7}]'),
        "no_choices": _changed(lambda document: document.update(choices=[])),
        "nothing_said": _in_choice(lambda choice: choice["message"].update(content=None, tool_calls=None)),
        "filtered": _in_choice(lambda choice: choice.update(finish_reason="content_filter")),
        "declined": _in_choice(
            lambda choice: choice["message"].update(content=None, refusal="I can't help with that.")
        ),
    }
)


def cut(_: Request, answering: Answering) -> Answer:
    """Half of each answer, with the limit of tokens as the reason."""
    return _changed(_halves)(answering())


# With what is usual; those that take a number are made with another one by their functions.
BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "well_behaved": well_behaved,
        "slow": slow(2),
        "rate_limited": rate_limited(2),
        "always_rate_limited": rate_limited(),
        "failing": failing(),
        "dead": dead(),
        "silent": silent,
        "dripping": dripping,
        "endless": endless,
        **{f"malformed_{kind}": malformed(kind) for kind in MALFORMED},
        "cut": cut,
    }
)
