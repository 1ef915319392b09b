"""Why a session is abnormal, as people read it."""

from __future__ import annotations

import numpy as np
import pytest

from ml.sessions import SessionModel, words
from ml.sessions.durations import Usual
from ml.sessions.events import event
from ml.sessions.findings import Fault, Reason

CAME, WRITE, COMMIT, DONE = (
    event(service, text)
    for service, text in (("web", "came"), ("db", "write"), ("db", "commit order"), ("web", "answered"))
)
LEARNED = SessionModel().fit([[CAME, WRITE, COMMIT, DONE]] * 998 + [[CAME, WRITE, DONE]] * 2).core_
NORMAL = (CAME, WRITE, COMMIT, DONE)


def reason(fault: Fault, template: str, count: int = 1, usual: int = 1, after: str = "") -> Reason:
    return Reason(fault, template, count, usual, 5.0, after)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(reason(Fault.MISSING, COMMIT), "“commit order” is missing (in 998 of 1,000)", id="missing"),
        pytest.param(reason(Fault.NEW, event("db", "odd")), "“odd” is new", id="new"),
        pytest.param(reason(Fault.NEW, event("x", "odd")), "“odd” of x is new", id="of another service"),
        pytest.param(reason(Fault.EXTRA, COMMIT), "“commit order” is there (in 998 of 1,000)", id="extra"),
        pytest.param(
            reason(Fault.TELLS, COMMIT), "“commit order” tells of a failure (in 998 of 1,000)", id="tells of a failure"
        ),
        pytest.param(reason(Fault.MORE, WRITE, 5, 1), "“write” came 5 times, usually once", id="more"),
        pytest.param(reason(Fault.FEWER, WRITE, 1, 1_200), "“write” came once, usually 1,200 times", id="fewer"),
        pytest.param(
            reason(Fault.ORDER, WRITE, after=COMMIT), "“write” came right after “commit order”", id="out of order"
        ),
        pytest.param(reason(Fault.ORDER, WRITE), "it began with “write”", id="the wrong beginning"),
        pytest.param(reason(Fault.ORDER, "", after=WRITE), "it ended after “write”", id="the wrong end"),
    ],
)
def test_each_fault_in_words(found: Reason, expected: str) -> None:
    assert (expected,) == words.reasons([found], LEARNED, NORMAL, "db")
    assert words.service(found) in ("db", "x")


def test_a_session_that_stopped_where_others_go_on_says_where() -> None:
    found = [reason(Fault.MISSING, COMMIT), reason(Fault.MISSING, DONE)]
    assert "then stopped after “write”" == words.reasons(found, LEARNED, (CAME, WRITE), "db")[-1]
    whole = words.reasons(found[:1], LEARNED, (CAME, WRITE, DONE), "db")
    assert 1 == len(whole), "it ended as others do"


def test_many_reasons_are_cut_short() -> None:
    told = words.reasons([reason(Fault.NEW, event("db", f"odd {one}")) for one in "abcdefg"], LEARNED, NORMAL, "db")
    assert ("“odd d” is new", "and 3 more") == told[-2:]
    assert len(words.quoted(event("db", "x" * 500), "db")) <= words.LONGEST_TEXT + 2


def test_how_long_it_took_is_told_with_what_is_usual() -> None:
    assert "took 41 s, usually 0.3 s" == words.took(41.0, Usual(0.3, 2.0, 100))
    assert (2, 40.0) == words.longest_wait(np.array([0, 500_000, 40_500_000, 41_000_000]))
