"""What `sre up`, `sre down` and `sre status` print, in a terminal and outside of one."""

from __future__ import annotations

import pytest

from console.parts import Steps, tell
from deployments.report import Health, PartReport

LONG = "listens at " + "a very long address, " * 40 + "and here it ends"


def test_outside_of_a_terminal_no_line_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of `sre up` was cut to eighty letters where it went to a file."""
    with Steps(quiet=False) as steps:
        steps("postgres", "")
        steps("postgres", LONG)
    assert f"✓ {'postgres':<16} {LONG}\n" == capsys.readouterr().err


def test_what_is_asked_to_be_quiet_is(capsys: pytest.CaptureFixture[str]) -> None:
    with Steps(quiet=True) as steps:
        steps("postgres", LONG)
    assert ("", "") == capsys.readouterr()


def test_outside_of_a_terminal_a_status_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == tell([PartReport("on-call", Health.DOWN, "http://127.0.0.1:1", 7, LONG)], as_json=False)
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert LONG.split() == [word for word in shown.split() if word in LONG.split()]
