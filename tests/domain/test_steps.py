"""Which step is due, as a table; whatever is stored, some step is, and none comes round for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.actions import ActionState, Approval, UndoState
from domain.incidents import Route, State
from domain.pages import PageReason
from domain.steps import GATHERING, HELD_OFF, TRANSITIONS, Answer, Due, StepKind, Why, next_step
from domain.verification import Outcome
from tests.parts.answers_part import NOON, SCALE, a_plan, a_record, an_answer, later

TRIES = 3
PLAN = a_plan()
SCALING = a_record(action=SCALE, outcome=Outcome.INEFFECTIVE)
YES, NO = Approval(granted=True, by="ann", at=NOON), Approval(granted=False, by="ann", at=NOON)
ASKED: dict[str, Any] = {"state": State.WAITING, "plan": PLAN, "due": Due(later(60), "approval", later(60))}
VERIFYING: dict[str, Any] = {"state": State.VERIFYING, "plan": PLAN}
TIRED = Due(NOON, "another try", tries=TRIES, error="no route to host")

TABLE = [
    pytest.param(an_answer(confirmed_at=None), 0, StepKind.REST, Why.UNCONFIRMED, id="not-confirmed"),
    pytest.param(an_answer(route=Route.HUMAN), 0, StepKind.ESCALATE, Why.UNCOMMON, id="uncommon"),
    pytest.param(an_answer(widespread=True), 0, StepKind.ESCALATE, Why.WIDESPREAD, id="in-several-services-at-once"),
    pytest.param(an_answer(returns=2), 0, StepKind.ESCALATE, Why.FLAPS, id="it-comes-back-again-and-again"),
    pytest.param(
        an_answer(plan=PLAN, due=Due(later(15), HELD_OFF)),
        14, StepKind.WAIT, Why.HELD_OFF, id="people-are-at-work-there",
    ),
    pytest.param(
        an_answer(plan=PLAN, due=Due(later(15), HELD_OFF)),
        15, StepKind.BEGIN, Why.PLANNED, id="people-may-have-gone",
    ),
    pytest.param(
        an_answer(plan=PLAN, due=Due(later(86_400), HELD_OFF)),
        0, StepKind.BEGIN, Why.PLANNED, id="a-clock-that-was-ahead-holds-nothing-off",
    ),
    pytest.param(
        an_answer(plan=PLAN, due=Due(later(2), GATHERING, later(15))),
        1, StepKind.WAIT, Why.GATHERING, id="its-origin-was-found-a-moment-ago",
    ),
    pytest.param(
        an_answer(plan=PLAN, due=Due(later(2), GATHERING, later(15))),
        2, StepKind.BEGIN, Why.PLANNED, id="its-origin-may-have-said-more",
    ),
    pytest.param(an_answer(), 0, StepKind.PLAN, Why.COMMON, id="common"),
    pytest.param(an_answer(state=State.REOPENED), 0, StepKind.PLAN, Why.COMMON, id="reopened-is-answered-anew"),
    pytest.param(an_answer(plan=PLAN), 0, StepKind.BEGIN, Why.PLANNED, id="planned"),
    pytest.param(an_answer(**ASKED), 0, StepKind.WAIT, Why.ASKED, id="approval-is-waited-for"),
    pytest.param(an_answer(**ASKED, approval=YES), 0, StepKind.BEGIN, Why.GRANTED, id="approved"),
    pytest.param(an_answer(**ASKED, approval=NO), 0, StepKind.ESCALATE, Why.REJECTED, id="refused"),
    pytest.param(an_answer(**ASKED), 60, StepKind.ESCALATE, Why.EXPIRED, id="nobody-answered"),
    pytest.param(
        an_answer(a_record(ActionState.RESERVED), state=State.ACTING, plan=PLAN),
        0, StepKind.ACT, Why.NEXT_ACTION, id="reserved",
    ),
    pytest.param(
        an_answer(a_record(ActionState.STARTED), state=State.ACTING, plan=PLAN),
        0, StepKind.FINISH, Why.BEGUN, id="fault-22-begun-is-finished-first",
    ),
    pytest.param(
        an_answer(a_record(ActionState.STARTED), state=State.RESOLVED, plan=PLAN),
        0, StepKind.FINISH, Why.BEGUN, id="a3-begun-is-finished-although-closed",
    ),
    pytest.param(
        an_answer(a_record(ActionState.STARTED), state=State.REOPENED, episode=2),
        0, StepKind.FINISH, Why.BEGUN, id="begun-in-an-earlier-episode",
    ),
    pytest.param(
        an_answer(a_record(ActionState.DONE), a_record(ActionState.RESERVED, id=2), state=State.ACTING, plan=PLAN),
        0, StepKind.ACT, Why.NEXT_ACTION, id="second-action",
    ),
    pytest.param(
        an_answer(a_record(ActionState.FAILED), state=State.ACTING, plan=PLAN),
        0, StepKind.ESCALATE, Why.FAILED, id="failed",
    ),
    pytest.param(
        an_answer(a_record(action=SCALE), a_record(ActionState.FAILED, id=2), state=State.ACTING, plan=PLAN),
        0, StepKind.UNDO, Why.TAKE_BACK, id="failed-is-taken-back-as-far-as-it-went",
    ),
    pytest.param(
        an_answer(a_record(ActionState.DROPPED), state=State.ACTING, plan=PLAN),
        0, StepKind.ESCALATE, Why.DROPPED, id="dropped",
    ),
    pytest.param(an_answer(a_record(), **VERIFYING), 3, StepKind.WAIT, Why.SETTLING, id="settling"),
    pytest.param(
        an_answer(a_record(), **VERIFYING, due=Due(later(12), "fresh logs")),
        11, StepKind.WAIT, Why.TOO_EARLY, id="looked-lately",
    ),
    pytest.param(an_answer(a_record(), **VERIFYING), 11, StepKind.VERIFY, Why.JUDGE, id="look"),
    pytest.param(
        an_answer(a_record(), **VERIFYING, due=Due(later(86_400), "fresh logs")),
        11, StepKind.VERIFY, Why.JUDGE, id="a-timer-of-a-clock-that-was-ahead-is-not-waited-for",
    ),
    pytest.param(
        an_answer(a_record(finished_at=later(86_400)), **VERIFYING),
        11, StepKind.VERIFY, Why.JUDGE, id="an-end-in-the-future-is-not-waited-for",
    ),
    pytest.param(
        an_answer(a_record(outcome=Outcome.RECOVERED), **VERIFYING),
        60, StepKind.RESOLVE, Why.RECOVERED, id="recovered",
    ),
    pytest.param(an_answer(SCALING, **VERIFYING), 60, StepKind.UNDO, Why.TAKE_BACK, id="taken-back"),
    pytest.param(
        an_answer(a_record(action=SCALE, outcome=Outcome.UNKNOWN, undo=UndoState.STARTED), **VERIFYING),
        60, StepKind.UNDO, Why.TAKE_BACK, id="taking-back-is-gone-on-with",
    ),
    pytest.param(
        an_answer(a_record(action=SCALE, outcome=Outcome.INEFFECTIVE, undo=UndoState.DONE), **VERIFYING),
        60, StepKind.ESCALATE, Why.NOT_HELPED, id="fault-9-ineffective",
    ),
    pytest.param(
        an_answer(a_record(outcome=Outcome.UNKNOWN), **VERIFYING),
        60, StepKind.ESCALATE, Why.NOTHING_SHOWS, id="fault-10-unknown",
    ),
    pytest.param(
        an_answer(a_record(outcome=Outcome.WORSE), **VERIFYING),
        60, StepKind.ESCALATE, Why.MADE_WORSE, id="made-worse",
    ),
    pytest.param(
        an_answer(a_record(action=SCALE, outcome=Outcome.WORSE), **VERIFYING),
        60, StepKind.UNDO, Why.TAKE_BACK, id="made-worse-is-taken-back",
    ),
    pytest.param(
        an_answer(a_record(action=SCALE, outcome=Outcome.INEFFECTIVE, undo=UndoState.FAILED), **VERIFYING),
        60, StepKind.ESCALATE, Why.NOT_TAKEN_BACK, id="a-rollback-that-failed-is-what-the-page-is-about",
    ),
    pytest.param(
        an_answer(
            a_record(action=SCALE, undo=UndoState.FAILED), a_record(ActionState.FAILED, id=2),
            state=State.ACTING, plan=PLAN,
        ),
        0, StepKind.ESCALATE, Why.NOT_TAKEN_BACK, id="a-plan-that-failed-and-could-not-be-taken-back",
    ),
    pytest.param(an_answer(state=State.ESCALATED), 0, StepKind.REST, Why.HUMAN, id="a-human-has-it"),
    pytest.param(an_answer(state=State.RESOLVED), 0, StepKind.REST, Why.CLOSED, id="closed"),
    pytest.param(an_answer(state=State.MERGED), 0, StepKind.REST, Why.CLOSED, id="merged"),
    pytest.param(
        an_answer(a_record(ActionState.STARTED), state=State.RESOLVED, due=TIRED),
        0, StepKind.FINISH, Why.BEGUN, id="what-is-half-done-for-a-closed-one-is-tried-for-ever",
    ),
    pytest.param(an_answer(due=TIRED), 0, StepKind.ESCALATE, Why.GIVEN_UP, id="a8-failed-too-often"),
    pytest.param(
        an_answer(a_record(ActionState.STARTED), state=State.ACTING, plan=PLAN, due=TIRED),
        0, StepKind.ESCALATE, Why.GIVEN_UP, id="a8-the-executor-never-answered",
    ),
    pytest.param(
        an_answer(state=State.ACTING, flaw="no such kind"),
        0, StepKind.ESCALATE, Why.UNREADABLE, id="a4-the-stored-plan-cannot-be-read",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "seconds", "kind", "why"), TABLE)
def test_next_step(answer: Answer, seconds: float, kind: StepKind, why: Why) -> None:
    found = next_step(answer, tries=TRIES, now=later(seconds))
    assert (kind, why) == (found.kind, found.why)


def test_every_row_of_the_transitions_is_some_case_of_the_table() -> None:
    """A row that no case needs is dead, or its case is missing."""
    used = set()
    for case in TABLE:
        answer, seconds, *_ = case.values
        assert isinstance(answer, Answer)
        used.add(_row_of(answer, later(float(str(seconds)))))
    no_action = an_answer(a_record(outcome=Outcome.RECOVERED), state=State.ACTING, plan=PLAN)
    used |= {_row_of(no_action, NOON)}
    assert set(range(len(TRANSITIONS))) == used


def _row_of(answer: Answer, now: datetime) -> int:
    return next(
        number
        for number, row in enumerate(TRANSITIONS)
        if answer.incident.state in row.states and row.when(answer, now, TRIES)
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (an_answer(route=Route.HUMAN), PageReason.UNCOMMON),
        (an_answer(due=TIRED), PageReason.FAILED),
        (an_answer(**ASKED, approval=NO), PageReason.OBJECTED),
        (an_answer(a_record(outcome=Outcome.INEFFECTIVE), **VERIFYING), PageReason.INEFFECTIVE),
        (an_answer(a_record(outcome=Outcome.UNKNOWN), **VERIFYING), PageReason.UNKNOWN),
        (an_answer(a_record(outcome=Outcome.WORSE), **VERIFYING), PageReason.MADE_WORSE),
        (
            an_answer(a_record(action=SCALE, outcome=Outcome.WORSE, undo=UndoState.FAILED), **VERIFYING),
            PageReason.NOT_TAKEN_BACK,
        ),
    ],
)
def test_what_goes_to_a_human_says_why(answer: Answer, reason: PageReason) -> None:
    assert reason == next_step(answer, tries=TRIES, now=NOON).page


records = st.lists(
    st.builds(
        a_record,
        st.sampled_from(ActionState),
        id=st.integers(1, 3),
        episode=st.integers(1, 2),
        action=st.sampled_from([a_plan().actions[0], SCALE]),
        outcome=st.sampled_from([None, *Outcome]),
        undo=st.sampled_from(UndoState),
    ),
    max_size=3,
)


@given(
    records=records,
    state=st.sampled_from(State),
    route=st.sampled_from(Route),
    plan=st.sampled_from([None, PLAN]),
    approval=st.sampled_from([None, YES, NO]),
    tries=st.integers(0, 4),
    seconds=st.floats(-100_000, 100_000),
    until=st.sampled_from([None, later(60)]),
)
def test_whatever_is_stored_has_a_step_and_a_reason(
    *, records: list[Any], state: State, route: Route, plan: Any, approval: Any, tries: int, seconds: float, until: Any
) -> None:
    answer = an_answer(
        *records, state=state, route=route, plan=plan, approval=approval, due=Due(NOON, "x", until, tries)
    )
    found = next_step(answer, tries=TRIES, now=later(seconds))
    assert found.why
    if found.kind is StepKind.WAIT:
        assert found.at is not None
    if state.closed:
        assert found.kind in (StepKind.REST, StepKind.FINISH)
    if found.kind is StepKind.ESCALATE:
        assert found.page is not None
    if found.kind in (StepKind.ACT, StepKind.FINISH, StepKind.UNDO):
        assert found.action in {record.id for record in records}
