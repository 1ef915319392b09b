"""Whom a page is for, kept and asked again: as tables, and over every way through a policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calls import Call, call_answer, call_document, call_of, roster_json, roster_of, unreachable, whom
from domain.errors import BadInput
from domain.escalation import Progress
from domain.muting import Matcher
from domain.paging_settings import PagingSettings
from domain.questions import answered_of
from domain.roster import Hours, Layer, Policy, PolicyStep, Roster, Route, Schedule, Shift, Target, TargetKind, Window
from tests.parts.roster_part import ANN_MAIL, ANN_SLACK, BOB_MAIL, MINUTES, OPS, POLICY, ROSTER, channel, user

NIGHT, NOON = datetime(2026, 3, 2, 3, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
WORK = Window(frozenset(range(5)), time(9), time(17))
WEEKS = Layer("weeks", ("ann", "bob"), datetime(2026, 1, 5, 9), every=2, only=(WORK,))  # noqa: DTZ001 - local time
ASLEEP = Policy("asleep", (PolicyStep((channel(OPS),), 30 * MINUTES, assigned=True),))
WHOLE = replace(
    ROSTER,
    schedules={"primary": Schedule("primary", "Europe/Berlin", (WEEKS, *ROSTER.schedules["primary"].layers))},
    policies={"default": POLICY, "asleep": ASLEEP},
    hours={"work": Hours("work", "Europe/Berlin", (WORK,), frozenset({date(2026, 12, 25)}))},
    routes=(Route((Matcher("service", "=~", "web.*"),), "default", "work", "asleep"),),
    digest=(Target(TargetKind.TEAM, "web"),),
    warnings=("a schedule has a gap",),
)
WEB, DB = {"service": "web-1", "severity": "high"}, {"service": "db", "severity": "high"}
PAGING = PagingSettings()


def a_call(**changes: object) -> Call:
    return replace(Call(WHOLE, {}, frozenset(), [WEB], None, False, NOON), **changes)  # type: ignore[arg-type]


def told(call: Call, paging: PagingSettings = PAGING) -> tuple[object, object, object]:
    details = call_answer(call, whom(call, paging), paging).details
    return details["policy"], details["to"], details["next_seconds"]


BOB = "bob by email bob@example.org (the policy names this person)"
ANN = "ann by email ann@example.org (on call by schedule primary)"
ALL_OF_ANN = "ann by email ann@example.org and slack U-ANN (on call by schedule primary)"
CHANNEL = "slack #ops (the policy names this channel)"
CHIEF = "chief by email chief@example.org (the last resort of the policy: the policy names this person)"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(a_call(), ("default", [ANN, CHANNEL], 300.0), id="by day"),
        pytest.param(a_call(at=NIGHT), ("asleep", [CHANNEL], 14_400.0), id="by night, told again after hours"),
        pytest.param(a_call(at=NIGHT, labels=[DB]), ("default", [ANN, CHANNEL], 300.0), id="no route fits"),
        pytest.param(a_call(at_once=True), ("default", [ALL_OF_ANN, CHANNEL], 300.0), id="critical"),
        pytest.param(
            a_call(overrides={"primary": (Shift("bob", NIGHT, NOON + MINUTES),)}),
            ("default", ["bob by email bob@example.org (on call by schedule primary)", CHANNEL], 300.0),
            id="bob took over",
        ),
        pytest.param(
            a_call(unreachable=frozenset({ANN_MAIL})),
            ("default", ["ann by slack U-ANN (on call by schedule primary)", CHANNEL], 300.0),
            id="no mail server",
        ),
        pytest.param(a_call(progress=Progress(POLICY, 1, 0, 1)), ("default", [BOB], 600.0), id="the second step"),
        pytest.param(a_call(progress=Progress(POLICY, 2, 1, 4)), ("default", [CHIEF], 14_400.0), id="the last resort"),
        pytest.param(a_call(roster=Roster()), ("default", [], None), id="nobody at all"),
    ],
)
def test_who_is_told_comes_out_again(call: Call, expected: tuple[object, object, object]) -> None:
    assert expected == told(call)
    kept = orjson.loads(orjson.dumps(call_document(call, roster="digest")))
    again = call_of(kept, roster_of(roster_json(call.roster)), call.at)
    assert call == again
    answer = call_answer(call, whom(call, PAGING), PAGING)
    assert answer == answered_of(orjson.loads(orjson.dumps(answer.document())))
    assert answer == call_answer(again, whom(again, PAGING), PAGING)


@given(
    step=st.integers(0, 2),
    round_=st.integers(0, 1),
    hours=st.integers(0, 24 * 400),
    lost=st.sets(st.sampled_from([ANN_MAIL, ANN_SLACK, BOB_MAIL, OPS])),
    begun=st.booleans(),
)
def test_every_call_of_a_policy_comes_out_again(
    step: int, round_: int, hours: int, lost: set[object], *, begun: bool
) -> None:
    progress = Progress(POLICY, step, round_, step + 2 * round_) if begun else None
    at = NIGHT + timedelta(hours=hours)
    call = a_call(at=at, unreachable=frozenset(lost), progress=progress)
    kept = orjson.loads(orjson.dumps(call_document(call, roster="digest")))
    again = call_of(kept, roster_of(roster_json(WHOLE)), at)
    assert whom(call, PAGING) == whom(again, PAGING)


def test_a_roster_is_kept_whole() -> None:
    assert roster_of(roster_json(WHOLE)) == WHOLE


def test_settings_choose_the_policy_of_a_route_that_names_none_and_when_everybody_is_told_again() -> None:
    lost = a_call(roster=replace(WHOLE, routes=(Route((), "gone"),)))
    paging = PagingSettings(escalation_policy="asleep", repeat_seconds=600)
    assert ("asleep", [CHANNEL], 600.0) == told(lost, paging)
    assert ("asleep", [CHANNEL], None) == told(lost, PagingSettings(escalation_policy="asleep", repeat_seconds=0))


def resort(target: Target) -> Roster:
    return replace(WHOLE, policies={"x": Policy("x", (), last_resort=(target,))})


def test_what_cannot_be_used_is_found_wherever_a_roster_names_it() -> None:
    named = {ANN_MAIL, ANN_SLACK, BOB_MAIL, OPS}
    assert named <= unreachable(resort(channel(OPS)), lambda _: False)
    assert frozenset({OPS}) == unreachable(WHOLE, lambda contact: contact != OPS)
    assert frozenset() == unreachable(resort(user("ann")), bool)


@pytest.mark.parametrize("broken", ["labels", "progress", "overrides", "at_once", "unreachable"])
def test_a_question_of_another_version_is_said_to_be_one(broken: str) -> None:
    kept = call_document(a_call(progress=Progress(POLICY, 1)), roster="digest")
    del kept[broken]
    with pytest.raises(BadInput, match="question of whom to tell"):
        call_of(kept, WHOLE, NOON)
    with pytest.raises(BadInput, match="roster"):
        roster_of('{"users": 3}')
