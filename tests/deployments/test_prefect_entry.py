"""How our own calls to Prefect are let in."""

from __future__ import annotations

import httpx
import pytest

from deployments.prefect_api import Entry

URL = "http://prefect/api/csrf-token"


class Server:
    """Prefect's documented behaviour, with the tokens that it knows."""

    def __init__(self, *, protected: bool = True) -> None:
        self.protected = protected
        self.given = 0
        self.known = ""
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if request.url.path.endswith("csrf-token"):
            return self.give()
        wrong = request.headers.get("Prefect-Csrf-Token", "") != self.known
        if self.protected and request.method == "POST" and wrong:
            return httpx.Response(403, json={"detail": "Invalid CSRF token or client identifier."})
        return httpx.Response(200, json={})

    def give(self) -> httpx.Response:
        if not self.protected:
            return httpx.Response(422, json={"detail": "CSRF protection is disabled."})
        self.given += 1
        self.known = f"token {self.given}"
        return httpx.Response(200, json={"token": self.known})


def client(server: Server, login: str = "") -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(server), auth=Entry(URL, login))


def test_one_token_serves_all_changes_and_reading_needs_none() -> None:
    server = Server()
    with client(server) as opened:
        answers = [opened.get(URL.replace("csrf-token", "ready")), *(opened.post("http://prefect/api/x") for _ in "ab")]
    assert ([200] * 3, 1) == ([answer.status_code for answer in answers], server.given)


def test_a_token_that_the_server_forgot_is_fetched_anew() -> None:
    server = Server()
    with client(server) as opened:
        opened.post("http://prefect/api/x")
        server.known = "another life's"
        assert opened.post("http://prefect/api/x", json={"a": 1}).is_success
    assert b'{"a":1}' == server.seen[-1].content.replace(b" ", b"")


def test_a_server_without_protection_is_spoken_to_without_a_token() -> None:
    with client(Server(protected=False)) as opened:
        assert opened.post("http://prefect/api/x").is_success


@pytest.mark.parametrize(("login", "expected"), [("", None), ("ann:secret", "Basic YW5uOnNlY3JldA==")])
def test_a_login_is_shown_with_every_call(login: str, expected: str | None) -> None:
    server = Server()
    with client(server, login) as opened:
        opened.post("http://prefect/api/x")
    assert {expected} == {request.headers.get("Authorization") for request in server.seen}
