"""What differs between two runs, in words."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.decided import Decided, Decision, Found, Opening, Ran, Verdicts
from domain.differences import compare
from domain.ledger import LedgerKind
from domain.minutes import Measured
from tests.parts.logs_part import NOON

WEB = Opening("web", "log", "disk is full", NOON)
DB = Opening("db", "metric", "queue_depth high", NOON)
SECOND = timedelta(seconds=1)


def decision(
    kind: LedgerKind, about: Opening = WEB, *, after: int = 0, severity: int = 0, **fields: object
) -> Decision:
    said = json.dumps(fields, sort_keys=True)
    return Decision(NOON + after * SECOND, kind, about, said, incident=4, page=17 if severity else 0, severity=severity)


def page(about: Opening = WEB, *, after: int = 0, severity: int = 3, **fields: object) -> Decision:
    told = {"reason": "uncommon", "late": False} | fields
    return decision(LedgerKind.PAGE_QUEUED, about, after=after, severity=severity, **told)


OPENED = decision(LedgerKind.OPENED)
CONFIRMED = decision(LedgerKind.CONFIRMED, route="human", logs=3)
FOUND = Found(29_000_000, "db", Measured.LOGS, "", "low", 0.0, 0.9)
BEFORE = [OPENED, CONFIRMED, page()]

CASES = [
    pytest.param([], "page 17 lost: web: “disk is full”; it opens no incident: 2 of its logs are no anomaly any more"),
    pytest.param(
        [OPENED],
        "page 17 lost: web: “disk is full”; its incident is not confirmed: 2 of its logs are no anomaly any more",
    ),
    pytest.param(
        [OPENED, decision(LedgerKind.CONFIRMED, route="playbook", logs=3)],
        "page 17 lost: web: “disk is full”; a playbook answers it",
    ),
    pytest.param(
        [OPENED, CONFIRMED, decision(LedgerKind.PAGE_JOINED)],
        "page 17 lost: web: “disk is full”; another page covers it",
    ),
    pytest.param([OPENED, CONFIRMED, page(after=4)], "page 17 changed: web: “disk is full”, 4 s later"),
    pytest.param([OPENED, CONFIRMED, page(after=-4)], "page 17 changed: web: “disk is full”, 4 s earlier"),
    pytest.param(
        [OPENED, CONFIRMED, page(severity=4, late=True)],
        "page 17 changed: web: “disk is full”, critical instead of high, late",
    ),
    pytest.param([*BEFORE, decision(LedgerKind.OPENED, DB)], "incident won: db: queue_depth high, 05.01. 12:00:00"),
    pytest.param([*BEFORE, page(DB)], "page won: db: queue_depth high, 05.01. 12:00:00, uncommon, high"),
]


@pytest.mark.parametrize(("replayed", "expected"), CASES)
def test_each_difference_is_told_with_its_reason(replayed: list[Decision], expected: str) -> None:
    verdicts = Verdicts(10, 2, of_incident=Counter({4: 2}))
    assert expected == compare(Decided(BEFORE), Decided(replayed), verdicts).found[0].told


ANSWERED = decision(LedgerKind.CONFIRMED, route="playbook")


@pytest.mark.parametrize(
    ("before", "decided", "expected"),
    [
        pytest.param(ANSWERED, [], "its incident is not opened", id="not-opened"),
        pytest.param(ANSWERED, [OPENED], "its incident is not confirmed", id="not-confirmed"),
        pytest.param(ANSWERED, [OPENED, CONFIRMED], "a human is asked instead", id="a-human-s"),
        pytest.param(ANSWERED, [OPENED, ANSWERED], None, id="as-it-was"),
        # Its origin, and with it the answer, came later, or a person allowed what an analysis proposed.
        pytest.param(CONFIRMED, [OPENED, CONFIRMED], None, id="a-human-s-at-first"),
    ],
)
def test_an_action_that_would_not_have_run_is_told_of(
    before: Decision, decided: list[Decision], expected: str | None
) -> None:
    ran = [Ran(5, "restart web", "restart-it", WEB)]
    differ = compare(Decided([OPENED, before]), Decided(decided), Verdicts(), ran)
    found = [one.told for one in differ.found if one.what == "action"]
    assert ([f"action 5 would not have run: restart web; {expected}"] if expected else []) == found


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param([], "finding lost: db: logs a minute low in the minute of 19.02. 21:20"),
        pytest.param(
            [replace(FOUND, value=2.0)],
            "finding changed: db: logs a minute low in the minute of 19.02. 21:20, 2 instead of 0",
        ),
        pytest.param(
            [replace(FOUND, confidence=FOUND.confidence - 0.2)],
            "finding changed: db: logs a minute low in the minute of 19.02. 21:20, 70 % sure instead of 90 %",
        ),
        pytest.param(
            [replace(FOUND, confidence=FOUND.confidence - 1e-9)],
            "1 finding changed in digits that are not shown",
        ),
    ],
)
def test_findings_are_compared_by_what_they_are_about(after: list[Found], expected: str) -> None:
    found = compare(Decided(findings=[FOUND]), Decided(findings=after), Verdicts()).found
    assert [expected] == [one.told for one in found]


def test_further_decisions_name_the_first_incidents_that_they_are_about() -> None:
    about = [WEB._replace(service=f"web-{number}") for number in range(5)]
    now = [decision(LedgerKind.JOINED, about=one) for one in [*about, about[0]]]
    (told,) = compare(Decided(), Decided(now), Verdicts()).found
    named = ", ".join(one.told for one in about[:3])
    assert f"6 × incident.joined won: {named} and 2 more" == told.told


def test_logs_are_counted_by_service() -> None:
    verdicts = Verdicts(10, 3, won=Counter(web=1), lost=Counter(db=2))
    found = compare(Decided(), Decided(), verdicts)
    assert ["db: 2 logs are no anomaly any more", "web: 1 log is an anomaly now"] == [one.told for one in found.found]
    assert not found.none


def test_verdicts_that_differ_in_numbers_alone_are_no_silence() -> None:
    (told,) = compare(Decided(BEFORE), Decided(BEFORE), Verdicts(10, 1)).found
    assert "differ in their numbers" in told.told


kinds = st.sampled_from([LedgerKind.OPENED, LedgerKind.CONFIRMED, LedgerKind.JOINED, LedgerKind.RESOLVED])
some = st.lists(
    st.builds(
        lambda kind, about, after: decision(kind, about, after=after),
        kinds,
        st.sampled_from([WEB, DB]),
        st.integers(0, 3),
    ),
    max_size=8,
)


@given(some)
def test_what_is_the_same_does_not_differ(held: list[Decision]) -> None:
    found = compare(Decided(held, [FOUND]), Decided(held, [FOUND]), Verdicts(len(held)))
    assert found.none
    assert Counter(str(one.kind) for one in held) == found.same


@given(some, some)
def test_what_is_not_the_same_differs(ours: list[Decision], theirs: list[Decision]) -> None:
    same = Counter(one.content for one in ours) == Counter(one.content for one in theirs)
    assert same == compare(Decided(ours), Decided(theirs), Verdicts()).none
