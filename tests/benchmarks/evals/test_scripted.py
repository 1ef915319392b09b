"""The scripted model keeps to its script, and its server can be stopped whatever it is doing."""

from __future__ import annotations

import threading

import httpx
import pytest

from benchmarks.evals.behaviours import BEHAVIOURS, failing, slow, together
from benchmarks.evals.scripted import Script, Turn, call, in_turn, loop, say, serve

A, B = say("a"), say("b")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param(A, "aaaa", id="a-turn-alone"),
        pytest.param(in_turn(A, B), "abbb", id="in-turn"),
        pytest.param(loop(A, B), "abab", id="loop"),
    ],
)
def test_a_script_says_its_turns(script: Script, expected: str) -> None:
    assert expected == "".join(script({}).text for _ in expected)


def test_a_turn_may_call_several_tools_and_say_something() -> None:
    assert Turn("a", (("logs", '{"n": 1}'), ("graph", "{"))) == A + call("logs", {"n": 1}) + call("graph", "{")
    assert '{"cause": "disk"}' == say({"cause": "disk"}).text


def test_a_request_that_fails_does_not_reach_the_script() -> None:
    with serve(in_turn(A, B), behaviour=together(slow(0), failing(2))) as server:
        found = [httpx.post(f"{server.url}/chat/completions", json={"messages": []}) for _ in range(4)]
    assert [500, 500, 200, 200] == [one.status_code for one in found]
    assert ["a", "b"] == [one.json()["choices"][0]["message"]["content"] for one in found[2:]]


def test_requests_are_recorded_as_they_came() -> None:
    with serve(A) as server:
        httpx.post(f"{server.url}/chat/completions", content=b'{"messages": []}', headers={"X-Who": "me"})
        (seen,) = server.requests
    assert ('{"messages": []}', "me", {"messages": []}) == (seen.text, seen.headers["x-who"], seen.body)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_server_is_stopped_whatever_it_is_doing(name: str) -> None:
    with serve(A, behaviour=BEHAVIOURS[name]) as server:
        came, over = threading.Event(), threading.Event()

        def ask() -> None:
            try:
                with httpx.stream("POST", f"{server.url}/chat/completions", json={}, timeout=30) as answer:
                    came.set()
                    for _ in answer.iter_bytes():
                        pass
            except httpx.HTTPError:
                pass
            over.set()

        threading.Thread(target=ask, daemon=True).start()
        came.wait(0.3)
    assert over.wait(30)
