"""What a link says, when an answer is taken, and who may give it."""

from __future__ import annotations

import pytest

from domain.answer_links import Asked, Flaw, argument_of, claims, from_claims, may_answer, objection
from domain.errors import BadInput
from domain.incidents import State
from domain.people import People, Role
from domain.responses import Verb
from domain.roster import Roster
from tests.parts.http_part import ANN, a_link

OPEN = Asked(2, State.OPEN)
WAITING = Asked(2, State.WAITING, "abc")


@pytest.mark.parametrize(
    ("expected", "verb", "episode", "plan", "asked"),
    [
        pytest.param(None, Verb.ACKNOWLEDGE, 2, "", OPEN, id="an open incident is acknowledged"),
        pytest.param(Flaw.UNKNOWN, Verb.ACKNOWLEDGE, 2, "", None, id="what does not exist is not"),
        pytest.param(Flaw.EARLIER_EPISODE, Verb.ACKNOWLEDGE, 1, "", OPEN, id="nor by the link of an earlier time"),
        pytest.param(Flaw.CLOSED, Verb.RESOLVE, 2, "", Asked(2, State.RESOLVED), id="what is over is not resolved"),
        pytest.param(Flaw.CLOSED, Verb.COMMENT, 2, "", Asked(2, State.RESOLVED), id="nor commented on"),
        pytest.param(None, Verb.APPROVE, 2, "abc", WAITING, id="the plan of the page is approved"),
        pytest.param(Flaw.OTHER_PLAN, Verb.APPROVE, 2, "abd", WAITING, id="another plan is not"),
        pytest.param(Flaw.OTHER_PLAN, Verb.REJECT, 2, "", OPEN, id="nor is none"),
    ],
)
def test_objection(expected: Flaw | None, verb: Verb, episode: int, plan: str, asked: Asked | None) -> None:
    assert expected is objection(verb, episode, plan, asked)


ROLES = People({"ann": Role.APPROVER, "rob": Role.RESPONDER, "vic": Role.VIEWER})
USERS = Roster(users={"ann": ANN})


@pytest.mark.parametrize(
    ("expected", "person", "verb", "people", "roster"),
    [
        pytest.param(True, "ann", Verb.APPROVE, ROLES, Roster(), id="an approver approves"),
        pytest.param(False, "rob", Verb.APPROVE, ROLES, Roster(), id="a responder does not"),
        pytest.param(True, "rob", Verb.ACKNOWLEDGE, ROLES, Roster(), id="a responder acknowledges"),
        pytest.param(False, "vic", Verb.ACKNOWLEDGE, ROLES, Roster(), id="a viewer does not"),
        pytest.param(False, "eve", Verb.ACKNOWLEDGE, ROLES, Roster(), id="nor does a stranger"),
        pytest.param(True, "ann", Verb.ACKNOWLEDGE, People(), USERS, id="without roles a user of the roster may"),
        pytest.param(False, "bob", Verb.ACKNOWLEDGE, People(), USERS, id="who is no user any more may not"),
        pytest.param(True, "slack #ops", Verb.ACKNOWLEDGE, People(), USERS, id="a contact that is nobody's may"),
        pytest.param(True, "", Verb.ACKNOWLEDGE, People(), Roster(), id="without users whoever got the link may"),
    ],
)
def test_who_may_answer(expected: bool, person: str, verb: Verb, people: People, roster: Roster) -> None:  # noqa: FBT001 - the first column
    assert expected is may_answer(person, verb, people, roster)


@pytest.mark.parametrize(
    ("expected", "verb", "given"),
    [
        pytest.param("", Verb.ACKNOWLEDGE, "anything", id="an acknowledgement says nothing more"),
        pytest.param("abc", Verb.APPROVE, "xyz", id="an approval names the plan of the link, whatever is typed"),
        pytest.param("3600", Verb.SNOOZE, "3600", id="a snooze names its seconds"),
        pytest.param("user ann", Verb.REASSIGN, "user ann", id="an assignment names who gets it"),
        pytest.param("a b", Verb.COMMENT, " a\n\tb ", id="a comment is one line"),
    ],
)
def test_argument(expected: str, verb: Verb, given: str) -> None:
    assert expected == argument_of(verb, given, "abc")


@pytest.mark.parametrize(
    ("verb", "given"),
    [
        pytest.param(Verb.SNOOZE, "for ever", id="a snooze without a number"),
        pytest.param(Verb.SNOOZE, "0", id="a snooze of no time"),
        pytest.param(Verb.REASSIGN, " ", id="an assignment to nobody"),
        pytest.param(Verb.COMMENT, "  ", id="an empty comment"),
    ],
)
def test_an_argument_that_cannot_be_is_told_of(verb: Verb, given: str) -> None:
    with pytest.raises(BadInput, match=f"{verb} needs"):
        argument_of(verb, given, "")


def test_a_link_survives_its_token() -> None:
    assert a_link() == from_claims(claims(a_link()))


@pytest.mark.parametrize("missing", ["inc", "epi", "sub", "may", "exp", "jti"])
def test_a_token_without_a_part_is_no_link(missing: str) -> None:
    said = claims(a_link())
    del said[missing]
    with pytest.raises(BadInput):
        from_claims(said)


def test_a_comment_that_is_too_long_is_refused_and_not_cut() -> None:
    """The limit was the browser's alone."""
    assert "x" * 1_000 == argument_of(Verb.COMMENT, "x" * 1_000, "")
    with pytest.raises(BadInput, match="the comment has 5,000 characters, at most 1,000: say it shorter"):
        argument_of(Verb.COMMENT, "x" * 5_000, "")
