"""What is found about sessions, when, and what is learned from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Refused
from domain.minutes import MINUTE, Measured
from domain.sessions import KEYED
from ml.session_detector import FIRST_FIT, SessionDetector, SessionsFound, SessionState
from ml.sessions import opened

FIRST = 29_000_000
STEPS = (("web", "request {n} came"), ("db", "write {n}"), ("db", "commit {n}"), ("web", "answered in {n} ms"))
Row = tuple[str, str, str, int]
Fault = Callable[[int], str]  # of a session by its number in its minute


def a_session(random: Random, key: str, at: int, fault: str) -> list[Row]:
    found = []
    for number, (service, text) in enumerate(STEPS):
        if fault == "missing" and number == 2:
            continue
        said = "pool is empty" if fault == "new" and number == 2 else text.format(n=random.randrange(100, 999))
        at += int(random.lognormvariate(-3, 0.3) * 1e6) + (30_000_000 if fault == "slow" and number == 2 else 0)
        found.append((key, service, said, at))
    return list(reversed(found)) if fault == "turned" else found


def in_time(rows: list[Row]) -> list[Row]:
    """The same logs in that order, however they were made."""
    return [(*one[:3], other[3]) for one, other in zip(rows, sorted(rows, key=lambda row: row[3]), strict=True)]


def table(rows: list[Row]) -> pa.Table:
    ordered = sorted(rows, key=lambda row: row[3])
    columns = [*map(list, zip(*ordered, strict=True))] if ordered else [[]] * 4
    many = len(ordered)
    held = [*columns, [0] * many, [0] * many, list(range(many)), [0] * many]
    return pa.table([pa.array(column, one.type) for column, one in zip(held, KEYED, strict=True)], schema=KEYED)


def usual(_: int) -> str:
    """No fault."""
    return ""


def every_second(kind: str) -> Fault:
    return lambda number: kind if number % 2 else ""


def one_in_ten(number: int) -> str:
    return "missing" if number == 3 else ""


class Run:
    """Minutes of a system through a detector, one after the other."""

    def __init__(self, per_minute: int = 10, budget: float = 1.0) -> None:
        self.random, self.per_minute = Random(1), per_minute
        self.detector = SessionDetector("request_id", 60, budget)
        self.state: SessionState = self.detector.begin()
        self.coming: list[Row] = []
        self.minute = 0
        self.found: dict[int, SessionsFound] = {}

    def go(self, minutes: int, fault: Fault = usual) -> Run:
        for _ in range(minutes):
            begin = (FIRST + self.minute) * MINUTE
            for number in range(self.per_minute):
                at = begin + int(self.random.random() * 5.5e7)
                self.coming += in_time(a_session(self.random, f"r{self.minute}-{number}", at, fault(number)))
            self.step()
        return self

    def step(self) -> None:
        end = (FIRST + self.minute + 1) * MINUTE
        now = table([row for row in self.coming if row[3] < end])
        self.coming = [row for row in self.coming if row[3] >= end]
        found, self.state = self.detector.find(self.state, FIRST + self.minute, now)
        if found.abnormal or found.minutes:
            self.found[self.minute] = found
        self.minute += 1

    def reasons(self) -> set[str]:
        return {reason for found in self.found.values() for one in found.abnormal for reason in one.reasons}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param("missing", "“commit <*>” is missing", id="a step is missing"),
        pytest.param("new", "“pool is empty” is new", id="a text is new"),
        pytest.param("slow", "took 30 s, usually 0.15 s, 30 s of it before “commit <*>”", id="it takes too long"),
        pytest.param("turned", "it ended after “request <*> came”", id="the order is wrong"),
    ],
)
def test_a_fault_is_found_in_the_sessions_and_in_the_minutes_of_its_service(fault: str, words: str) -> None:
    run = Run(per_minute=20).go(65)
    assert {} == run.found
    run.go(8, every_second(fault))
    assert any(words in reason for reason in run.reasons()), run.reasons()
    minutes = [one for found in run.found.values() for one in found.minutes]
    assert {(Measured.SESSIONS, "high")} == {(one.measured, one.direction) for one in minutes}
    assert all(one.value > 20 > one.normal and one.p_value < 1e-3 and one.confidence >= 0.7 for one in minutes)
    assert min(run.found) <= 67


def test_before_so_many_sessions_were_whole_none_is_judged() -> None:
    run = Run().go(FIRST_FIT // 10 - 2, every_second("missing"))
    assert (None, {}) == (run.state.fitted, run.found)
    assert "requests seen that are needed" in run.detector.in_words(run.detector.packed(run.state))
    run.go(6)
    assert run.state.fitted is not None


def test_it_is_learned_anew_with_twice_as_many_and_later_by_time() -> None:
    run, fits = Run(per_minute=40), []
    for _ in range(420):
        run.go(1)
        if run.state.fitted is not None and run.state.fitted.minute not in fits:
            fits.append(run.state.fitted.minute)
    assert [6, 11, 21, 41, 401] == [fit - FIRST for fit in fits]
    assert {} == run.found


def test_a_single_abnormal_session_is_told_and_makes_no_finding_about_its_minute() -> None:
    run = Run().go(65).go(1, one_in_ten).go(4)
    (found,) = run.found.values()
    assert (["r65-3"], ()) == ([one.key for one in found.abnormal], found.minutes)
    (one,) = found.abnormal
    assert ("db", 3, True) == (one.service, one.logs, one.score > 1)
    assert 0 < one.p_value < 0.05
    assert one.confidence == 1 - one.p_value


def test_abnormal_sessions_are_not_learned_from() -> None:
    run = Run().go(30).go(520, one_in_ten)
    assert run.state.fitted is not None
    assert run.state.fitted.minute - FIRST > 300
    held = {len(one.events) for one in run.state.fitted.history.sessions}
    assert {4} == held
    assert max(run.found) >= 548


def test_where_most_are_abnormal_the_model_is_wrong_and_not_they() -> None:
    run = Run().go(65)
    run.go(150, lambda _: "new")
    assert max(run.found) < 65 + 70, "a new way of working is learned within about an hour"


def test_what_is_remembered_goes_on_where_it_stopped() -> None:
    whole, parts = Run(), Run()
    whole.go(65).go(6, every_second("missing"))
    for minutes, fault in ((13, ""), (20, ""), (32, ""), (3, "missing"), (3, "missing")):
        parts.go(minutes, every_second(fault))
        parts.state = parts.detector.unpacked(parts.detector.packed(parts.state))
    assert whole.found
    assert whole.found == parts.found


def test_a_session_whose_beginning_is_not_known_is_not_judged() -> None:
    """Of those that are under way when it begins only the rest is seen."""
    run = Run()
    run.coming = a_session(run.random, "before", FIRST * MINUTE, "")[2:]
    run.go(3)
    assert all("before" != one.key for found in run.found.values() for one in found.abnormal)
    # What began in the first minute may have begun before; that of the third is not over.
    assert 10 == run.state.learned


@pytest.mark.parametrize("held", [b"", b"no state", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_state_is_refused(held: bytes) -> None:
    with pytest.raises(Refused):
        SessionDetector("request_id", 60, 1.0).unpacked(held)


@pytest.mark.parametrize(("key", "quiet"), [("trace_id", 60), ("request_id", 30)])
def test_a_state_of_other_sessions_is_refused(key: str, quiet: float) -> None:
    held = SessionDetector("request_id", 60, 1.0)
    with pytest.raises(Refused, match="of those by request_id"):
        SessionDetector(key, quiet, 1.0).unpacked(held.packed(held.begin()))


def test_what_is_open_is_bounded_and_judged_fairly(monkeypatch: pytest.MonkeyPatch) -> None:
    """With too many sessions open half of the keys are followed, as wholes; nothing looks abnormal by that."""
    monkeypatch.setattr(opened, "MOST_OPEN", 150)
    run = Run(per_minute=60).go(60)
    assert run.state.halvings >= 1
    assert len(run.state.opened) <= 150
    assert {} == run.found
    run.per_minute = 2
    run.go(40)
    assert 0 == run.state.halvings
    assert {} == run.found


def test_minutes_without_a_log_change_nothing() -> None:
    run = Run().go(3)
    for _ in range(30):
        run.per_minute = 0
        run.go(1)
    before = run.detector.packed(run.state)
    run.go(5)
    assert before == run.detector.packed(run.state)
    assert 0 == len(run.state.opened)


def test_of_very_many_different_sequences_some_are_looked_at_and_the_others_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ml.sessions.looked.MOST_SEQUENCES", 1)
    run = Run().go(65)
    before = run.state.learned
    run.go(6, every_second("new"))
    assert run.state.learned + run.state.abnormal < before + 60
    assert run.state.judged <= run.state.learned


@given(st.sets(st.integers(0, 70), max_size=6))
@settings(max_examples=8, deadline=None)
def test_where_it_is_packed_changes_nothing(places: set[int]) -> None:
    run = Run(per_minute=8)
    for minute in range(71):
        run.go(1, every_second("missing" if minute > 65 else ""))
        if minute in places:
            run.state = run.detector.unpacked(run.detector.packed(run.state))
    assert whole_run().found == run.found


@cache
def whole_run() -> Run:
    run = Run(per_minute=8)
    for minute in range(71):
        run.go(1, every_second("missing" if minute > 65 else ""))
    assert run.found
    return run
