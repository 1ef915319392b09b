"""What messages are called in sessions."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.sessions.events import event, service_of, text_of
from ml.sessions.texts import Wording, texts

NAMES = [f"user {name} came" for name in ("ann", "bob", "cleo", "dan", "eve", "finn", "gus", "hal", "ida", "jon")]


def said(*messages: str) -> list[str]:
    return texts(pa.chunked_array([pa.array(messages, pa.string())])).to_pylist()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param("order 17 was made", "order <*> was made", id="a number"),
        pytest.param("order 17, 18, 19 were made", "order <*> were made", id="a list of them"),
        pytest.param("read /var/log/x.log in 3 ms", "read <*> in <*>", id="a path and a time"),
        pytest.param("plain words", "plain words", id="nothing that varies"),
        pytest.param("", "(empty)", id="nothing"),
    ],
)
def test_what_varies_by_its_form_is_masked(message: str, expected: str) -> None:
    assert [expected] == said(message)


@given(st.lists(st.text(max_size=40), max_size=20))
def test_a_message_is_called_the_same_whatever_comes_with_it(messages: list[str]) -> None:
    assert [said(one)[0] for one in messages] == (said(*messages) if messages else [])


def test_what_varies_among_the_texts_of_a_history_is_told_by_comparing_them() -> None:
    wording = Wording.of([event("web", text) for text in [*NAMES, "cache is warm"]])
    called = wording.told([event("web", NAMES[0]), event("web", "user zoe came"), event("web", "disk is full")])
    assert ["user <*> came", "user <*> came", "disk is full"] == [text_of(one) for one in called.values()]
    assert {"web"} == {service_of(one) for one in called.values()}


def test_looking_at_new_texts_teaches_nothing() -> None:
    wording = Wording.of([event("web", text) for text in NAMES])
    state = wording.miner
    first = wording.told([event("web", "user zoe came"), event("web", "disk is full")])
    wording.told([event("web", f"disk {word} is full") for word in ("a", "b", "c")])
    assert first == wording.told([event("web", "user zoe came"), event("web", "disk is full")])
    assert state is wording.miner


@given(st.text(), st.text())
def test_an_event_says_who_and_what(service: str, text: str) -> None:
    assert text == text_of(event(service, text))
    assert service.replace("\x1f", " ") == service_of(event(service, text))


def test_a_text_alone_is_of_no_service() -> None:
    assert ("", "a text") == (service_of("a text"), text_of("a text"))


def test_of_very_many_texts_the_most_frequent_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.sessions.texts.MOST_TEXTS", len(NAMES))
    often = [event("web", text) for text in NAMES] * 2
    wording = Wording.of([*often, event("web", "user zoe came"), event("web", "disk is full")])
    assert {"user <*> came"} == set(wording.names.values())
    assert "disk is full" == text_of(wording.told([event("web", "disk is full")])[event("web", "disk is full")])
