"""A template is the message without what differs from one log to the next."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.templates import LONGEST, template


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("all is well", "all is well"),
        ("", "(empty)"),
        (" \n\t", "(empty)"),
        ("took 12 ms", "took <*> ms"),
        ("took 12.5ms", "took <*>"),
        ("user 'ann' unknown", "user <*> unknown"),
        ('file "/var/log/x" missing', "file <*> missing"),
        ("request req_40fe641a6ba2 failed", "request <*> failed"),
        ("10.0.0.7:5432 refused", "<*> refused"),
        ("pod-7d9f-x2 restarted", "<*> restarted"),
        ("id 123e4567-e89b-12d3-a456-426614174000 gone", "id <*> gone"),
        ("mail to ann@example.org bounced", "mail to <*> bounced"),
        ("at 0xdeadbeef", "at <*>"),
        ("the feed was added", "the feed was added"),
        ("1, 2, 3 of 4", "<*> of <*>"),
        ("a\n  b\t c", "a b c"),
    ],
)
def test_template(message: str, expected: str) -> None:
    assert expected == template(message)


def test_a_thousand_messages_with_ids_have_one_template() -> None:
    """Fault 24: ids inside messages made one incident per log."""
    messages = {
        f"order {number} of user u{number}x failed after {number / 7:.3f} s: session {uuid.UUID(int=number)},"
        f" trace {number:032x}, host node-{number}.example:80{number % 10}0, 'item {number}'"
        for number in range(1, 1_001)
    }
    assert 1_000 == len(messages)
    assert 1 == len({template(message) for message in messages})


NUMBERS = st.integers(0, 10**12).map(str) | st.floats(0, 1e6, allow_nan=False).map(lambda x: f"{x:.3f}")
IDS = (
    st.uuids().map(str)
    | st.integers(0, 10**9).map(lambda n: f"req_{n}")
    | st.integers(16**8, 16**9).map("0x{:x}".format)
)
QUOTED = st.text("abc 123{}", max_size=12).map(lambda text: f'"{text}"')


@given(words=st.lists(st.sampled_from(["order", "failed", "of", "was"]), min_size=2, max_size=4), data=st.data())
def test_replacing_a_number_an_id_or_a_quote_changes_nothing(words: list[str], data: st.DataObject) -> None:
    for kind in (NUMBERS, IDS, QUOTED):
        one, other = (f" {data.draw(kind)} ".join(words) for _ in range(2))
        assert template(one) == template(other)


@given(st.text(max_size=2_000))
def test_a_template_is_short_flat_and_never_empty(message: str) -> None:
    found = template(message)
    assert 0 < len(found) <= LONGEST
    assert "\n" not in found
