"""What another machine says steers this terminal by no more than colours."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.output import relay

CLEAR = "\x1b[2J\x1b]0;owned\x07\x9b31m\x1b[8mhidden\x1b[5m\x1b[1;8m\x08\x7f\u202e"
BOLD = "\x1b[1;31mred\x1b[0m\n"


@pytest.mark.parametrize(
    ("text", "colour", "expected"),
    [
        pytest.param("one\ntwo", True, "one\ntwo", id="lines"),
        pytest.param("BEGIN\r\nEND\r\n", False, "BEGIN\r\nEND\r\n", id="a calendar"),
        pytest.param("a\rb\n", False, "a b\n", id="over what was there"),
        pytest.param(BOLD, True, f"{BOLD}\x1b[0m", id="colours"),
        pytest.param(BOLD, False, "red\n", id="colours that nobody wants"),
    ],
)
def test_what_a_service_says_is_shown(
    capsysbinary: pytest.CaptureFixture[bytes], text: str, expected: str, *, colour: bool
) -> None:
    relay(text, colour=colour)
    assert expected.encode() == capsysbinary.readouterr().out


@pytest.mark.parametrize("colour", [True, False])
def test_a_service_steers_no_terminal(capsysbinary: pytest.CaptureFixture[bytes], *, colour: bool) -> None:
    relay(CLEAR, colour=colour)
    shown = capsysbinary.readouterr().out.decode()
    assert [] == [letter for letter in shown if not letter.isprintable()]


@given(st.text(st.sampled_from("\x1b[];0123456789mJHab\n\r\t\x07\x9b\u202e")), st.booleans())
def test_whatever_it_says_only_colours_are_left_of_what_steers(text: str, colour: bool) -> None:  # noqa: FBT001 - drawn
    printed = io.StringIO()
    with redirect_stdout(printed):
        relay(text, colour=colour)
    shown = re.sub(r"\x1b\[[0-9;]+m", "", printed.getvalue()) if colour else printed.getvalue()
    assert set() == {letter for letter in shown.replace("\r\n", "\n") if not letter.isprintable()} - {"\n"}
    assert not re.search(r"\x1b\[[0-9;]*\b(8|5|7|6)\b[0-9;]*m", printed.getvalue())
    assert text.count("\n") == printed.getvalue().count("\n")
