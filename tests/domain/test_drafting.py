"""When a playbook is drafted, what it says, and that nobody's text becomes more than text in it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.actions import ActionState, UndoState
from domain.autonomy import Autonomy
from domain.draft_text import quote
from domain.drafting import FOR_PEOPLE, Case, Draft, NoDraft, alike, draft, id_of
from domain.incidents import Incident, Kind, State
from domain.logs import Level
from domain.parameters import RunCommand
from domain.patterns import matched, pattern_flaw
from domain.plans import Action, ActionKind, Risk, Undo
from domain.playbook_flaws import flaws
from domain.playbook_overlaps import overlaps
from domain.playbooks import MetricMatch, Playbook, best_fit
from domain.templates import template
from domain.verification import Outcome
from tests.parts.answers_part import RESTART, SCALE
from tests.parts.drafting_part import CURE, HOSTILE, TEXT, a_case, a_recovery, a_resolved, cases

METRIC = {"kind": Kind.METRIC, "template": "queue_depth high", "metric": "queue_depth", "direction": "high"}


def drafted(given: list[Case]) -> Playbook:
    found = draft(given[0].incident, given)
    assert isinstance(found, Draft), found
    return found.playbook


def is_sound(playbook: Playbook) -> bool:
    return not flaws(playbook) and not overlaps((playbook,))


@pytest.mark.parametrize(
    ("changes", "like"),
    [
        pytest.param({}, True, id="the same"),
        pytest.param({"service": "api"}, True, id="of another service"),
        pytest.param({"template": TEXT.upper()}, True, id="in capital letters"),
        pytest.param({"template": "disk full"}, False, id="another text"),
        pytest.param({"state": State.OPEN}, False, id="not over"),
        pytest.param({"state": State.MERGED}, False, id="part of another one"),
        pytest.param(METRIC, False, id="a metric"),
    ],
)
def test_which_incidents_are_like_one(changes: dict[str, Any], like: bool) -> None:  # noqa: FBT001 - the expected value
    assert like == bool(alike(a_resolved(9), [a_case(1, **changes)]))


def test_metrics_are_alike_by_name_and_direction() -> None:
    others = [a_case(1, **METRIC), a_case(2, **METRIC | {"direction": "low"}), a_case(3, **METRIC | {"metric": "cpu"})]
    assert [1] == [case.incident.id for case in alike(a_resolved(9, **METRIC), others)]


RECOVERED = {"actions": (a_recovery(),), "allowed": True}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param(cases(CURE, CURE), "2 resolved incidents of this kind, and 3 with one cure are needed", id="two"),
        pytest.param(
            cases(CURE, CURE, ""), "2 of 3 resolved incidents of this kind say what helped, 3 must", id="one is silent"
        ),
        pytest.param(
            cases(CURE, CURE, "restarted web"), "what helped differs: incident 1: raised the quota", id="two cures"
        ),
        pytest.param(
            cases(CURE, CURE, CURE, "restarted web", "waited an hour"), "what helped differs", id="too few agree"
        ),
        pytest.param(
            cases("", "", "", actions=(a_recovery(),)), "0 of 3 resolved incidents", id="nobody allowed the action"
        ),
        pytest.param(
            cases("", "", "", allowed=True, actions=(a_recovery(outcome=Outcome.UNKNOWN),)),
            "0 of 3 resolved incidents",
            id="nothing proved the action",
        ),
        pytest.param(
            cases(CURE, CURE, CURE, template="<*> a b", message="7 a b"), "too short to tell it from others", id="short"
        ),
        pytest.param(
            cases(CURE, CURE, CURE, kind=Kind.STORM, template=""), "is no text and no metric of logs", id="a storm"
        ),
        pytest.param(
            cases(CURE, CURE, CURE, level=int(Level.WARN)), "none of their logs was an ERROR", id="only warnings"
        ),
    ],
)
def test_why_there_is_no_draft(given: list[Case], says: str) -> None:
    found = draft(given[0].incident, given)
    assert isinstance(found, NoDraft)
    assert says in found.why


def test_three_incidents_that_one_cure_ended_make_a_playbook_for_people() -> None:
    found = draft(
        a_resolved(9, state=State.OPEN), cases(CURE, "The quota of the tenant was raised", CURE, cause="growth")
    )
    assert isinstance(found, Draft)
    book = found.playbook
    assert ((1, 2, 3), CURE) == (found.incidents, found.cure)
    assert ("quota-exceeded-for-tenant-max", "Quota exceeded for tenant max") == (book.id, book.title)
    assert ((), FOR_PEOPLE, Risk.MEDIUM) == (book.actions, book.for_people, book.risk)
    assert (r"^quota exceeded for tenant .+ \(max\)$",) == book.matches.templates
    assert ("web",) == book.matches.services
    assert "> growth" in book.body
    assert is_sound(book)


def test_three_of_four_are_enough_and_what_else_helped_is_said() -> None:
    book = drafted(cases(CURE, CURE, "restarted web", CURE))
    _, failing = book.body.split("## If it fails")
    assert "> restarted web" in failing
    assert "> restarted web" not in book.body.removesuffix(failing)


def test_a_new_incident_of_the_kind_chooses_it_and_others_do_not() -> None:
    book = drafted(cases(CURE, CURE, CURE))
    fresh = a_resolved(9, state=State.OPEN, template=template("quota exceeded for tenant 99 (max)"))
    chosen = best_fit((book,), fresh)
    assert chosen is not None
    assert book is chosen.playbook
    for changes in ({"template": "quota exceeded"}, {"service": "api"}, {"level": int(Level.INFO)}):
        assert best_fit((book,), replace(fresh, **changes)) is None


def test_a_metric_makes_one_too() -> None:
    book = drafted(cases(CURE, CURE, CURE, **METRIC))
    assert (MetricMatch("queue_depth", "high"),) == book.matches.metrics
    assert is_sound(book)
    assert best_fit((book,), a_resolved(9, **METRIC)) is not None


def test_the_same_action_that_people_allowed_and_that_was_proved_is_a_cure() -> None:
    found = draft(a_resolved(9), cases("", "", "", **RECOVERED))
    assert isinstance(found, Draft)
    (action,) = found.playbook.actions
    assert ("restart {service}", (ActionKind.RESTART, "{service}", Risk.MEDIUM)) == (
        found.cure,
        (action.kind, action.target, action.risk),
    )
    assert (Autonomy.OBSERVE, Risk.MEDIUM, "") == (
        found.playbook.autonomy,
        found.playbook.risk,
        found.playbook.for_people,
    )
    assert is_sound(found.playbook)


OTHER_TARGET = a_recovery(service="db", action=replace(RESTART, target="db"))
ON_KUBERNETES = a_recovery(service="db", action=replace(RESTART, target="shop/deployment/db"))
COMMAND = Action(ActionKind.RUN_COMMAND, "web", Risk.MEDIUM, Undo.NONE, RunCommand("vacuum"))


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        pytest.param([(a_recovery(),)] * 3, ["restart {service} medium"], id="proved in each"),
        pytest.param([(a_recovery(),)] * 2 + [()], [], id="proved in two only"),
        pytest.param([(a_recovery(),)] * 3 + [(a_recovery(action=SCALE),)], [], id="another one was proved as well"),
        pytest.param([(a_recovery(outcome=Outcome.INEFFECTIVE),)] * 3, [], id="it did not help"),
        pytest.param([(a_recovery(undo=UndoState.DONE),)] * 3, [], id="it was taken back"),
        pytest.param([(a_recovery(state=ActionState.FAILED),)] * 3, [], id="failed"),
        pytest.param(
            [(a_recovery(), a_recovery(action=SCALE))] * 3,
            ["restart {service} medium", "scale {service} medium"],
            id="two in their order",
        ),
        pytest.param([(OTHER_TARGET,)] * 3, ["restart db medium"], id="on another service"),
        pytest.param([(ON_KUBERNETES,)] * 3, [], id="on a target that no playbook can name"),
        pytest.param([(a_recovery(action=COMMAND),)] * 3, ["run_command {service} high"], id="what cannot be undone"),
    ],
)
def test_actions_come_from_what_was_proved_alone(actions: list[tuple[Any, ...]], expected: list[str]) -> None:
    given = [a_case(number, actions=done) for number, done in enumerate(actions, 1)]
    book = drafted(given)
    assert expected == [f"{one.kind} {one.target} {one.risk.name.lower()}" for one in book.actions]
    assert is_sound(book)


def test_hostile_texts_are_quotes_and_no_action() -> None:
    hostile = template(HOSTILE)
    changes = {"template": hostile, "message": HOSTILE, "service": HOSTILE, "cause": HOSTILE, "origin": HOSTILE}
    book = drafted(cases(HOSTILE, HOSTILE, HOSTILE, **changes))
    assert () == book.actions
    assert is_sound(book)
    assert best_fit((book,), a_resolved(9, template=hostile, service=HOSTILE)) is not None
    headings = [line for line in book.body.split("\n") if line.startswith("#")]
    assert 6 == len(headings)
    for bad in ("\x1b", "\x00", "\u202e", "\n```", "{service}", "{target}", "http://evil"):
        assert bad not in book.body
    assert not re.search(r"(?<!\\)[<\[]", book.body)


def test_secrets_are_masked_in_all_of_it() -> None:
    said = "login refused: password=hunter2secret of ann@example.org"
    book = drafted(
        cases(*[f"set password=hunter2secret {CURE}"] * 3, template=template(said), message=said, cause=said)
    )
    assert "hunter" not in repr(book)
    assert "ann@" not in repr(book)
    assert is_sound(book)
    assert best_fit((book,), a_resolved(9, template=template(said))) is not None


@given(st.text(min_size=1, max_size=400))
def test_whatever_a_log_says_its_draft_is_sound_and_for_it_alone(message: str) -> None:
    text = template(message)
    given_cases = cases(CURE, CURE, CURE, template=text, message=message)
    found = draft(given_cases[0].incident, given_cases)
    if isinstance(found, NoDraft):
        assert "too short" in found.why
        return
    assert [] == flaws(found.playbook)
    assert best_fit((found.playbook,), a_resolved(9, template=text)) is not None
    assert best_fit((found.playbook,), a_resolved(9, template=f"{text} and more")) is None or text.endswith("<*>")
    assert all(pattern_flaw(pattern) == "" for pattern in found.playbook.matches.templates)


@given(st.text())
def test_a_quote_is_one_line_without_markup(text: str) -> None:
    found = quote(text)
    assert found.startswith("> ")
    assert "\n" not in found
    assert all(found[place - 1] == "\\" for place, letter in enumerate(found) if letter in "`*{}[]<|#" and place)


def incident_of(text: str) -> Incident:
    return a_resolved(7, template=text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Quota exceeded for tenant <*>", "quota-exceeded-for-tenant"),
        ("one two three four five six seven", "one-two-three-four-five-six"),
        ("x" * 100, "x" * 60),
        ("квота исчерпана", "incident-7"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_an_id_is_made_of_words(text: str, expected: str) -> None:
    assert expected == id_of(incident_of(text))


def test_a_pattern_matches_its_text_and_nothing_longer() -> None:
    (pattern,) = drafted(cases(CURE, CURE, CURE)).matches.templates
    assert matched(pattern, TEXT) == TEXT
    assert matched(pattern, f"{TEXT} x") is None
