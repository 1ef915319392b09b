"""Which messages are one template."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.templates import TemplateMiner
from ml.templates.masks import masked, shapes
from ml.templates.tokens import form_of, merged, spans_of, tokens

ONE, EACH = "one template", "a template each"
USERS = ("alice", "bob", "carol", "dave", "erin")
NAMES = [one + other for one in ("ka", "lo", "mi", "nu", "pe") for other in ("ra", "so", "ti")]
WORDS = st.sampled_from(
    [
        "job",
        "of",
        "a.b.C",
        "d.e",
        "=",
        ",",
        ":",
        "(",
        ")",
        "()",
        '"',
        "|",
        "7",
        "x7",
        "-",
        "****",
        "/var/x",
        "[",
        "]",
        "to",
    ]
)


def templates(messages: list[str]) -> int:
    return len(set(TemplateMiner().assign(pa.array(messages)).tolist()))


@pytest.mark.parametrize(
    ("expected", "messages"),
    [
        pytest.param(ONE, [f"session opened for user {one} by (uid=0)" for one in USERS], id="user"),
        pytest.param(ONE, [f"session for {one} on {at} is over" for one in USERS for at in USERS], id="two-at-once"),
        pytest.param(
            ONE,
            [f"session opened for {one} by host {at}" for one, at in zip(NAMES, reversed(NAMES), strict=True)],
            id="two-that-are-never-seen-again",
        ),
        pytest.param(ONE, [f"name={one} state=7" for one in NAMES], id="names-alone-tie"),
        pytest.param(ONE, ["the user admin has left the host", "the user 7 has left the host"], id="number-or-word"),
        pytest.param(ONE, ["load org.example.One now", "load com.example.Two now"], id="class"),
        pytest.param(ONE, ["delete 7", "delete 7 8", "delete 7, 8, 9"], id="list-of-any-length"),
        pytest.param(ONE, ["sets 7 <ok>", "sets 7 <ok> 8 <ok> 9 <ok>"], id="values-in-words-again-and-again"),
        pytest.param(
            ONE,
            [
                "seats=[Seat(row=7, at=door)]",
                "seats=[Seat(row=8, at=door), Seat(row=9, at=door), Seat(row=1, at=door)]",
            ],
            id="records-one-or-more",
        ),
        pytest.param(ONE, ["0 bytes sent", "850 bytes (0.8 KB) sent"], id="said-again-in-brackets"),
        pytest.param(ONE, ["a= b=1", "a=2 b=1"], id="number-of-nothing"),
        pytest.param(
            ONE,
            [f'lock 7 of pid 3 by tag="{one}"' for one in ("View", "the long job", "sync all", "a b", "run: 7")],
            id="quotation",
        ),
        pytest.param(
            ONE,
            [
                f"error loading program image for job {one}: {why}"
                for one, why in enumerate(("no such file", "broken pipe", "input/output error", "no space", "timeout"))
            ],
            id="words-behind-a-colon",
        ),
        pytest.param(EACH, ["cupsd startup succeeded", "cupsd shutdown succeeded"], id="two-words-may-be-two-things"),
        pytest.param(
            EACH,
            [f"[vm 7] guest was {one} (life cycle)" for one in ("started", "stopped", "paused", "resumed", "killed")],
            id="what-happened",
        ),
        pytest.param(
            EACH,
            [f"kernel: {one}" for one in ("no memory", "bus found", "disk on", "up", "net is new")],
            id="component",
        ),
        pytest.param(EACH, [f"set for the whole of it {one}=7" for one in USERS], id="what-a-value-is-of"),
        pytest.param(EACH, [f"{one} is up" for one in USERS], id="what-it-is-about"),
        pytest.param(EACH, ["=" * 80 + " begin", "=" * 80 + " end"], id="behind-a-rule"),
        pytest.param(EACH, ["", " x", "x 7"], id="next-to-nothing"),
    ],
)
def test_messages_are_one_template_or_not(expected: str, messages: list[str]) -> None:
    assert (1 if expected == ONE else len(messages)) == templates(messages)


@given(st.lists(WORDS, min_size=1, max_size=12), st.lists(WORDS, min_size=1, max_size=12))
def test_an_example_keeps_its_form_whatever_is_merged(one: list[str], other: list[str]) -> None:
    first, second = masked(shapes(pa.array([" ".join(one), " ".join(other)]))).to_pylist()
    if form_of(first) == form_of(second):
        assert form_of(first) == form_of(merged(first, spans_of(second)))
    assert merged(first, spans_of(first)) == first


@given(st.lists(WORDS, max_size=12))
def test_tokens_stand_where_they_say(words: list[str]) -> None:
    text = " ".join(words)
    found = tokens(text)
    assert all(0 <= one.start <= one.end <= len(text) for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
